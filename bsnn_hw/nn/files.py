"""Files that appear complete or not at all, and checkpoints made of tensors only."""

from __future__ import annotations

import io
import secrets
from pathlib import Path
from typing import Any

import torch

from bsnn_hw import checkpoint
from bsnn_hw.errors import InputError
from bsnn_hw.model.values import equals
from bsnn_hw.scratch import removed_after
from bsnn_hw.text import shown

__all__ = ["load_checkpoint", "save_checkpoint", "write_whole"]

_FORMAT = "bsnn-hw/checkpoint"
_VERSION = 1
_KEYS = {"recipe", "epoch", "network", "optimizer", "history"}


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside `path` and rename it, so that a reader never sees half of it.

    Raises
    ------
    InputError
        When the folder cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with removed_after(path.with_name(f".{path.name}.{secrets.token_hex(4)}")) as draft:
            draft.write_bytes(data)
            draft.replace(path)
    except OSError as error:
        raise InputError(f"{path}: must be writable, {error.strerror or error}; "
                         f"choose another `out`") from error


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a training state, a dictionary of tensors and primitives with the keys of `_KEYS`."""
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, "version": _VERSION} | state, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a training state; nothing in the file is executed.

    Raises
    ------
    InputError
        When the file is absent, damaged, of another version, or not a checkpoint.
    """
    try:
        state = checkpoint.load_checkpoint(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: must be a readable checkpoint, {error.strerror or error}; "
                         f"give the file that ends in .checkpoint") from error
    except ValueError as error:
        raise InputError(f"{path}: must be a whole checkpoint of tensors and primitives, it is "
                         f"damaged or something else; train again") from error
    if not isinstance(state, dict) or not equals(state.get("format"), _FORMAT):
        raise InputError(f"{path}: must be a training checkpoint, not another file; "
                         f"give the file that ends in .checkpoint")
    if not equals(state.get("version"), _VERSION) or not state.keys() >= _KEYS:
        raise InputError(f"{path}: must be a checkpoint of version {_VERSION} with all its keys, "
                         f"not version {shown(state.get('version'))}; train again")
    return state
