"""``python -m bsnn_hw.board FOLDER``: a bundle's circuit behind a serial line, for any board."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.link.bridge import Bridge

__all__ = ["main"]

_WORDS = {Bridge.UART: ("rx, tx", "baud"),
          Bridge.SPI: ("sck, mosi, miso, cs_n", "Hz of SCK at most")}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.board", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="bundle written by python -m bsnn_hw.generate --port bytes")
    add("--out", type=Path, help="folder to write (default: the bundle's name with _board)")
    add("--clock", type=float, default=12.0, metavar="MHZ", help="of the board (default: 12)")
    add("--bridge", type=Bridge, choices=tuple(Bridge), default=Bridge.UART, metavar="uart|spi",
        help="a serial line, or SPI of at most an eighth of the clock (default: uart)")
    add("--baud", type=int, default=1_000_000, metavar="N",
        help="bits a second on the line (default: 1000000)")
    return parser


def _act(options: argparse.Namespace) -> None:
    if not (math.isfinite(options.clock) and options.clock > 0):
        raise InputError(f"`clock`: must be MHz above 0, not {options.clock:g}")
    if options.baud < 1:
        raise InputError(f"`baud`: must be 1 or more, not {options.baud}")
    from bsnn_hw.boards.core import TOP, write_core

    out = options.out or options.folder.with_name(f"{options.folder.resolve().name}_board")
    _, facts = write_core(options.folder, out, clock=options.clock, baud=options.baud,
                          bridge=options.bridge)
    pins, unit = _WORDS[options.bridge]
    print(f"board     circuit {facts.identifier}, {facts.shape.sample:,} bytes a sample in blocks "
          f"of {facts.shape.block}, {facts.shape.result:,} a result, {facts.baud:,} "
          f"{unit} at {options.clock:g} MHz")
    print(f"written   {out}/ (top level {TOP}: clk, rst, {pins}, active, answer; docs/serial.md)")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
