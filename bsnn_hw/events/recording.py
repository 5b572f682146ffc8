"""Recordings of event cameras, read piece by piece: N-MNIST, AEDAT4, EVT2 and EVT3, DAT, ES.

AEDAT4, EVT and ES are read by faery, DAT by expelliarmus, which are no dependency of the core
(``pip install 'bsnn-hw[events]'``); N-MNIST's five bytes an event and tonic's arrays here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.errors import InputError, ToolError

__all__ = ["EVENT", "Recording"]

# x, y : pixels; t : microseconds; p : whether it became brighter
EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
PIECE = 1 << 16  # events at a time
FAERY = {".aedat4", ".raw", ".es"}
UNSAID = (1 << 15, 1 << 15)  # pixels of a sensor that an EVT file does not state


class Recording:
    """Events in the order of the file.

    Parameters
    ----------
    path : a ``.bin`` (N-MNIST), ``.aedat4``, ``.raw`` (EVT2, EVT3), ``.es``, ``.dat`` or ``.npy``
        file, the last an array of tonic, with the fields x, y, t and p

    Members
    -------
    width, height : int, pixels of the sensor; None where the file does not say

    Raises
    ------
    InputError
        There is no such file, or it is of another kind.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.width: int | None = None
        self.height: int | None = None
        if not self.path.is_file():
            raise InputError(f"{path}: must be an existing recording; there is none")
        self._pieces = self._reader()

    def pieces(self) -> Iterator[np.ndarray]:
        """Arrays of ``EVENT``, some tens of thousands of events each at most.

        Raises
        ------
        InputError
            The file is damaged, or has no event.
        """
        count = 0
        try:
            for piece in self._pieces():
                count += len(piece)
                yield _as_events(piece)
        except InputError:
            raise
        except Exception as error:  # readers raise almost anything for a damaged file
            raise self._damaged(error) from None
        if not count:
            raise InputError(f"{self.path}: must have events, and none can be read")

    def _damaged(self, error: Exception) -> InputError:
        words = (str(error) or type(error).__name__).strip().split("\n", 1)[0][:200]
        return InputError(f"{self.path}: must be a whole recording; {words}")

    def _reader(self) -> Callable[[], Iterator[np.ndarray]]:
        suffix = self.path.suffix.lower()
        if suffix == ".bin":
            self.width = self.height = 34
            return self._nmnist
        if suffix == ".npy":
            return self._array
        if suffix == ".dat":
            return self._dat
        if suffix in FAERY:
            return self._faery()
        raise InputError(f"{self.path}: must be a .bin, .aedat4, .raw, .es, .dat or .npy file, not "
                         f"{suffix or 'without a suffix'}")

    def _nmnist(self) -> Iterator[np.ndarray]:
        """Bytes x, y, then a bit of polarity and 23 of time, high end first; y of 240 is no event
        but says that the time ran over 13 bits."""
        passed = 0
        with self.path.open("rb") as file:
            while data := file.read(5 * PIECE):
                if len(data) % 5:
                    raise InputError(f"{self.path}: must have five bytes an event, and ends in the "
                                     "middle of one")
                raw = np.frombuffer(data, np.uint8).reshape(-1, 5).astype(np.int64)
                overrun = raw[:, 1] == 240
                events = np.empty(len(raw), EVENT)
                events["x"], events["y"], events["p"] = raw[:, 0], raw[:, 1], raw[:, 2] >> 7
                events["t"] = ((raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]) + (
                    passed + np.cumsum(overrun) << 13)
                passed += int(overrun.sum())
                yield events[~overrun]

    def _array(self) -> Iterator[np.ndarray]:
        whole = np.load(self.path, mmap_mode="r", allow_pickle=False)
        if not set(EVENT.names or ()) <= set(whole.dtype.names or ()):
            raise InputError(f"{self.path}: must be a structured array with the fields x, y, t and "
                             f"p, not {whole.dtype}")
        for start in range(0, len(whole), PIECE):
            yield np.array(whole[start:start + PIECE])

    def _dat(self) -> Iterator[np.ndarray]:
        wizard = _library("expelliarmus").Wizard(encoding="dat", chunk_size=PIECE)
        wizard.set_file(self.path)
        yield from wizard.read_chunk()

    def _faery(self) -> Callable[[], Iterator[np.ndarray]]:
        library = _library("faery")

        def stream() -> Any:
            return library.events_stream_from_file(self.path, dimensions_fallback=UNSAID)

        if self.path.suffix.lower() == ".raw":
            self._check_header()
        try:
            sides = stream().dimensions()
        except Exception as error:
            raise self._damaged(error) from None
        if sides != UNSAID:
            self.width, self.height = sides
        return lambda: iter(stream())

    def _check_header(self) -> None:
        """An EVT file says its version in lines that begin with %; without, bytes mean nothing."""
        with self.path.open("rb") as file:
            lines = file.read(4096).lower().split(b"\n")
        if not any(line.startswith(b"%") and b"evt" in line for line in lines):
            raise InputError(f"{self.path}: must have a header that says its version, evt 2.0 or "
                             "3.0, and has none")


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise ToolError(f"{name}: the package must be installed to read this recording; pip "
                        "install 'bsnn-hw[events]'") from None


def _as_events(piece: np.ndarray) -> np.ndarray:
    if piece.dtype == EVENT:
        return piece
    events = np.empty(len(piece), EVENT)
    for field in ("x", "y", "t", "p"):
        events[field] = piece[field]
    return events
