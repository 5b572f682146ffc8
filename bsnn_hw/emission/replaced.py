"""What ``--force`` may replace: a bundle as this program wrote it; what others put there stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from bsnn_hw.emission.inventory import changes, files_under, read_inventory
from bsnn_hw.emission.manifest import FORMAT, VERSION
from bsnn_hw.emission.memories import MEM_FOLDER
from bsnn_hw.emission.results import FOLDERS
from bsnn_hw.errors import InputError

__all__ = ["carry_over", "check_replaceable", "listed"]

OURS = ("rtl/", f"{MEM_FOLDER}/", "vectors/")  # folders in which a user's file has no business
SHOWN = 5


def check_replaceable(folder: Path, force: bool) -> tuple[str, ...]:
    """Names of the user's files in ``folder``, which a new bundle must take over.

    Raises
    ------
    InputError
        It exists and ``force`` is not set; or it is the current folder or around it, or not a
        bundle, or files of the bundle were edited.
    """
    if not folder.exists():
        return ()
    if Path.cwd().resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder}: must not be the current folder, nor one around it; give "
                         "another `out`")
    if not force:
        raise InputError(f"{folder}: must not exist; give `force` to replace it, or another `out`")
    if folder.is_dir() and not any(folder.iterdir()):
        return ()
    return _users(folder, _ours(folder))


def _ours(folder: Path) -> dict[str, str]:
    """Name -> sha256 of what this program wrote into ``folder``."""
    try:
        facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"{folder}: `force` replaces bundles only, this is something else; "
                         "give another `out`") from None
    try:
        if facts["version"] != VERSION:
            raise ValueError
        files = read_inventory(facts["files"])
        changed = changes(folder, files) if files else ["every file is missing"]
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{folder}: `force` replaces bundles that list their files (version "
                         f"{VERSION}), this one does not; move it away, or give another `out`") \
            from None
    if changed:
        raise InputError(f"{folder}: `force` replaces bundles as they were written, but "
                         f"{listed(changed)}; move it away, or give another `out`")
    return files


def _users(folder: Path, files: dict[str, str]) -> tuple[str, ...]:
    """Names in ``folder`` that are neither in ``files`` nor results that were written by us."""
    known = {*files, "manifest.json"}
    for results in FOLDERS:
        known |= {f"{results}/{name}" for name in ("files.json", *_results(folder / results))}
    names = tuple(name for name in files_under(folder) if name not in known)
    wrong = [name for name in names if name.startswith(OURS) or not _is_plain(folder / name)]
    if wrong:
        raise InputError(f"{folder}: `force` takes over files that others put there, but not "
                         f"{listed(wrong)}; move them elsewhere")
    return names


def _results(folder: Path) -> set[str]:
    """Names of results in ``folder`` that are as `write_results` left them."""
    try:
        files = read_inventory(json.loads((folder / "files.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return set()
    return {name for name in files if not changes(folder, files, [name])}


def _is_plain(path: Path) -> bool:
    """Whether ``path`` can be copied: a file, a link or a folder, no pipe or device."""
    return path.is_symlink() or path.is_file() or path.is_dir()


def carry_over(names: tuple[str, ...], folder: Path, draft: Path) -> None:
    """Copy ``names`` from ``folder`` into ``draft``; ``folder`` keeps them until it is replaced.

    Raises
    ------
    InputError
        The new bundle has a file of that name.
    """
    taken = [name for name in names if (draft / name).exists() and not name.endswith("/")]
    if taken:
        raise InputError(f"{folder}: `force` takes over files that others put there, but the new "
                         f"bundle has its own {listed(taken)}; move them elsewhere")
    for name in names:
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            (draft / name).mkdir(exist_ok=True)
        else:
            shutil.copy2(folder / name, draft / name, follow_symlinks=False)


def listed(names: Sequence[str]) -> str:
    """``"a, b and c"``, of which at most a few are named."""
    shown = [name[:120] for name in names[:SHOWN]]
    if len(names) > SHOWN:
        return f"{', '.join(shown)} and {len(names) - SHOWN} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
