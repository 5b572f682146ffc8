"""Folders of the user's cache: what is made once per user, and made again if it is damaged."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

from bsnn_hw.scratch import cache_folder, removed_after

__all__ = ["kept_folder"]

_SEAL = "seal.txt"  # checksums of a folder's files, written last


def kept_folder(kind: str, facts: object, fill: Callable[[Path], None]) -> Path:
    """A folder of the user's cache that ``fill`` made, now or earlier, of the same ``facts``.

    What is not as it was put there is made again.
    """
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    folder = cache_folder() / f"{kind}-{key}"
    if not _is_whole(folder):
        with removed_after(folder.with_name(f"draft-{secrets.token_hex(8)}")) as draft:
            draft.mkdir()
            fill(draft)
            (draft / _SEAL).write_text(_sums(draft), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            try:
                draft.rename(folder)
            except OSError:
                if not _is_whole(folder):  # else another process was faster
                    raise
    return folder


def _is_whole(folder: Path) -> bool:
    """Whether the files in a folder of the cache are what was put there."""
    try:
        return (folder / _SEAL).read_text(encoding="utf-8") == _sums(folder)
    except (OSError, ValueError):
        return False


def _sums(folder: Path) -> str:
    """Checksum and name of every file in ``folder`` but the seal, a line each."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _SEAL)
    return "".join(f"{zlib.crc32(path.read_bytes()):08x} {path.relative_to(folder)}\n"
                   for path in paths)
