"""``python -m bsnn_hw.virtual FOLDER``: a board's circuit, simulated behind a pseudo-terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.command import run_verb
from bsnn_hw.errors import ToolError

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.virtual", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder written by python -m bsnn_hw.board")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.boards.virtual import virtual_board
    from bsnn_hw.driver.facts import BoardFacts

    facts = BoardFacts.read(options.folder)
    with virtual_board(options.folder) as board:
        print(f"board     circuit {facts.identifier}, {facts.divisor} clock cycles a bit; "
              "Ctrl-C ends it")
        print(f"device    {board.device}", flush=True)
        board.process.wait()
    raise ToolError("virtual board: must run until it is ended, and has ended by itself with code "
                    f"{board.process.returncode}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
