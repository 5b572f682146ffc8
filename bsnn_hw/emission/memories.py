"""The Verilog once more, with the words of large memories in files of their own.

A statement for each row is what every tool reads, and what is verified; some take a time that
grows with the square of the rows. In ``rtl_mem/`` the same modules read the same words by
``$readmemh`` from ``MODULE.MEMORY.mem`` beside them: by name alone, so a tool finds them in the
folder where it runs or where the Verilog lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from bsnn_hw.sim.memory_files import in_files

__all__ = ["MEM_FOLDER", "Memories", "write_memories"]

MEM_FOLDER = "rtl_mem"


class Memories(StrEnum):
    """Where initial words stand: in the Verilog, or in files too."""

    VERILOG = "verilog"
    MEM = "mem"


def write_memories(paths: Iterable[Path], folder: Path) -> None:
    """Write ``folder``: the Verilog ``paths`` by their names, and a file for each large memory."""
    folder.mkdir()
    for path in paths:
        text, memories = in_files(path.read_text(encoding="utf-8"), path.stem, "mem")
        (folder / path.name).write_text(text, encoding="utf-8")
        for name, words in memories.items():
            (folder / name).write_text("\n".join(words) + "\n", encoding="utf-8")
