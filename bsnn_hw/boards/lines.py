"""Where a host is connected to a board: pins of a serial line and of SPI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bsnn_hw.link.bridge import INPUTS, OUTPUTS, Bridge

__all__ = ["CONNECTOR", "KEYS", "BoardLine", "line_words", "ports"]

KEYS = {Bridge.UART: "serial", Bridge.SPI: "spi"}  # in a board's file
CONNECTOR = "connector"  # and beside the ports there


def ports(bridge: Bridge) -> tuple[str, ...]:
    """A board's ports for a bridge, inputs first."""
    return (*INPUTS[bridge], *OUTPUTS[bridge])


@dataclass(frozen=True)
class BoardLine:
    """The pins of one bridge.

    pins : port of the board -> pin of the part
    connector : where they are on the board, for people; may be empty
    """

    pins: Mapping[str, str]
    connector: str = ""

    def words(self) -> str:
        """Pins and connector, for people."""
        pins = ", ".join(f"{port} {pin}" for port, pin in self.pins.items())
        return f"{pins}, on {self.connector}" if self.connector else pins


def line_words(bridge: Bridge, baud: int, divisor: int) -> str:
    """How fast a line is, for people."""
    match bridge:
        case Bridge.UART:
            return f"{baud:,} baud, {divisor} cycles a bit"
        case Bridge.SPI:
            return f"SCK of at most {baud:,} Hz, mode 0"
