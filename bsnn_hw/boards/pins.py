"""A board's top level as Verilog: clock, reset and lights around `TOP`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.boards import DIVIDER, PINS, TOP
from bsnn_hw.boards.description import Board
from bsnn_hw.devices.clocks import Clocking
from bsnn_hw.link.bridge import INPUTS, OUTPUTS, Bridge
from bsnn_hw.sim.render import render
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import Verilog, to_verilog

__all__ = ["clock_verilog", "pins_verilog"]


@dataclass(frozen=True)
class _Top:
    """What templates/board_top.v.j2 reads."""

    name: str
    title: str
    words: str
    lights: int
    clocking: Clocking
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    pins: str = PINS
    divider: str = DIVIDER


def pins_verilog(board: Board, bridge: Bridge, answer_bits: int, rtl: Path) -> Verilog:
    """Write the module `PINS`, around `TOP`, into the folder ``rtl``: all but the clock."""
    from bsnn_hw.hdl.board_pins import BoardPins
    from bsnn_hw.hdl.bridges import wire_pins

    pins = BoardPins(TOP, wire_pins(bridge), answer_bits=answer_bits,
                     lights=len(board.leds), inverted=board.inverted)
    return to_verilog(to_rtlil(pins, PINS), rtl, PINS)


def clock_verilog(board: Board, bridge: Bridge, clocking: Clocking,
                  folder: Path) -> tuple[Path, ...]:
    """Write the module ``board.top``, the clock around `PINS`, into ``folder``."""
    from bsnn_hw.hdl.board_clock import ClockDivider

    divider: tuple[Path, ...] = ()
    if clocking.divide > 1:
        bits = clocking.divide.bit_length() - 1
        divider = to_verilog(to_rtlil(ClockDivider(bits), DIVIDER), folder, DIVIDER).paths
    words = f"{clocking.megahertz:.2f} MHz, {clocking.words(board.oscillator)}"
    path = folder / f"{board.top}.v"
    path.write_text(render("board_top.v.j2", top=_Top(
        board.top, board.title, words, len(board.leds), clocking, INPUTS[bridge],
        OUTPUTS[bridge])),
                    encoding="utf-8")
    return (path, *divider)
