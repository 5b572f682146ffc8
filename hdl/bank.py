"""A weight bank: block RAMs with nothing behind them but a register; cut as ir/memory.py says."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Array, Module, Signal, Value
from amaranth.lib import memory

from bsnn_hw.hdl.formats import delayed, rom_attributes
from bsnn_hw.ir.memory import bank_parts

__all__ = ["read_bank"]


def read_bank(m: Module, name: str, words: Sequence[int], width: int,
              rows: Sequence[Value], *, pipelined: bool = False) -> list[Value]:
    """The word at each of ``rows``, one or two, ``bank_delay`` cycles later, ``pipelined`` one
    more; a row every cycle.

    name : str, of the memory; its parts are called ``name_part_1`` and so on
    words : what the bank holds, each of ``width`` bits
    rows : as many as there are readers, of the same block RAMs; as wide as a row's number
    """
    parts = bank_parts(len(words), width, len(rows))
    within = (parts[0] - 1).bit_length()  # bits of a row's number in its part
    found: list[list[Value]] = [[] for _ in rows]
    start = 0
    for number, depth in enumerate(parts):
        part = f"{name}_part_{number}" if len(parts) > 1 else name
        m.submodules[part] = store = memory.Memory(
            shape=width, depth=depth, init=words[start:start + depth],
            attrs=rom_attributes(depth))
        start += depth
        for reader, row in enumerate(rows):
            read = store.read_port()
            m.d.comb += read.addr.eq(row[:within])
            # The block RAM alone takes most of a cycle.
            found[reader].append(delayed(m, read.data, 1 + pipelined, f"{part}_word_{reader}",
                                         reset_less=True))
    if len(parts) == 1:
        return [word for word, in found]
    chosen = []
    for reader, (row, among) in enumerate(zip(rows, found, strict=True)):
        number = delayed(m, row[within:], 2 + pipelined, f"{name}_number_{reader}", reset_less=True)
        word = Signal(width, name=f"{name}_word_{reader}", reset_less=True)
        m.d.sync += word.eq(Array(among)[number])
        chosen.append(word)
    return chosen
