"""What a forward gives, taken apart: a tensor, or several with places or names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from bsnn_hw.convert.trace import plain

__all__ = ["key_of", "one_of", "parts_of"]


def parts_of(out: Any) -> dict[Any, Any]:
    """By place what is in a tuple or a list; by name, in order, what is in a dictionary, a
    dataclass or a named tuple; anything else is alone, at place 0."""
    if plain(out) is not out:
        return {0: plain(out)}
    if isinstance(out, Mapping):
        return dict(out)
    if is_dataclass(out) and not isinstance(out, type):
        return {field.name: getattr(out, field.name) for field in fields(out)}
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return dict(zip(out._fields, out, strict=True))
    return dict(enumerate(out)) if isinstance(out, (tuple, list)) else {0: out}


def key_of(parts: Mapping[Any, Any], output: int | str) -> Any:
    """The key of ``parts`` that an ``output`` means: a name, or a place; else ``output`` itself."""
    if output not in parts and isinstance(output, int) and 0 <= output < len(parts):
        return list(parts)[output]
    return output


def one_of(out: Any, output: int | str | None) -> Any:
    """The one of what a forward gives that ``output`` means, the first where it is None."""
    parts = parts_of(out)
    return parts[key_of(parts, output or 0)]
