"""What this program wrote into a folder, by name and sha256, and what has changed since."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["changes", "digest", "files_under", "inventory", "read_inventory"]

MOST_BYTES = 255  # of a name, in every file system that we know


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_under(folder: Path) -> list[str]:
    """Names of everything in ``folder`` but folders that hold something, with ``/``, sorted; a
    link is one thing, whatever it points to, and an empty folder's name ends with ``/``."""
    found = []
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_dir():
            found.append(path.name)
        else:
            found += [f"{path.name}/{name}" for name in files_under(path)] or [f"{path.name}/"]
    return sorted(found)


def inventory(folder: Path) -> dict[str, str]:
    """Name -> sha256 of every file in ``folder``."""
    return {name: digest(folder / name) for name in files_under(folder) if name[-1] != "/"}


def read_inventory(value: Any) -> dict[str, str]:
    """``value`` of a JSON file as what `inventory` gives.

    Raises
    ------
    ValueError
        It is something else, or a name leads out of the folder.
    """
    if not isinstance(value, dict):
        raise ValueError("files must have names and sha256")
    for name, found in value.items():
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or not name.isprintable():
            raise ValueError("files must lie in the folder")
        if any(len(part.encode()) > MOST_BYTES for part in parts):
            raise ValueError(f"files must have names of at most {MOST_BYTES} bytes")
        if not isinstance(found, str) or not re.fullmatch(r"[0-9a-f]{64}", found):
            raise ValueError(f"files.{name[:80]} must be a sha256")
    return value


def changes(folder: Path, files: Mapping[str, str],
            names: Iterable[str] | None = None) -> list[str]:
    """What is not as ``files`` says: ``"rtl/a.v was edited"``, ``"Makefile is missing"``.

    names : those of ``files`` to look at, None for all
    """
    return [found for name in sorted(files if names is None else names)
            if (found := _change(folder / name, name, files[name]))]


def _change(path, name, wanted):
    if path.is_symlink() or not path.is_file():
        return f"{name} is missing"
    return None if digest(path) == wanted else f"{name} was edited"
