"""Modules of the circuit as they are, or with a fault in one of them."""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Fault", "Parts", "broken", "sound"]

Parts = Callable[[str], Any]  # a module by its name in hdl/, or with its folder, "layout.blocks"


@dataclass(frozen=True)
class Fault:
    """A mistake in a module of hdl/, or of a folder that its name has.

    module : str, its name; old, new : str, what stands there once, and what takes its place
    """

    module: str
    old: str
    new: str


def sound(name: str) -> Any:
    """The module ``name`` as it is."""
    return importlib.import_module(f"bsnn_hw.{name if '.' in name else f'hdl.{name}'}")


def broken(fault: Fault) -> Parts:
    """All modules as they are, but for the fault's and those that take something of it."""
    origin = sound(fault.module)
    text = Path(origin.__file__).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, fault
    faulty = _again(origin, text.replace(fault.old, fault.new))

    def parts(name: str) -> Any:
        if name == fault.module:
            return faulty
        module = sound(name)
        taken = {each: getattr(faulty, each) for each in origin.__all__
                 if getattr(module, each, None) is getattr(origin, each)}
        # A layout's classes are what components ask for, and these know the sound ones.
        return _again(module, **taken) if taken and "." not in fault.module else module

    return parts


def _again(module: Any, text: str | None = None, **taken: Any) -> Any:
    """A second ``module``, of another ``text``, or which took other things from elsewhere."""
    again = types.ModuleType(module.__name__)
    text = text or Path(module.__file__).read_text(encoding="utf-8")
    exec(compile(text, module.__file__, "exec"), again.__dict__)
    again.__dict__.update(taken)
    return again
