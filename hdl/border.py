"""Which class the place of an operation has, where the border of a map has biases of its own."""

from __future__ import annotations

from amaranth import Array, Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import operation
from bsnn_hw.ir.border import Border
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.tables import class_bits

__all__ = ["BorderClasses"]


class BorderClasses(wiring.Component):
    """Counts lines and columns along with the operations that step rows, which come in order.

    Parameters
    ----------
    border : Border
    raster : Raster, of the neurons
    timesteps : int

    Members
    -------
    op : In, ``operation``
    place : Out, ``{class of the line, class of the column}`` of its row, in the same cycle
    """

    def __init__(self, border: Border, raster: Raster, *, timesteps: int):
        require_instance(Border, border=border)
        require_instance(Raster, raster=raster)
        require_positive(timesteps=timesteps)
        shape = raster.shape
        if (len(border.lines), len(border.columns)) != (shape.height, shape.width):
            raise ValueError(f"border must have classes of {shape.height} lines and {shape.width} "
                             f"columns, not {len(border.lines)} and {len(border.columns)}")
        self._border = border
        self._raster = raster
        super().__init__({
            "op": In(operation(folds=raster.folds, timesteps=timesteps, rows=raster.rows)),
            "place": Out(sum(class_bits(border))),
        })

    def elaborate(self, platform):
        m = Module()
        border, shape = self._border, self._raster.shape
        line = Signal(range(shape.height))
        column = Signal(range(shape.width))
        place_ends = Signal()
        line_ends = Signal()
        m.d.comb += [
            place_ends.eq(self.op.step & (self.op.fold == self._raster.folds - 1)),
            line_ends.eq(column == shape.width - 1),
        ]
        with m.If(place_ends):
            m.d.sync += column.eq(column + 1)
            with m.If(line_ends):
                m.d.sync += [column.eq(0), line.eq(line + 1)]
                with m.If(line == shape.height - 1):
                    m.d.sync += line.eq(0)
        lines, columns = class_bits(border)
        m.d.comb += self.place.eq(Cat(_looked_up(border.columns, column, columns),
                                      _looked_up(border.lines, line, lines)))
        return m


def _looked_up(classes, index, width: int) -> Value:
    """The class of ``index``, of ``width`` bits."""
    return Array(Const(int(each), width) for each in classes)[index] if width else Const(0, 0)
