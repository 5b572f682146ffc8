"""What ``torch.save`` wrote, as data: looked through before torch unpacks it.

torch compares no checksum, so that a bit that turned over would load as another number. What it
allows in a pickle includes functions that take memory by the gigabyte; here it is tensors and what
Python's own literals can say.
"""

from __future__ import annotations

import io
import pickletools
import re
import warnings
import zipfile
from typing import Any

from bsnn_hw.archive import check_stored

__all__ = ["ForeignObjectError", "load_checkpoint"]

_ALLOWED = re.compile(
    r"collections\.OrderedDict|torch\.(Size|device|nn\.parameter\.Parameter)"
    r"|torch\.([A-Z][A-Za-z0-9]*Storage|[a-z]+[0-9][a-z0-9_]*|bool|complex32)"
    r"|torch\.storage\.\w+Storage|torch\.serialization\._get_layout"
    r"|torch\._utils\._rebuild_\w+")
_NAMES = ("GLOBAL", "INST")  # torch knows no other way to name an object


class ForeignObjectError(ValueError):
    """The pickle holds something else than tensors and primitives; the message is its name."""


def load_checkpoint(data: bytes) -> Any:
    """What is in a checkpoint of tensors and primitives; nothing in it is executed.

    Raises
    ------
    ForeignObjectError
        It names another kind of object.
    ValueError
        It is no checkpoint, or a damaged one.
    """
    import torch

    check_stored(data)
    for name in _names(data):
        if not _ALLOWED.fullmatch(name):
            raise ForeignObjectError(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of other pickles before it refuses them
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    # A damaged pickle makes torch raise almost anything; all of it means the same to the user.
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _names(data: bytes) -> list[str]:
    """The objects that the pickles name, in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if not pickles:
            raise ValueError("it has no record data.pkl")
        return [str(argument).replace(" ", ".") for name in pickles
                for operation, argument, _ in pickletools.genops(archive.read(name))
                if operation.name in _NAMES]
