"""Tables of constants, looked up row by row, or one by one."""

from __future__ import annotations

import numpy as np
from amaranth import Cat, Const, signed
from amaranth.lib import data, memory

from bsnn_hw.hdl.formats import delayed, rom_attributes
from bsnn_hw.ir.border import Border
from bsnn_hw.ir.bounds import Interval
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import USUAL_ROWS, Rows, Store, Stores
from bsnn_hw.layout.tables import table_rows, table_size

__all__ = ["constant_rows", "looked_up"]


def looked_up(m, name: str, table: list[int], row, advance):
    """``table[row]``, one ``advance`` later; a number where all are the same."""
    low, high = min(table), max(table)
    if low == high:
        return low
    shape = signed(Interval(low, high).width)
    m.submodules[name] = rom = memory.Memory(shape=shape, depth=len(table), init=table)
    read = rom.read_port()
    m.d.comb += [read.addr.eq(row), read.en.eq(advance)]
    return read.data


def constant_rows(m, name: str, table: np.ndarray, raster: Raster, op,
                  store: Store = Store.BIASES, memories: Rows | Stores = USUAL_ROWS,
                  border: Border | None = None, place=None, *, pipelined: bool = False):
    """The constants of ``op``'s timestep and fold, two cycles later, ``pipelined`` three; one per
    position.

    table : int64 (T, channels); where no timestep differs, the ROM holds one, and a single row
        needs no ROM
    store : Store, what it is; memories : which lie in block RAM, see `LayerPlan`
    border : what is added by class of a place, of which ``place`` is the op's
    """
    found = table_rows(table, raster, border)
    size, rows = table_size(found, memories.hold(store, len(found))), found.tolist()
    width, fold_bits = size.value_width, (raster.folds - 1).bit_length()
    layout = data.ArrayLayout(signed(width), raster.width)
    if len(rows) == 1:
        return layout(Cat(Const(value, signed(width)) for value in rows[0]))
    m.submodules[name] = rom = memory.Memory(shape=layout, depth=len(rows), init=rows,
                                             attrs=rom_attributes(len(rows), size.block))
    read = rom.read_port()
    if border is not None:
        m.d.comb += read.addr.eq(Cat(op.fold[:fold_bits], place, op.timestep))
        return delayed(m, read.data, 1 + pipelined, f"{name}_row", reset_less=True)
    steady = len(rows) == 1 << fold_bits
    m.d.comb += read.addr.eq(op.fold if steady else Cat(op.fold[:fold_bits], op.timestep))
    return delayed(m, read.data, 1 + pipelined, f"{name}_row", reset_less=True)
