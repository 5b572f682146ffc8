"""Pages of the documentation and the code blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DOCS", "PAGES", "ROOT", "Block", "anchors", "blocks", "commands", "links"]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "examples" / "README.md"]
_MARK = re.compile(r"<!-- test: (.*?) -->\n+\Z")
_FENCED = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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
    found = [(match.start(), match[1], match[2]) for match in _FENCED.finditer(text)]
    blank = _FENCED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
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


def links(page: Path) -> list[str]:
    """Targets of links and images that are no address of the web."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return [target for target in re.findall(r"\]\(([^()\s]+)\)", text)
            if not re.match(r"https?:|mailto:", target)]


def anchors(page: Path) -> set[str]:
    """What headings can be reached by, as GitHub and the site make it of them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", text)}
