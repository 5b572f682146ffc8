"""IDX files, plain or gzipped: the form of MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from bsnn_hw.errors import InputError

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : file; gzipped where its name ends in ``.gz``

    Returns
    -------
    ndarray of uint8, of the shape that the file states

    Raises
    ------
    InputError
        When the file cannot be read, or is not a whole IDX file of unsigned bytes.
    """
    data = _read(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTE:
        raise InputError(f"{path}: must be an IDX file of unsigned bytes, its first bytes are "
                         f"{data[:4].hex() or 'missing'}; fetch the data set again")
    start = 4 + 4 * data[3]
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], dtype=">u4", count=-1)
                  ) if len(data) >= start else ()
    if len(data) != start + math.prod(shape):
        raise InputError(f"{path}: must hold {shape} bytes, holds {max(len(data) - start, 0)}; "
                         f"the file is damaged, fetch it again")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def _read(path: Path) -> bytes:
    try:
        raw = Path(path).read_bytes()
        return gzip.decompress(raw) if Path(path).suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: must be a readable IDX file, {error}; "
                         f"fetch the data set again") from error
