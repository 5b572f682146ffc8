"""Folders of this program: the user's cache, scratch folders, and drafts of what is written.

Scratch folders and drafts are gone when the program has ended, however it ended (see
`bsnn_hw.guard`).
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from bsnn_hw.guard import forget_tree, watch_tree

__all__ = ["cache_folder", "keep_log", "removed_after", "scratch_folder", "scratch_root"]

_TAKEN_BY_MAKE = re.compile(r"[A-Za-z0-9_/.,+@%-]+")


def cache_folder() -> Path:
    """The user's cache folder of this program, made if needed; a scratch folder if it cannot be."""
    return _user_cache() or _made(scratch_root() / "cache")


def _user_cache() -> Path | None:
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bsnn-hw"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder.absolute()
    except (OSError, RuntimeError):  # the latter where no home is known
        return None


def keep_log(text: str) -> str:
    """Words for the end of a message, ``"; see PATH"`` with the text; none without a cache."""
    cache = _user_cache()
    if cache is None:
        return ""
    path = cache / "failure.log"  # of the last failure alone
    path.write_text(text, encoding="utf-8")
    return f"; see {path}"


def scratch_root() -> Path:
    """The folder of all that this process needs for a while; removed when the process ends.

    It lies in $TMPDIR.  Where that holds a letter that make cannot take, a space or one outside
    ASCII, it lies in the user's cache folder or in /tmp.
    """
    return _made(_root(os.getpid()))


@lru_cache(maxsize=1)
def _root(pid: int) -> Path:
    """Of the process ``pid``, this one: a forked process has another."""
    folder = _scratch_parent() / f"bsnn_hw_{secrets.token_hex(8)}"
    watch_tree(folder)
    return folder


def _scratch_parent() -> Path:
    wanted = Path(tempfile.gettempdir()).absolute()
    for folder in (wanted, _user_cache(), Path("/tmp"), Path("/var/tmp")):
        if folder and _TAKEN_BY_MAKE.fullmatch(str(folder)) and os.access(folder, os.W_OK):
            return folder
    return wanted


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is there for the length of a ``with`` block; make can build in it."""
    folder = Path(tempfile.mkdtemp(dir=scratch_root()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def removed_after(path: Path) -> Iterator[Path]:
    """Whatever is at ``path`` after the block, a file or a folder, is removed.

    A draft is to be made within the block and may be renamed there.
    """
    watch_tree(path)
    try:
        yield path
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # nothing was made there, or it cannot be removed
                path.unlink()
        forget_tree(path)
