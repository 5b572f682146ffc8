"""Output that fits a terminal: long lines break between words.  A file or a pipe gets them whole.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

__all__ = ["Folding", "fold", "folded_streams", "terminal_width"]

MOST_LABEL = 20  # characters of what a line begins with, and its next lines are indented by
_LABEL = re.compile(r"\S+ {2,}(?=\S)")


def terminal_width(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal that ``stream`` (sys.stdout) is; None where it is none."""
    stream = sys.stdout if stream is None else stream
    return shutil.get_terminal_size().columns if stream.isatty() else None


def fold(line: str, width: int) -> str:
    """``line`` in lines of ``width`` characters, the next ones below the words behind its label.

    A line that begins with a space, a brace or a bracket has a form of its own, and keeps it.
    """
    if len(line) <= width or line[:1] in " {[":
        return line
    label = _LABEL.match(line)
    indent = " " * (label.end() if label and label.end() <= MOST_LABEL else 2)
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False, replace_whitespace=False, drop_whitespace=True)


class Folding:
    """A terminal's stream whose whole lines are folded; everything else is the stream's own."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._begun = ""

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what is whole, keep what is not."""
        *lines, self._begun = (self._begun + text).split("\n")
        width = terminal_width(self._stream) or 80
        self._stream.write("".join(f"{fold(line, width)}\n" for line in lines))
        return len(text)

    def end(self) -> None:
        """Write a last line that has no end."""
        self._stream.write(self._begun)
        self._begun = ""
        self._stream.flush()


@contextmanager
def folded_streams() -> Iterator[None]:
    """Fold what is printed in the block, as far as a terminal shows it."""
    out, errors = (Folding(stream) if terminal_width(stream) else None
                   for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out or sys.stdout), redirect_stderr(errors or sys.stderr):
        try:
            yield
        finally:
            for each in (out, errors):
                if each is not None:
                    each.end()
