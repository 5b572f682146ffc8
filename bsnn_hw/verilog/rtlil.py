"""Amaranth to RTLIL, in a time that large networks can afford."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Shape
from amaranth.hdl import _mem as amaranth_memory

from bsnn_hw.verilog.header import plain_text

__all__ = ["to_rtlil"]


def to_rtlil(component: Elaboratable, name: str) -> str:
    """The component as RTLIL text, its top module called ``name``; Amaranth's own text exactly, but
    for the attribute ``about`` of each module: the first line of its component's docstring."""
    summaries: dict[str, str] = {}

    def convert(fragment, ports, name, **options):
        design = fragment.prepare(ports=ports, hierarchy=(name,))
        summaries.update(_summaries(design))
        return _convert_fragment(design, ports, name, **options)

    with (_no_collection(),
          mock.patch.object(rtlil, "convert_fragment", convert),
          mock.patch.object(rtlil.ModuleEmitter, "emit_memory", _emit_memory),
          mock.patch.object(amaranth_memory, "_get_init_value", _initial_word)):
        text = rtlil.convert(component, name=name, emit_src=False)
    return re.sub(r"^module \\(\S+)$", lambda module: (
        f'attribute \\about "{summaries[module[1]]}"\n{module[0]}'), text, flags=re.MULTILINE)


_convert_fragment = rtlil.convert_fragment


def _summaries(design):
    """Module name -> what it is."""
    return {".".join(info.name): plain_text((fragment.origins[0].__doc__ or "").split("\n\n")[0])
            if fragment.origins else "" for fragment, info in design.fragments.items()}


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


_amaranth_word = amaranth_memory._get_init_value


def _initial_word(value, shape, what="signal"):
    """A word of a memory as it is, where nothing has to be checked or converted: Amaranth makes
    several objects of each of a million rows."""
    if type(value) is int and type(shape) in (int, Shape):
        width, negative = (shape, False) if type(shape) is int else (shape.width, shape.signed)
        if not negative and 0 <= value < 1 << width:
            return value
    return _amaranth_word(value, shape, what)


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
