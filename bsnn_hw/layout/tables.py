"""Tables of constants, as ROMs: a row per timestep and fold, an entry per parallel neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts
from bsnn_hw.ir.bounds import Interval
from bsnn_hw.ir.memory import BLOCK_ROWS
from bsnn_hw.ir.raster import Raster

__all__ = ["TableSize", "table_rows", "table_size", "value_width"]


@dataclass(frozen=True)
class TableSize:
    """A ROM, and a register behind it; no ROM where there is a single row.

    rows : int; value_width : int, bits of a value
    columns : int, bits of a row that are not the same in all of them, and take memory
    block : bool, in block RAM
    """

    rows: int
    value_width: int
    columns: int
    block: bool

    def parts(self) -> Parts:
        """hdl/constants.py."""
        if self.rows == 1:
            return Parts()
        memory = Memory(self.rows, self.columns, Access.TABLE, block=self.block,
                        logic=not self.block and self.rows >= BLOCK_ROWS)
        return Parts.delays(self.columns) + Parts(memories=(memory,) if self.columns else ())


def table_rows(table: np.ndarray, raster: Raster) -> np.ndarray:
    """What the ROM holds, int64 (rows, width); where no timestep differs, it is one timestep.

    table : int64 (T, channels)
    """
    if (table == table[0]).all():
        table = table[:1]
    padded = np.zeros((len(table), raster.width << (raster.folds - 1).bit_length()), np.int64)
    padded[:, : table.shape[1]] = table
    return padded.reshape(-1, raster.width)


def value_width(values: np.ndarray) -> int:
    """Bits of the smallest two's complement that holds all ``values``."""
    return Interval(int(values.min()), int(values.max())).width


def table_size(rows: np.ndarray, block: bool) -> TableSize:
    """The size of a ROM of ``rows`` (rows, width)."""
    width = value_width(rows)
    changes = np.bitwise_or.reduce(rows ^ rows[0], axis=0)
    columns = sum(int((changes >> bit & 1).sum()) for bit in range(width))
    return TableSize(len(rows), width, columns, block)
