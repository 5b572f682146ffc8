"""All bridges in Amaranth, by the name that a user calls them."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.lib.wiring import Member

from bsnn_hw.hdl import spi, uart
from bsnn_hw.hdl.wire import Wire
from bsnn_hw.link.bridge import Bridge

__all__ = ["make_wire", "wire_pins"]


def make_wire(bridge: Bridge, divisor: int) -> Wire:
    """The wire of ``bridge``; divisor : int, clock cycles of a bit on a serial line."""
    match bridge:
        case Bridge.UART:
            return uart.UartWire(divisor)
        case Bridge.SPI:
            return spi.SpiWire()


def wire_pins(bridge: Bridge) -> Mapping[str, Member]:
    """Its pins, as a board has them."""
    match bridge:
        case Bridge.UART:
            return uart.PINS
        case Bridge.SPI:
            return spi.PINS
