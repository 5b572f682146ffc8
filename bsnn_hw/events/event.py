"""What an event is, and how those of any reader become such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bsnn_hw.errors import InputError

__all__ = ["EVENT", "FAILED", "PIECE", "as_events", "damaged", "some"]

# x, y : pixels; t : microseconds; p : whether it became brighter
EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
PIECE = 1 << 16  # events at a time
FAILED = -1  # in place of a number of events, from the child that decodes
LARGEST_PIXEL, LARGEST_TIME = (1 << 15) - 1, (1 << 63) - 1


def damaged(path: Path, words: str) -> InputError:
    """What a damaged recording is refused with."""
    return InputError(f"{path}: must be a whole recording; {words}")


def some(path: Path, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """``pieces``, of which one must have an event."""
    count = 0
    for piece in pieces:
        count += len(piece)
        yield piece
    if not count:
        raise InputError(f"{path}: must have events, and none can be read")


def as_events(path: Path, piece: np.ndarray) -> np.ndarray:
    """``piece``, an array with the fields x, y, t and p, as ``EVENT``.

    A pixel that no sensor has becomes one at -1, which no crop has; 1 is brighter, and 0 and -1 are
    not.

    Raises
    ------
    InputError
        Fields are no integers, or times beyond what int64 holds.
    """
    if piece.dtype == EVENT:
        return piece
    for name, kinds in (("x", "iu"), ("y", "iu"), ("t", "iu"), ("p", "iub")):
        if piece[name].dtype.kind not in kinds:
            raise InputError(f"{path}: must have integers as {name}, of t microseconds, not "
                             f"{piece[name].dtype}; convert them")
    times = piece["t"]
    if times.dtype.kind == "u" and len(times) and times.max() > LARGEST_TIME:
        raise InputError(f"{path}: must have microseconds of at most {LARGEST_TIME} as t, not "
                         f"{times.max()}")
    events = np.empty(len(piece), EVENT)
    for name in ("x", "y"):
        beyond = (piece[name] < 0) | (piece[name] > LARGEST_PIXEL)
        # NumPy 2.5 takes no -1 beside numbers without a sign.
        events[name] = np.where(beyond, -1, piece[name].astype(np.int64))
    events["t"], events["p"] = times, piece["p"] > 0
    return events
