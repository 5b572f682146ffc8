"""What a component asks of its parameters; wrong ones are mistakes of code, not of a user."""

from __future__ import annotations

from numbers import Integral
from types import UnionType
from typing import Any, get_args

__all__ = ["require_instance", "require_positive", "require_shape"]


def require_positive(**counts: Any) -> None:
    """Raise ValueError unless every value is an integer of 1 or more."""
    for name, value in counts.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be an integer of 1 or more, not {value!r}")


def require_instance(kind: type | UnionType, **values: Any) -> None:
    """Raise TypeError unless every value is a ``kind``."""
    names = " or ".join("None" if one is type(None) else one.__name__
                        for one in get_args(kind) or (kind,))
    for name, value in values.items():
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a {names}, not {value!r}")


def require_shape(shape: tuple[int, ...], **arrays: Any) -> None:
    """Raise ValueError unless every array has the shape."""
    for name, array in arrays.items():
        given = getattr(array, "shape", None)
        if given != shape:
            raise ValueError(f"{name} must have shape {shape}, not {given!r}")
