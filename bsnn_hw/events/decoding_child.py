"""The child process of `bsnn_hw.events.decoding`: recordings that compiled packages read.

Call::

    python -m bsnn_hw.events.decoding_child sides|events PATH ...

It writes int64 numbers: for each path 0, and the sensor's width and height, 0 where the file does
not say; of ``events`` then of each piece the number of its events, at the end 0, and the piece, an
array of ``EVENT``.  In place of the first or of a number of events, -1 says that a message follows,
behind its length in bytes, and nothing else.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.events.event import FAILED, PIECE, as_events

__all__ = ["main"]

UNSAID = (1 << 15, 1 << 15)  # pixels of a sensor that an EVT file does not state


def main(what: str, *paths: str) -> None:
    """Write what is asked for to stdout."""
    # Whatever a package prints stays out of the answer.
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        try:
            for path in map(Path, paths):
                _answer(answer.write, what, path)
        except BaseException as error:  # of Rust's, which is no Exception
            words = error.args[0] if isinstance(error, InputError) else error
            said = (str(words) or type(error).__name__).strip().split("\n", 1)[0][:200].encode()
            answer.write(_numbers(FAILED, len(said)) + said)


def _answer(write: Callable[[bytes], Any], what: str, path: Path) -> None:
    across, down, pieces = _opened(path)
    write(_numbers(0, across, down))
    for piece in pieces() if what == "events" else ():
        write(_numbers(len(piece)) + as_events(path, piece).tobytes() if len(piece) else b"")
    write(_numbers(0) if what == "events" else b"")


def _opened(path: Path) -> tuple[int, int, Callable[[], Iterator[np.ndarray]]]:
    """Width and height, 0 where unknown, and what gives the pieces, of fields x, y, t and p."""
    if path.suffix.lower() == ".dat":
        wizard = importlib.import_module("expelliarmus").Wizard(encoding="dat", chunk_size=PIECE)
        wizard.set_file(path)
        return 0, 0, wizard.read_chunk
    library = importlib.import_module("faery")

    def stream() -> Any:
        return library.events_stream_from_file(path, dimensions_fallback=UNSAID)

    across, down = stream().dimensions()
    return *((0, 0) if (across, down) == UNSAID else (across, down)), lambda: iter(stream())


def _numbers(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])
