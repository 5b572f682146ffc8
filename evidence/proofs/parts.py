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
    """All modules as they are, but for the fault's."""
    module = types.ModuleType(sound(fault.module).__name__)
    path = sound(fault.module).__file__
    text = Path(path).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, fault
    exec(compile(text.replace(fault.old, fault.new), path, "exec"), module.__dict__)
    return lambda name: module if name == fault.module else sound(name)
