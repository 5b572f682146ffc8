"""What all verbs of the command line share: one place turns exceptions into exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from bsnn_hw.errors import BsnnError

__all__ = ["counts", "run_verb"]

INTERRUPTED = 130


def run_verb(parser: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None],
             argv: Sequence[str] | None = None) -> int:
    """Parse, act, and return the exit code: 0 well, 1 input, 2 usage, 3 tool, 4 mismatch."""
    options = parser.parse_args(argv)
    try:
        act(options)
    except BsnnError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def counts(text: str) -> tuple[int, ...]:
    """Comma-separated whole numbers, for argparse."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be whole numbers separated by commas, not {text!r}") from None
