"""Tables of constants, as ROMs: a row per timestep and fold, an entry per parallel neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts
from bsnn_hw.ir.border import Border
from bsnn_hw.ir.bounds import Interval
from bsnn_hw.ir.memory import BLOCK_ROWS
from bsnn_hw.ir.raster import Raster

__all__ = ["TableSize", "class_bits", "table_rows", "table_size", "value_width"]


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


def table_rows(table: np.ndarray, raster: Raster, border: Border | None = None) -> np.ndarray:
    """What the ROM holds, int64 (rows, width); where no timestep differs, it is one timestep.

    table : int64 (T, channels)
    border : what is added to it by class of a place; then a timestep has the rows of all classes,
        their number a power of two
    """
    by_class = table[:, None] if border is None else _of_classes(table, border)
    if (by_class == by_class[0]).all():
        by_class = by_class[:1]
    padded = np.zeros((*by_class.shape[:2], raster.width << (raster.folds - 1).bit_length()),
                      np.int64)
    padded[..., : by_class.shape[2]] = by_class
    return padded.reshape(-1, raster.width)


def _of_classes(table: np.ndarray, border: Border) -> np.ndarray:
    """(T, numbers of classes, channels): a number is ``{class of the line, class of the column}``,
    and those that no place has are 0."""
    lines, columns = (1 << bits for bits in class_bits(border))
    found = np.zeros((len(table), lines, columns, table.shape[1]), np.int64)
    down, across = border.classes
    found[:, :down, :across] = table[:, None, None] + border.extra
    return found.reshape(len(table), -1, table.shape[1])


def class_bits(border: Border) -> tuple[int, int]:
    """Bits of the class of a line, and of a column."""
    down, across = border.classes
    return (down - 1).bit_length(), (across - 1).bit_length()


def value_width(values: np.ndarray) -> int:
    """Bits of the smallest two's complement that holds all ``values``."""
    return Interval(int(values.min()), int(values.max())).width


def table_size(rows: np.ndarray, block: bool) -> TableSize:
    """The size of a ROM of ``rows`` (rows, width)."""
    width = value_width(rows)
    changes = np.bitwise_or.reduce(rows ^ rows[0], axis=0)
    columns = sum(int((changes >> bit & 1).sum()) for bit in range(width))
    return TableSize(len(rows), width, columns, block)
