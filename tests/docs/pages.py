"""Pages of the documentation, and what their links are."""

from __future__ import annotations

import re
from pathlib import Path

from evidence.site.blocks import FENCED, Block, blocks, commands

__all__ = ["DOCS", "PAGES", "ROOT", "Block", "anchors", "blocks", "commands", "links"]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "examples" / "README.md"]


def links(page: Path) -> list[str]:
    """Targets of links and images that are no address of the web."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [target for target in re.findall(r"\]\(([^()\s]+)\)", text)
            if not re.match(r"https?:|mailto:", target)]


def anchors(page: Path) -> set[str]:
    """What headings can be reached by, as GitHub and the site make it of them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", text)}
