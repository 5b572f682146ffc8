"""What a user can cause, as exceptions that carry their exit code.

A message reads *Where: what must hold, what was given; what to do.*  Whatever a file or an option
holds, a line of it stays short.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["BsnnError", "InputError", "MismatchError", "ModelError", "ToolError"]

MOST_CHARACTERS = 1200  # of a line
_ENDS = MOST_CHARACTERS // 2 - 2  # kept of a longer one: where and what, and what to do


class BsnnError(Exception):
    """Base of everything that a user can cause; ``main`` turns it into one line."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(map(_short, message.split("\n"))))


class InputError(BsnnError):
    """A file, folder or option that cannot be used."""


class ModelError(InputError):
    """All problems of one model, collected.

    Parameters
    ----------
    problems : sequence of str, at least one
        Each names the layer, what must hold and what was given.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[ModelError], tuple[tuple[str, ...]]]:
        """From one process to another: Python would give the message for the problems."""
        return type(self), (self.problems,)


class ToolError(BsnnError):
    """A tool is missing or failed."""

    exit_code = 3


class MismatchError(BsnnError):
    """Hardware and reference disagree; the message names the first difference."""

    exit_code = 4


def _short(line: str) -> str:
    """At most 1,200 characters, and none that would move a terminal's cursor or clear it: messages
    quote what files hold."""
    line = "".join(each if each.isprintable() else each.encode("unicode_escape").decode()
                   for each in line)
    return line if len(line) <= MOST_CHARACTERS else f"{line[:_ENDS]}...{line[-_ENDS:]}"
