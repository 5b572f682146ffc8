"""What goes on, on stderr: a line where a step takes more than two seconds, and one at its end.

Lines are whole and never rewritten, so that a log file reads as a terminal does. A program that
imports this package hears nothing; a verb of the command line sets how much is said.
"""

from __future__ import annotations

import enum
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Talk", "announced", "counted", "say", "set_talk", "step"]

PATIENCE = 2.0  # seconds
AGAIN = 15.0  # seconds between two lines about the same step


class Talk(enum.Enum):
    """How much is said."""

    NOTHING = "nothing"
    LONG_STEPS = "long steps"
    ALL_STEPS = "all steps"


_talk = Talk.NOTHING


def set_talk(talk: Talk) -> None:
    """For this process, from now on."""
    global _talk
    _talk = talk


def say(line: str) -> None:
    """A line of its own, unless nothing is to be said."""
    if _talk is not Talk.NOTHING:
        print(line, file=sys.stderr, flush=True)


@contextmanager
def announced(words: str) -> Iterator[None]:
    """Say that the block's work goes on, if it takes long."""
    timer = threading.Timer(0 if _talk is Talk.ALL_STEPS else PATIENCE, say, [f"{words} ..."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def step(words: str) -> Iterator[None]:
    """`announced`, and how long it took when it ends well."""
    started = time.monotonic()
    with announced(words):
        yield
    took = time.monotonic() - started
    if took >= PATIENCE or _talk is Talk.ALL_STEPS:
        say(f"{words}: {took:.1f} s")


def counted(total: int | None, what: str) -> Callable[[int], None]:
    """A function to be told how many of ``total`` are done, which says so now and then.

    total : None where it is not known
    """
    last = time.monotonic()

    def done(count: int) -> None:
        nonlocal last
        if (total is None or count < total) and time.monotonic() - last >= AGAIN:
            last = time.monotonic()
            of = "" if total is None else f"of {total:,} "
            say(f"{count:,} {of}{what} ...")

    return done
