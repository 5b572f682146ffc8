"""``python -m bsnn_hw.board FOLDER``: a bundle's circuit on a board, by serial line or SPI."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.command import counts, run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.link.bridge import Bridge

__all__ = ["main"]

CLOCK = 12.0  # MHz, of a board without a name
SLOWEST, FASTEST = 0.001, 1000.0  # MHz
BAUD = 1_000_000
MAX_SEED = 2**31 - 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.board", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, nargs="?",
        help="bundle written by python -m bsnn_hw.generate --port bytes; with --board also a model "
             "file, which is planned for the board; with --flash alone a board's folder")
    add("--board", metavar="NAME",
        help="make a bitstream for this board, or for that of a file NAME.toml (--board help "
             "lists them); default: Verilog without pins")
    add("--out", type=Path,
        help="folder to write (default: the bundle's name with _board, or _NAME)")
    add("--clock", type=float, metavar="MHZ",
        help="of the circuit, at most (default: what placing reaches less 10 %%; without --board "
             "12)")
    add("--bridge", choices=[each.value for each in Bridge], default=Bridge.UART.value,
        help="a serial line, or SPI of at most an eighth of the clock (default: uart)")
    add("--baud", type=int, metavar="N",
        help="bits a second on the line (default: 1000000)")
    add("--seeds", type=counts, default=(1,), metavar="N,N,...",
        help="seeds of nextpnr, the fastest counts (default: 1)")
    add("--simulate", type=int, default=0, metavar="N",
        help="simulate the board's netlist from pin to pin with the first N of the bundle's "
             "vectors (default: 0)")
    add("--edited", action="store_true", help="take a bundle whose files were edited as it is")
    add("--flash", action="store_true", help="load the bitstream with openFPGALoader")
    return parser


def _act(options: argparse.Namespace) -> None:
    if options.board == "help":
        _list()
        return
    if options.folder is None:
        raise InputError("folder: must be given, a bundle's; make one with python -m "
                         "bsnn_hw.generate --port bytes")
    _check(options)
    if options.board is None:
        if options.flash:
            _flash(options.folder)
        else:
            _core(options)
    else:
        _board(options)


def _check(options: argparse.Namespace) -> None:
    options.bridge = Bridge(options.bridge)
    if options.clock is not None and not SLOWEST <= options.clock <= FASTEST:
        raise InputError(f"`clock`: must be MHz, {SLOWEST:g}..{FASTEST:g}, not {options.clock:g}")
    if options.bridge is Bridge.SPI and options.baud is not None:
        raise InputError("`baud`: must be absent with `bridge` spi, whose speed is the host's")
    options.baud = BAUD if options.baud is None else options.baud
    if options.baud < 1:
        raise InputError(f"`baud`: must be 1 or more, not {options.baud}")
    if options.simulate < 0:
        raise InputError(f"`simulate`: must be 0 or more, not {options.simulate}")
    if wrong := [seed for seed in options.seeds if not 0 <= seed <= MAX_SEED]:
        raise InputError(f"`seeds`: must be 0..{MAX_SEED}, not {wrong[0]}")


def _list() -> None:
    from bsnn_hw.boards.description import known_boards

    for board in known_boards().values():
        print(f"{board.name:16} {board.title}, {board.part.part}")
        for bridge, line in board.lines.items():
            print(f"{'':16} {bridge:5} {line.words()}")


def _core(options: argparse.Namespace) -> None:
    from bsnn_hw.boards.core import TOP, write_core
    from bsnn_hw.boards.lines import line_words, ports

    clock = options.clock or CLOCK
    out = options.out or options.folder.with_name(f"{options.folder.resolve().name}_board")
    _, facts = write_core(options.folder, out, clock=clock, baud=options.baud,
                          bridge=options.bridge)
    print(f"board     circuit {facts.identifier}, {facts.shape.sample:,} bytes a sample in blocks "
          f"of {facts.shape.block}, {facts.shape.result:,} a result, "
          f"{line_words(facts.bridge, facts.baud, facts.divisor)} at {clock:g} MHz")
    print(f"written   {out}/ (top level {TOP}: clk, rst, {', '.join(ports(facts.bridge))}, active, "
          "answer; docs/serial.md)")


def _board(options: argparse.Namespace) -> None:
    from bsnn_hw.boards.build import BoardRequest, make_board
    from bsnn_hw.boards.description import find_board
    from bsnn_hw.boards.report import check_met, text

    board = find_board(options.board)
    source = options.folder
    out = options.out or source.with_name(
        f"{source.resolve().name if source.is_dir() else source.stem}_{board.name}")
    made = make_board(BoardRequest(source, board, out, options.baud, options.bridge, options.clock,
                                   options.seeds, options.simulate, options.edited))
    print(text(made))
    print(f"written   {out}/", flush=True)
    check_met(made)
    if options.flash:
        _flash(out)


def _flash(folder: Path) -> None:
    from bsnn_hw.boards.flash import flash

    command = flash(folder)
    print(f"flashed   {' '.join(command)}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
