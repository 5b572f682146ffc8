"""A board behind a pseudo-terminal: a C++ main around the Verilated board, bits at its pins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.sim.program import PREFIX, build_program
from bsnn_hw.sim.render import render

__all__ = ["build_pty_board"]


@dataclass(frozen=True)
class _Board:
    """What templates/virtual_board.cpp.j2 and templates/virtual_spi.cpp.j2 read.

    divisor : clock cycles of a bit
    reset : there is a port ``rst``; active : one ``active``, high while the board computes
    """

    top: str
    prefix: str
    divisor: int
    reset: bool
    active: bool


def build_pty_board(paths: Iterable[Path], top: str, divisor: int, folder: Path,
                    optimize: str = "-O2") -> Path:
    """Build the program; it has to run in ``folder``, and prints its pseudo-terminal's name.

    The top level has the ports ``clk`` and ``rx``, ``tx`` or ``sck``, ``mosi``, ``cs_n``, ``miso``.
    With ``rx`` and without ``active`` the program never sleeps.

    divisor : int, clock cycles of a bit on the line

    Raises
    ------
    ToolError
        Verilator or the C++ compiler is missing or failed.
    """
    def driver(ports: dict[str, int]) -> str:
        board = _Board(top, PREFIX, divisor, "rst" in ports, "active" in ports)
        return render(f"virtual_{'spi' if 'sck' in ports else 'board'}.cpp.j2", board=board)

    return build_program(paths, top, folder, driver, optimize=optimize)[0]
