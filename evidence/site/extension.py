"""Sphinx's part: a directive for verbs, docstrings of the house's form, blocks of commands."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from evidence.site.docstrings import sections
from evidence.site.verbs import Option, describe

__all__ = ["Verb", "setup"]

COMMANDS = re.compile(r"(python -m |make |pip install |\. \.venv|apt install )")


class Verb(Directive):
    """``{verb} bsnn_hw.generate``: description, usage and options of a command."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The nodes that stand for the command."""
        command = describe(self.arguments[0])
        usage = nodes.literal_block(command.usage, command.usage, language="none")
        listed = nodes.definition_list(classes=["options"])
        listed += [_item(option) for option in command.options]
        return [nodes.paragraph("", command.description), usage, listed]


def _item(option: Option) -> nodes.Node:
    term = nodes.term("", "", nodes.literal(option.words, option.words))
    text = nodes.definition("", nodes.paragraph("", option.text))
    return nodes.definition_list_item("", term, text)


def _process(app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    lines[:] = sections(lines, "Attributes" if what == "class" else "Parameters")


def _mark_commands(app: Any, document: nodes.document) -> None:
    """Indented blocks that begin with a command are for a shell."""
    for block in document.findall(nodes.literal_block):
        if COMMANDS.match(block.astext()) and "language" not in block:
            block["language"] = "sh"


def _level_headings(app: Any, page: str, template: str, context: dict[str, Any],
                    document: nodes.document | None) -> None:
    """Captions of the contents are headings, of which a reader's screen asks the level."""
    for name in ("furo_navigation_tree", "body"):
        if name in context:
            context[name] = context[name].replace('role="heading"',
                                                  'role="heading" aria-level="2"')


def setup(app: Any) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("verb", Verb)
    app.connect("autodoc-process-docstring", _process, priority=400)  # before napoleon
    app.connect("doctree-read", _mark_commands)
    app.connect("html-page-context", _level_headings, priority=900)  # behind furo
    return {"parallel_read_safe": True}
