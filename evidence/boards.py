"""``python -m evidence.boards``: from a model file to a bitstream for each listed board.

The digits network on small parts, the fully connected Fashion-MNIST one on the others, each behind
a serial line and behind SPI. Where there are models of the family's cells, ECP5 and iCE40, the
netlist is simulated from pin to pin with 8 images, and every score is the reference's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.link.bridge import Bridge

if TYPE_CHECKING:
    from bsnn_hw.boards.report import Made

__all__ = ["main", "measure", "row"]

ROOT = Path(__file__).parents[1]
SMALL = ("crosslink-nx-evn", "gatemate-evb", "icebreaker", "tang-nano-9k")
IMAGES = 8
HEADING = ("board", "network", "bridge", "clock", "reached", "margin", "logic cells", "block RAMs",
           "bitstream", "simulated")


def measure(name: str, bridge: Bridge, images: int, folder: Path) -> Made:
    """Make the board ``name`` in ``folder``; its clock must be met."""
    from bsnn_hw.boards.build import BoardRequest, make_board
    from bsnn_hw.boards.description import find_board
    from bsnn_hw.boards.report import check_met

    board = find_board(name)
    made = make_board(BoardRequest(_model(name), board, folder / f"{name}_{bridge}",
                                   bridge=bridge,
                                   simulate=images if board.part.simulation else 0))
    check_met(made)
    return made


def _model(name: str) -> Path:
    return ROOT / "examples" / ("digits_fc.pt" if name in SMALL else "fashion_mnist_fc.pt")


def row(made: Made) -> tuple[str, ...]:
    """A line of the table."""
    board, used = made.board, made.placement.used
    logic, memory = board.part.logic, next(each for each in board.part.resources
                                           if "block RAM" in each.words)
    return (board.name, _model(board.name).stem, made.facts.bridge,
            f"{made.clocking.megahertz:.2f} MHz",
            f"{made.placement.megahertz:.2f}", f"{100 * made.margin:+.1f} %",
            f"{used[logic.bel]:,} {logic.bel}", f"{used[memory.bel]} {memory.bel}",
            Path(made.bitstream).suffix or "none",
            f"{made.simulated} exact" if made.simulated else "-")


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.boards.description import known_boards
    from bsnn_hw.scratch import scratch_folder
    from bsnn_hw.text import table

    rows: list[tuple[str, ...]] = [HEADING]
    with scratch_folder() as scratch:
        for bridge in [Bridge(options.bridge)] if options.bridge else Bridge:
            for name in options.names or known_boards():
                rows.append(row(measure(name, bridge, options.images, scratch)))
                print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.boards",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="boards (default: all)")
    parser.add_argument("--bridge", choices=[each.value for each in Bridge],
                        help="what hosts are connected by (default: one after the other)")
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N",
                        help=f"through the netlist, 0 for none (default: {IMAGES})")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
