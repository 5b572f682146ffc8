"""Files that verbs write into a bundle later on: what was found out about its circuit.

Each kind has a folder of its own in the bundle. Its ``files.json`` has their sha256, by which
``generate --force`` knows that they are ours, and describe the circuit that goes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bsnn_hw.emission.inventory import read_inventory
from bsnn_hw.errors import InputError
from bsnn_hw.scratch import removed_after

__all__ = ["FOLDERS", "write_results"]

FOLDERS = ("synth", "report")


def write_results(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write ``contents``, by file name, into ``folder``, which is made if needed; each file appears
    whole or not at all, the last one last.

    Raises
    ------
    InputError
        The folder cannot be written, or is a link, which may lead anywhere.
    """
    contents = {"files.json": _inventory(folder, contents), **contents}
    try:
        if folder.is_symlink():
            raise InputError(f"{folder}: must be a folder, not a link; remove it")
        folder.mkdir(exist_ok=True)
        with ExitStack() as stack:
            drafts = [stack.enter_context(removed_after(folder / f".{file}.{os.getpid()}"))
                      for file in contents]
            for draft, content in zip(drafts, contents.values(), strict=True):
                draft.write_bytes(content)
            for draft, file in zip(drafts, contents, strict=True):
                draft.replace(folder / file)
    except OSError as error:
        raise InputError(f"{folder}: must be a folder that can be written, {error.strerror}; "
                         "make it writable or free some space") from None


def _inventory(folder: Path, contents: Mapping[str, bytes]) -> bytes:
    """files.json with the new ``contents``, and what it had of others."""
    try:
        files = read_inventory(json.loads((folder / "files.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        files = {}
    files |= {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return json.dumps(dict(sorted(files.items())), indent=2).encode() + b"\n"
