"""Recordings of event cameras, read piece by piece: N-MNIST, AEDAT4, EVT2 and EVT3, DAT, ES.

AEDAT4, EVT and ES are read by faery, DAT by expelliarmus, in a child process
(`bsnn_hw.events.decoding`); they are no dependency of the core (``pip install 'bsnn-hw[events]'``).
N-MNIST's five bytes an event and tonic's arrays are read here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.events.decoding import PACKAGES, decoded, sides
from bsnn_hw.events.event import EVENT, PIECE, as_events, damaged, some

__all__ = ["Recording"]


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
        try:
            for piece in some(self.path, self._pieces()):
                yield as_events(self.path, piece)
        except (InputError, ToolError):
            raise
        except Exception as error:  # NumPy raises almost anything for a damaged file
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> InputError:
        words = (str(error) or type(error).__name__).strip().split("\n", 1)[0][:200]
        return damaged(self.path, words)

    def _reader(self) -> Callable[[], Iterator[np.ndarray]]:
        suffix = self.path.suffix.lower()
        if suffix == ".bin":
            self.width = self.height = 34
            return self._nmnist
        if suffix == ".npy":
            return self._array
        if suffix in PACKAGES:
            if suffix == ".raw":
                self._check_header()
            self.width, self.height = sides(self.path)
            return self._decoded
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
        if whole.ndim != 1:
            raise InputError(f"{self.path}: must have one axis, of events, not the shape "
                             f"{whole.shape}")
        for start in range(0, len(whole), PIECE):
            yield np.array(whole[start:start + PIECE])

    def _decoded(self) -> Iterator[np.ndarray]:
        for pieces in decoded([self.path]):
            yield from pieces

    def _check_header(self) -> None:
        """An EVT file says its version in lines that begin with %; without, bytes mean nothing."""
        with self.path.open("rb") as file:
            lines = file.read(4096).lower().split(b"\n")
        if not any(line.startswith(b"%") and b"evt" in line for line in lines):
            raise InputError(f"{self.path}: must have a header that says its version, evt 2.0 or "
                             "3.0, and has none")
