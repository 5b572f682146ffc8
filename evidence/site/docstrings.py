"""Docstrings of the house's form as numpydoc has them.

They name parameters in lines ``name : what it is``, often without a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["sections"]

NAMED = re.compile(r"\*{0,2}[A-Za-z_]\w*(, \*{0,2}[A-Za-z_]\w*)* : ")


def sections(lines: list[str], heading: str) -> list[str]:
    """``lines`` of a docstring with each ``name : text`` as numpydoc has it, the text below the
    name; a paragraph of them without a section gets ``heading``."""
    return [line for paragraph in _paragraphs(lines, heading) for line in paragraph]


def _paragraphs(lines: list[str], heading: str) -> Iterator[list[str]]:
    sectioned = False
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line)
            continue
        title = paragraph[:2] if paragraph[1:] and paragraph[1].startswith("---") else []
        if title and title[0] == "Members":  # ours for what a class has
            title = ["Attributes", "----------"]
        sectioned = sectioned or bool(title)
        named = paragraph[len(title):]
        if named and NAMED.match(named[0]):
            named = list(_entries(named))
            title = title or ([] if sectioned else [heading, "-" * len(heading)])
        yield [*title, *named, ""]
        paragraph = []


def _entries(paragraph: list[str]) -> Iterator[str]:
    """Each name's text below it: numpydoc would take a sentence for a type."""
    for line in paragraph:
        if NAMED.match(line):
            name, _, text = line.partition(" : ")
            yield from (name, f"    {text}")
        else:
            if line.strip()[0].isupper():  # another sentence, and no full stop before it
                yield ""
            yield f"    {line.strip()}"
