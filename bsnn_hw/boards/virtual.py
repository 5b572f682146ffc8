"""A board's folder, simulated: the emitted Verilog behind a pseudo-terminal."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.boards import PINS, TOP
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.emission.constructs import check_constructs
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.processes import started
from bsnn_hw.progress import step
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.sim.kept import kept_folder
from bsnn_hw.sim.pty_board import build_pty_board

__all__ = ["Running", "running", "virtual_board"]


@dataclass(frozen=True)
class Running:
    """A simulated board: its pseudo-terminal's name, and the process."""

    device: str
    process: subprocess.Popen[str]


@contextmanager
def virtual_board(folder: Path) -> Iterator[Running]:
    """The board in ``folder`` runs for the length of a block.

    The program is built once for each circuit and kept in the user's cache.

    Raises
    ------
    InputError
        The folder is no board's, or its Verilog holds what this program does not write.
    ToolError
        Verilator or the C++ compiler is missing or failed.
    """
    facts = BoardFacts.read(folder)
    sources = sorted((folder / "rtl").glob("*.v"))
    if not sources:
        raise InputError(f"{folder}/rtl: must hold the board's Verilog, and holds none; make the "
                         "board again")
    check_constructs(sources)
    contents = [(path.name, path.read_bytes()) for path in sources]
    with step("virtual board built"):
        kept = kept_folder("board", (contents, facts.divisor), lambda draft: _build(
            sources, facts.divisor, draft))
    with running(kept) as board:
        yield board


def _build(sources: Sequence[Path], divisor: int, draft: Path) -> None:
    """The program and the words of its memories, without what they were made of."""
    with scratch_folder() as scratch:
        top = PINS if any(path.stem == PINS for path in sources) else TOP
        program = build_pty_board(sources, top, divisor, scratch)
        for path in (program, *scratch.glob("*.hex")):
            shutil.copy(path, draft)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """The program that `build_pty_board` left in ``folder``, running."""
    with started([folder / "simulate"], cwd=folder) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        if not name.startswith("/"):
            _, complaints = child.communicate()
            raise ToolError("virtual board: must offer a pseudo-terminal, but "
                            f"{complaints.strip() or name or 'ended'}")
        yield Running(name, child)
