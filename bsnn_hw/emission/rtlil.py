"""Amaranth to RTLIL, in a time that large networks can afford."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable

__all__ = ["to_rtlil"]


def to_rtlil(component: Elaboratable, name: str) -> str:
    """The component as RTLIL text, its top module called ``name``; Amaranth's own text exactly."""
    with _no_collection(), mock.patch.object(rtlil.ModuleEmitter, "emit_memory", _emit_memory):
        return rtlil.convert(component, name=name, emit_src=False)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's garbage collection, which takes half the time that Amaranth's millions of
    small objects need, and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _emit_memory(self, index, cell):
    """As Amaranth 0.5.10 does it, but a row at a time: it makes a Python object of every bit, a
    second for each Mbit of weights or state."""
    rows = [format(row & ((1 << cell.width) - 1), f"0{cell.width}b") for row in cell.init]
    size = cell.width * len(rows)
    self.builder.cell("$meminit_v2", ports={
        "ADDR": self.sigspec(),
        "DATA": f"{size}'{''.join(reversed(rows))}" if size else self.sigspec(),
        "EN": f"{cell.width}'{'1' * cell.width}" if cell.width else self.sigspec(),
    }, parameters={
        "MEMID": self.memories[index].memid,
        "ABITS": 0,
        "WIDTH": cell.width,
        "WORDS": cell.depth,
        "PRIORITY": 0,
    }, src_loc=cell.src_loc)
