"""Files of numpy arrays that nobody vouches for: what a header says must be what the file holds.

numpy makes room for what a header says before it reads, and its parser raises almost anything.
"""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from bsnn_hw.archive import read_records

__all__ = ["read_npy", "read_npz"]

MOST_HEADER = 10_000  # bytes
MOST_SIDES = 32

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_KINDS = "biufU"  # no objects: they are pickles
# A header is a Python literal, and on Python 3.11 one that is parsed beside another thread's may
# fail, "AST constructor recursion depth mismatch"; filters of warnings are all threads', too.
_PARSING = threading.Lock()


def read_npz(path: Path, keys: Iterable[str]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Those arrays of ``keys`` that an .npz file has, and the names of all that it has.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is damaged, or compressed and too large.
    """
    records = read_records(path.read_bytes())
    found = {}
    for key in keys:
        if f"{key}.npy" in records:
            try:
                found[key] = _array(records[f"{key}.npy"])
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
    return found, tuple(name.removesuffix(".npy") for name in records)


def read_npy(path: Path) -> np.ndarray:
    """The array of an .npy file.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is damaged.
    """
    return _array(path.read_bytes())


def _array(data: bytes) -> np.ndarray:
    shape, fortran_order, dtype, start = _header(data)
    held, wanted = len(data) - start, math.prod(shape) * dtype.itemsize
    if wanted != held:
        size = wanted if wanted < 1 << 63 else "2**63 and more"
        raise ValueError(f"its header speaks of {size} bytes, and it holds {held}")
    values = np.frombuffer(data, dtype, offset=start) if wanted else np.empty(0, dtype)
    return values.reshape(shape, order="F" if fortran_order else "C")


def _header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type, and where the values begin."""
    file = io.BytesIO(data)
    try:
        reader = _READERS[npy.read_magic(file)]
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the numbers of Python 2
            shape, fortran_order, dtype = reader(file, max_header_size=MOST_HEADER)
    # The header is a Python literal: its parser may raise what any Python text can cause.
    except Exception:
        raise ValueError("its header is damaged") from None
    if dtype.kind not in _KINDS:
        raise ValueError(f"it must hold numbers, not {str(dtype)[:60]}")
    if len(shape) > MOST_SIDES or not all(0 <= side < 1 << 62 for side in shape):
        raise ValueError("its header is damaged")
    return shape, fortran_order, dtype, file.tell()
