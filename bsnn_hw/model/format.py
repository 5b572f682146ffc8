"""The model file (docs/model.md): read, refused with reasons, and written.

A file is data: nothing in it is ever executed. Both kinds, ``.pt`` and ``.safetensors``, hold
the same document, and the same document gives the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from bsnn_hw.checkpoint import ForeignObjectError, load_checkpoint
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.model.check import FORMAT, VERSION, check, describe
from bsnn_hw.model.description import Model
from bsnn_hw.model.values import unwrapped

__all__ = ["FORMAT", "VERSION", "describe", "load", "read", "save"]

METADATA_KEY = "bsnn-hw"
SUFFIXES = (".pt", ".safetensors")
MAX_BYTES = 1 << 30  # all weights that a model may have, as float64, are half of that


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model file and check it.

    Parameters
    ----------
    path : a ``.pt`` or ``.safetensors`` file; the content says which, not the name

    Raises
    ------
    InputError
        The file cannot be read, is damaged, or is not plain tensors and primitives.
    ModelError
        The document in it is wrong or cannot be matched; all problems at once.
    """
    return describe(read(path), Path(path).name)


def read(path: str | os.PathLike[str]) -> Any:
    """The document in a model file, not yet checked.

    Raises
    ------
    InputError
        The file cannot be read, is damaged, or is not plain tensors and primitives.
    """
    path = Path(path)
    data = _bytes(path)
    if not data:
        raise InputError(f"{path}: must be a model file, not an empty one")
    if data[:4] == b"PK\x03\x04":
        return _read_torch(path, data)
    if data[8:9] == b"{" or path.suffix == ".safetensors":
        return _read_safetensors(path, data)
    if data[:1] == b"\x80":
        raise InputError(f"{path}: must be a model file, not a bare pickle, which could run any "
                         "code; nothing in it was executed; write it with "
                         "bsnn_hw.model.format.save")
    raise InputError(f"{path}: must be a model file (a torch checkpoint or safetensors), and is "
                     "neither; write it with bsnn_hw.model.format.save")


def save(path: str | os.PathLike[str], document: dict[str, Any]) -> None:
    """Check a document and write it, completely or not at all.

    Parameters
    ----------
    path : where to; the suffix, ``.pt`` or ``.safetensors``, chooses the kind
    document : dict, as docs/model.md says; tensors may need gradients and be on any device

    Raises
    ------
    ModelError
        The document is wrong; all problems at once.
    InputError
        The file cannot be written there.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: the name must end with {' or '.join(SUFFIXES)}, not "
                         f"{path.suffix!r}")
    check(document, path.name)
    plain = _plain(document)
    data = _torch_bytes(plain) if path.suffix == ".pt" else _safetensors_bytes(plain)
    _write(path, data)


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: must be a file, not a folder or device")
        if path.exists() and path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: must be a model file of at most {MAX_BYTES} bytes, not "
                             f"{path.stat().st_size}")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: must be an existing model file; there is none") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be readable; {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The system's own words, one line."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).strip().split("\n", 1)[0][:200]


def _read_torch(path: Path, data: bytes) -> Any:
    try:
        return load_checkpoint(data)
    except ForeignObjectError as error:
        raise InputError(f"{path}: must hold only tensors and primitives, not a pickled object "
                         f"({str(error)[:100]}); nothing in it was executed; write it with "
                         "bsnn_hw.model.format.save") from None
    except ValueError as error:
        raise InputError(f"{path}: must be a whole torch checkpoint, but is truncated, damaged or "
                         f"something else ({_reason(error)}); copy or write it again") from None


def _read_safetensors(path: Path, data: bytes) -> Any:
    torch_files = _import_safetensors()
    try:
        tensors = torch_files.load(data)
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + size])
        text = header.get("__metadata__", {}).get(METADATA_KEY)
        document = None if text is None else json.loads(text, object_pairs_hook=_distinct_keys)
    except Exception as error:
        raise InputError(f"{path}: must be a whole safetensors file, but is truncated, damaged or "
                         f"something else ({_reason(error)}); copy or write it again") from None
    if document is None:
        raise InputError(f"{path}: its metadata must have the key {METADATA_KEY!r} with the "
                         "document; write it with bsnn_hw.model.format.save")
    for name, tensor in sorted(tensors.items()):
        _place(document, name, tensor, path)
    return document


def _import_safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError:
        raise ToolError("safetensors: the package must be installed to use .safetensors files; "
                        "pip install safetensors, or use .pt") from None
    return safetensors.torch


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands twice in the document")
    return table


def _place(document: Any, name: str, tensor: Any, path: Path) -> None:
    """Put a tensor back where its dotted name says; the document must have room for it there."""
    *way, key = name.split(".")
    spot = document
    for step in way:
        if isinstance(spot, list) and step.isdecimal() and len(step) < 6:
            spot = spot[int(step)] if int(step) < len(spot) else None
        else:
            spot = spot.get(step) if isinstance(spot, dict) else None
    if not isinstance(spot, dict) or key in spot:
        raise InputError(f"{path}: every tensor must have a free place in the document, and "
                         f"{name[:80]!r} has none; write it with bsnn_hw.model.format.save")
    spot[key] = tensor


def _plain(value: Any) -> Any:
    """A copy in one normal form, so that equal documents give equal bytes.

    Keys are sorted and None left out; a tensor owns exactly its values; equal strings are one
    object, because pickle writes a repeated object as a reference; numbers are Python's.
    """
    if isinstance(value, dict):
        return {sys.intern(str(key)): _plain(value[key]) for key in sorted(value)
                if value[key] is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    value = unwrapped(value)
    if isinstance(value, str):
        return sys.intern(str(value))
    if isinstance(value, (bool, type(None))):
        return value
    if isinstance(value, (int, float)):
        return (int if isinstance(value, int) else float)(value)
    return value.detach().cpu().contiguous().clone()


def _torch_bytes(document: dict[str, Any]) -> bytes:
    import torch

    # Saved under a file name, the archive would carry that name inside.
    buffer = io.BytesIO()
    torch.save(document, buffer)
    return buffer.getvalue()


def _safetensors_bytes(document: dict[str, Any]) -> bytes:
    tensors: dict[str, Any] = {}
    rest = _without_tensors(document, "", tensors)
    text = json.dumps(rest, allow_nan=False, ensure_ascii=True)
    data: bytes = _import_safetensors().save(tensors, {METADATA_KEY: text})
    return data


def _without_tensors(value: Any, path: str, tensors: dict[str, Any]) -> Any:
    """The same document without tensors, which go to ``tensors`` under their dotted names."""
    if isinstance(value, list):
        return [_without_tensors(item, f"{path}{index}.", tensors)
                for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    rest = {}
    for key, item in value.items():
        if hasattr(item, "untyped_storage"):
            tensors[f"{path}{key}"] = item
        else:
            rest[key] = _without_tensors(item, f"{path}{key}.", tensors)
    return rest


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: the folder must exist and allow writing there; "
                         f"{_reason(error)}") from None
