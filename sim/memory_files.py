"""Memories' initial words in files of their own, for Verilator.

A statement for each row is what every tool reads and what the Verilog holds. Verilator makes half
a dozen objects of each, and C++ of each: for the two million rows of a ResNet-19 it was stopped
after a quarter of an hour, at 6.6 GB, where ``$readmemh`` takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["in_files", "with_memory_files"]

FEWEST_ROWS = 65  # of a memory that is worth a file

# Yosys writes words of 32 bits as decimal numbers.
_ROW = r"\[(\d+)\] = (?:\d+'h([0-9a-f]+)|32'd(\d+));\n"
_BLOCK = re.compile(rf"^  initial begin\n    (\w+){_ROW}(?:    \1{_ROW})*  end\n", re.MULTILINE)


def with_memory_files(paths: Iterable[Path], folder: Path) -> dict[Path, Path]:
    """Each of the Verilog ``paths``, or a copy of it that reads its large memories from files.

    The copies have the lines of the originals and are in ``folder``/sources, the words in
    ``folder``, by names without it: a simulation has to run there.

    Returns
    -------
    dict : what is to be read -> the path that it was made of, in the given order
    """
    return {_with_files(path, folder): path for path in paths}


def _with_files(path: Path, folder: Path) -> Path:
    text, files = in_files(path.read_text(encoding="utf-8"), path.stem, "hex")
    if not files:
        return path.resolve()
    for name, words in files.items():
        (folder / name).write_text("\n".join(words) + "\n", encoding="utf-8")
    copy = folder / "sources" / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(text, encoding="utf-8")
    return copy


def in_files(text: str, module: str, ending: str) -> tuple[str, dict[str, list[str]]]:
    """The Verilog ``text`` in as many lines, and the words of its large memories, hexadecimal, by
    the names of files ``MODULE.MEMORY.ENDING`` that it reads instead."""
    memories = _large_memories(text)

    def shorter(block: re.Match[str]) -> str:
        name, first = block[1], block[2]
        if name not in memories:
            return block[0]
        read = f'  initial $readmemh("{module}.{name}.{ending}", {name});' if first == "0" else ""
        return read + "\n" * block[0].count("\n")

    files = {f"{module}.{name}.{ending}": words for name, words in memories.items()}
    return (_BLOCK.sub(shorter, text) if files else text), files


def _large_memories(text: str) -> dict[str, list[str]]:
    """The words of each memory of ``FEWEST_ROWS`` or more, by its name; rows must be in order."""
    words: dict[str, list[str]] = {}
    unordered = set()
    for block in _BLOCK.finditer(text):
        name = block[1]
        for row, hexadecimal, decimal in re.findall(_ROW, block[0]):
            if int(row) != len(words.setdefault(name, [])):
                unordered.add(name)
            words[name].append(hexadecimal or f"{int(decimal):x}")
    return {name: rows for name, rows in words.items()
            if len(rows) >= FEWEST_ROWS and name not in unordered}
