"""What all verbs of the command line share: one place turns exceptions into exit codes."""

from __future__ import annotations

import argparse
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence

from bsnn_hw.errors import BsnnError, ToolError
from bsnn_hw.folding import folded_streams
from bsnn_hw.processes import Terminated, ending_signals
from bsnn_hw.progress import Talk, set_talk

__all__ = ["any_locale", "counts", "run_verb"]

INTERRUPTED = 130


def run_verb(parser: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None],
             argv: Sequence[str] | None = None) -> int:
    """Parse, act, and return the exit code: 0 well, 1 input, 2 usage, 3 tool, 4 mismatch.

    130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; a note of the interruption says how to
    go on.
    """
    any_locale()
    parser.allow_abbrev = False  # --lane would be taken for --lanes
    _add_talk(parser)
    parser.color = False  # type: ignore[attr-defined]  # Python 3.14 colours help and usage
    options = parser.parse_args(argv)
    set_talk(options.talk)
    with folded_streams():
        return _run(parser, act, options)


def _run(parser: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None],
         options: argparse.Namespace) -> int:
    try:
        with ending_signals():
            act(options)
            sys.stdout.flush()
    except BsnnError as error:
        print(f"{parser.prog}: {_as_flags(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        remedy = getattr(error, "__notes__", [])
        print("; ".join([f"{parser.prog}: interrupted", *remedy]), file=sys.stderr)
        return error.code if isinstance(error, Terminated) else INTERRUPTED
    except BrokenPipeError:
        # Who read the output has gone; Python must not complain of it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (MemoryError, OSError) as error:
        print(f"{parser.prog}: {_system_failure(error)}", file=sys.stderr)
        return ToolError.exit_code
    return 0


def _add_talk(parser: argparse.ArgumentParser) -> None:
    """How much the verb says of its progress, on stderr."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-v", "--verbose", dest="talk", action="store_const", const=Talk.ALL_STEPS,
                       default=Talk.LONG_STEPS,
                       help="say of every step how long it took (default: of those over 2 s)")
    group.add_argument("-q", "--quiet", dest="talk", action="store_const", const=Talk.NOTHING,
                       help="say nothing of progress; results and errors only")


def any_locale() -> None:
    """Have a letter that the locale lacks printed as its number, where it would be an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _system_failure(error: MemoryError | OSError) -> str:
    """A line about what the system would not do: no file or option is wrong."""
    if isinstance(error, MemoryError):
        return "memory: must be enough for the network, and is not; use a larger machine"
    where = error.filename or "system"
    return (f"{where}: must be usable, {error.strerror or error}; free some space, or name "
            "another scratch folder in $TMPDIR")


def _as_flags(message: str) -> str:
    """The library names an option as a parameter, `block_rows`; here it is ``--block-rows``."""
    return re.sub(r"`([a-z][a-z_]*)`", lambda name: "--" + name[1].replace("_", "-"), message)


def counts(text: str) -> tuple[int, ...]:
    """Comma-separated whole numbers, for argparse."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be whole numbers separated by commas, not {text!r}") from None
