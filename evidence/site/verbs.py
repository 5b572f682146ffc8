"""Options of a command as its own parser has them, without running it."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

__all__ = ["Command", "Option", "describe", "parser_of"]

WIDTH = 80  # characters of a usage line


@dataclass(frozen=True)
class Option:
    """An option or argument: how it is written, and what its help says."""

    words: str
    text: str


@dataclass(frozen=True)
class Command:
    """What ``--help`` says of a command."""

    description: str
    usage: str
    options: tuple[Option, ...]


class _Seen(Exception):  # noqa: N818, none of the user's errors
    """The parser of a command, as it was about to parse."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


class _Watched:
    """`ArgumentParser.parse_args` for the time of a ``with``: it gives the parser away."""

    def __enter__(self) -> None:
        def seen(parser: argparse.ArgumentParser, *_: object) -> None:
            raise _Seen(parser)

        self._kept = argparse.ArgumentParser.parse_args
        argparse.ArgumentParser.parse_args = seen  # type: ignore[assignment, method-assign]

    def __exit__(self, *_: object) -> None:
        argparse.ArgumentParser.parse_args = self._kept  # type: ignore[method-assign]


def parser_of(module: str) -> argparse.ArgumentParser:
    """The parser that ``python -m module`` would use, with the options that all verbs share."""
    main = importlib.import_module(module).main
    with _Watched():
        try:
            main([])
        except _Seen as found:
            return found.parser
    raise ValueError(f"{module}: main must parse its arguments by argparse, and did not")


def describe(module: str) -> Command:
    """Usage and options of ``python -m module``."""
    parser = parser_of(module)
    form = _formatter(parser)
    form.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return Command(_sentence(parser.description or ""), form.format_help().strip(),
                   tuple(_options(parser)))


def _formatter(parser: argparse.ArgumentParser) -> argparse.HelpFormatter:
    """The parser's own, which colours no more than the parser does (Python 3.14 would)."""
    parser.formatter_class = partial(argparse.HelpFormatter, width=WIDTH)
    return parser._get_formatter()


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    form = _formatter(parser)
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS and "--help" not in action.option_strings:
            yield Option(form._format_action_invocation(action),
                         form._expand_help(action) if action.help else "")


def _sentence(text: str) -> str:
    """A verb's docstring without the command that the usage names anyway."""
    _, colon, rest = text.strip().partition("``: ")
    return rest[0].upper() + rest[1:] if colon else text.strip()
