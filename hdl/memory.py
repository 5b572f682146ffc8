"""Memories of rows that their owner reads every cycle and writes some cycles later."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import delayed, index_width

__all__ = ["BlockMemory", "StateMemory"]


def _ports(rows, width):
    return {"read_row": In(index_width(rows)), "read_data": Out(width), "write_enable": In(1),
            "write_row": In(index_width(rows)), "write_data": In(width)}


class StateMemory(wiring.Component):
    """A memory of state, all zero after power-up.

    ``read_data`` shows, one cycle after ``read_row``, that row with every write up to that
    cycle's start in it: a write in cycle k is seen by whoever gave its row in cycle k or later.

    Parameters
    ----------
    rows : int, 1 or more; a single row becomes a register
    width : int, bits

    Members
    -------
    read_row : In, index of the row to show next
    read_data : Out, ``width`` bits, one cycle after ``read_row``
    write_enable, write_row, write_data : In, taken at the end of the cycle
    """

    def __init__(self, *, rows: int, width: int):
        require_positive(rows=rows, width=width)
        self._rows = rows
        self._width = width
        super().__init__(_ports(rows, width))

    def elaborate(self, platform):
        m = Module()
        if self._rows == 1:
            with m.If(self.write_enable):
                m.d.sync += self.read_data.eq(self.write_data)
            return m

        m.submodules.store = store = memory.Memory(shape=self._width, depth=self._rows, init=[])
        write = store.write_port()
        # A registered row and an unregistered read are what a LUT memory gives for nothing.
        read = store.read_port(domain="comb")
        row = Signal.like(self.read_row)
        m.d.sync += row.eq(self.read_row)
        m.d.comb += [
            read.addr.eq(row),
            self.read_data.eq(read.data),
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_row),
            write.data.eq(self.write_data),
        ]
        return m


class BlockMemory(wiring.Component):
    """A memory of state in block RAM, all zero after power-up.

    ``read_data`` shows, two cycles after ``read_row``, that row with every write before the cycle
    of ``read_row`` in it.  What a row shows that was written in that very cycle is not defined:
    its owner must not read it then, or not use what it reads.

    Parameters and members as in `StateMemory`, but for the second cycle.  ``pipelined``: there is a
    third, in which nothing happens but that a word leaves the block RAM's own register.
    """

    def __init__(self, *, rows: int, width: int, pipelined: bool = False):
        require_positive(rows=rows, width=width)
        self._rows = rows
        self._width = width
        self._pipelined = pipelined
        super().__init__(_ports(rows, width))

    def elaborate(self, platform):
        m = Module()
        # Without the second attribute, synthesis adds a bypass for the case that is not defined.
        m.submodules.store = store = memory.Memory(
            shape=self._width, depth=self._rows, init=[],
            attrs={"ram_style": "block", "no_rw_check": 1})
        write = store.write_port()
        read = store.read_port()
        m.d.comb += [
            read.addr.eq(self.read_row),
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_row),
            write.data.eq(self.write_data),
        ]
        # Nothing between the block RAM and this register: the RAM takes most of a cycle.
        word = delayed(m, read.data, self._pipelined, "word", reset_less=True)
        m.d.sync += self.read_data.eq(word)
        return m
