"""The integer network as readable JSON, specified in docs/ir.md; the same network, the same text.

Reading trusts nothing: a file that is damaged, or describes a network that does not hold together
or cannot be executed in 64 bits, is refused with the first thing that is wrong.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.document import FORMAT, VERSION, network_object, read_network
from bsnn_hw.ir.fields import Fields
from bsnn_hw.ir.network import Network

__all__ = ["FORMAT", "VERSION", "equal", "from_json", "read", "save", "to_json"]


def to_json(network: Network) -> str:
    """The network as JSON text, ending in a line feed."""
    return _text(network_object(network)) + "\n"


def save(path: str | os.PathLike[str], network: Network) -> None:
    """Write the network, completely or not at all.

    Raises
    ------
    InputError
        The file cannot be written there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(to_json(network).encode())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: the folder must exist and allow writing there; "
                         f"{error.strerror}") from None


def read(path: str | os.PathLike[str]) -> Network:
    """Read what ``save`` wrote.

    Raises
    ------
    InputError
        The file cannot be read, is damaged, or describes no network; the first problem.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: must be a network as JSON text, and is no text; save it with "
                         "bsnn_hw.ir.store.save") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: must be a readable network file; {reason}") from None
    return from_json(text, str(path))


def from_json(text: str, source: str = "network") -> Network:
    """The network that ``to_json`` made into ``text``.

    source : what messages begin with, usually the file's name

    Raises
    ------
    InputError
        The text is damaged or describes no network; the first problem.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: must be a network as JSON, and is damaged: "
                         f"{str(error)[:200]}; save it again") from None
    network = read_network(Fields(source, "", document))
    wrong = problem(network)
    if wrong:
        raise InputError(f"{source}: {wrong}")
    return network


def equal(a: Any, b: Any) -> bool:
    """Whether two networks, or two parts of networks, are the same in every value and type."""
    if type(a) is not type(b):
        return False
    if is_dataclass(a):
        return all(equal(getattr(a, each.name), getattr(b, each.name)) for each in fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


def _text(value: Any, indent: str = "") -> str:
    """JSON with one line per key, per weight and per row of a table."""
    inner = indent + " "
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {_text(item, inner)}" for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, (list, dict, str)) for item in value):
        lines = [_text(item, inner) for item in value]
    else:
        return json.dumps(value)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}{closing}"
