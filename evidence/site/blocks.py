"""Code blocks of a page, and whether what a command prints is what the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FENCED", "Block", "blocks", "commands", "printed_as"]

_MARK = re.compile(r"<!-- test: (.*?) -->\n+\Z")
FENCED = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)((?:    [^\n]*\n|\n(?=    ))+)")
_COMMAND = re.compile(r"\s*(?:\$ )?(python -m \S|make |pip install |apt install |\. \S)")


@dataclass(frozen=True)
class Block:
    """Code of a page: its language, ``sh`` for indented commands, and its test's mark."""

    page: Path
    language: str
    code: str
    mark: str


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks, and indented ones that begin with a command, in order."""
    text = page.read_text(encoding="utf-8")
    found = [(match.start(), match[1], match[2]) for match in FENCED.finditer(text)]
    blank = FENCED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    found += [(match.start(), "sh", re.sub(r"(?m)^    ", "", match[0]))
              for match in _INDENTED.finditer(blank) if _COMMAND.match(match[0])]
    for start, language, code in sorted(found):
        mark = _MARK.search(text[:start])
        yield Block(page, language, code, mark[1] if mark else "")


def commands(block: Block) -> list[str]:
    """Command lines of a ``console`` or ``sh`` block, without remarks behind them."""
    lines = block.code.splitlines()
    if block.language == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    found = (re.split(r" {2,}#| {3,}(?=\S)| # |…", line)[0].strip() for line in lines)
    return [line for line in found if _COMMAND.match(line)]


def printed_as(printed: str, wanted: str) -> bool:
    """Whether ``printed`` is ``wanted``, where ``…`` stands for anything in a line, and for any
    lines where it is alone in one; what a slow machine says of its progress is left aside."""
    lines = [re.escape(line).replace("…", "[^\n]*") + "\n" for line in wanted.splitlines()]
    pattern = "".join("(?:[^\n]*\n)*?" if line == "[^\n]*\n" else line for line in lines)
    progress = r"[^\n]* \.\.\.\n|[^\n]*: [\d.]+ s\n"
    return re.fullmatch(pattern, re.sub(rf"(?m)^(?:{progress})", "", printed)) is not None
