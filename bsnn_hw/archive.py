"""Zip archives of files that nobody vouches for: sizes bounded before anything is unpacked, and
every checksum right before anything is believed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["MOST_BYTES", "check_stored", "read_records"]

MOST_BYTES = 1 << 28  # of compressed records, unpacked
MOST_RECORDS = 100_000

_ENTRY = b"PK\x01\x02"  # begins a record's entry in the directory
_PIECE = 1 << 20


def check_stored(data: bytes) -> None:
    """Make sure of an archive whose records lie in it as they are, such as torch writes.

    Raises
    ------
    ValueError
        It is damaged, or a record is compressed.
    """
    with _opened(data) as archive:
        for record in archive.infolist():
            if record.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"record {record.filename[:60]!r} is compressed")
        _check_sizes(archive, len(data))
        for record in archive.infolist():
            with archive.open(record) as file:
                while file.read(_PIECE):
                    pass  # the end of a record compares its checksum


def read_records(data: bytes) -> dict[str, bytes]:
    """The records of an archive by name; compressed ones of at most `MOST_BYTES` in all.

    Raises
    ------
    ValueError
        It is damaged or too large.
    """
    with _opened(data) as archive:
        _check_sizes(archive, max(MOST_BYTES, len(data)))
        return {record.filename: archive.read(record) for record in archive.infolist()}


def _check_sizes(archive: zipfile.ZipFile, most: int) -> None:
    total = sum(record.file_size for record in archive.infolist())
    if total > most:
        raise ValueError(f"its directory speaks of {total} bytes, more than the {most} that are "
                         "read")
    names = [record.filename for record in archive.infolist()]
    if len(set(names)) < len(names):
        raise ValueError("two records have one name")


@contextmanager
def _opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The archive in ``data``; whatever its damage raises becomes a ValueError."""
    if data.count(_ENTRY) > MOST_RECORDS:
        raise ValueError(f"more than {MOST_RECORDS} records")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    # Unknown methods, passwords, names that are no text, offsets beyond the end.
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError,
            KeyError, IndexError, OverflowError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
