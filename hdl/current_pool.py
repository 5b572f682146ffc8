"""The largest sum of each window of a map; the reference is reference/pool.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import delayed, operation
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.layout.blocks import CurrentPool

__all__ = ["LargestSums"]


class LargestSums(wiring.Component):
    """Stands between the accumulators of a convolution and its neurons, of which each takes the
    largest sum of a window; a row a cycle, no stalls.

    A step comes row after row of the sums' map.  What a window has so far waits in a memory as long
    as a line of windows; with its last row, per fold, the neurons' own operation follows.  Rows
    beyond the last whole window are passed over.

    Parameters
    ----------
    pool : CurrentPool
    timesteps : int, 1 or more

    Members
    -------
    op : In, ``operation`` on a row of sums; sums : In, one cycle after it
    pooled_op : Out, ``operation`` on a row of neurons, one cycle after the op that completes it
    largest : Out, one cycle after ``pooled_op``
    """

    def __init__(self, pool: CurrentPool, *, timesteps: int):
        require_instance(CurrentPool, pool=pool)
        require_positive(timesteps=timesteps)
        self._pool = pool
        summed, windows = pool.summed, pool.windows
        row = data.ArrayLayout(signed(pool.sum_width), summed.width)
        super().__init__({
            "op": In(operation(folds=summed.folds, timesteps=timesteps, rows=summed.rows)),
            "sums": In(row),
            "pooled_op": Out(operation(folds=windows.folds, timesteps=timesteps,
                                       rows=windows.rows)),
            "largest": Out(row),
        })

    def elaborate(self, platform):
        m = Module()
        place, start, first, last, inside = self._count(m)
        m.d.sync += [self.pooled_op[field].eq(self.op[field])
                     for field in self.op.shape().members if field not in ("row", "step")]
        m.d.sync += [
            self.pooled_op.row.eq(start + place),
            self.pooled_op.step.eq(self.op.step & last),
        ]

        m.submodules.line = line = StateMemory(
            rows=self._pool.windows.shape.width * self._pool.windows.folds,
            width=self.sums.shape().size)
        kept = self.sums.shape()(line.read_data)
        largest = Signal.like(self.largest, name="most")
        starts = delayed(m, first, 1, "starts", reset_less=True)
        for position in range(self._pool.summed.width):
            own, before = self.sums[position], kept[position]
            m.d.comb += largest[position].eq(Mux(starts | (own > before), own, before))
        m.d.comb += [
            line.read_row.eq(place),
            line.write_enable.eq(delayed(m, self.op.step & inside & ~last, 1, "waits")),
            line.write_row.eq(delayed(m, line.read_row, 1, "column", reset_less=True)),
            line.write_data.eq(largest),
        ]
        m.d.sync += self.largest.eq(largest)
        return m

    def _count(self, m):
        """Where the coming row belongs: its place in a line of windows, the neurons' row at which
        that line starts, whether it is its window's first and last in its fold, and whether it is
        in a window at all."""
        (height, width), windows = self._pool.size, self._pool.windows
        columns, lines, folds = windows.shape.width, windows.shape.height, windows.folds
        place = Signal(range(max(2, (columns + 1) * folds)))
        start = Signal.like(self.pooled_op.row, name="start")
        right = Signal(range(width))
        column = Signal(range(columns + 1))
        down = Signal(range(height))
        line = Signal(range(lines + 1))
        rest_right = self._pool.summed.shape.width - columns * width
        rest_down = self._pool.summed.shape.height - lines * height
        line_ends = Signal()
        map_ends = Signal()
        m.d.comb += [
            line_ends.eq(self._ends(column, right, columns, width, rest_right)),
            map_ends.eq(self._ends(line, down, lines, height, rest_down)),
        ]
        with m.If(self.op.step):
            m.d.sync += place.eq(place + 1)
            with m.If(self.op.fold == folds - 1):
                m.d.sync += [right.eq(right + 1), place.eq(place - (folds - 1))]
                with m.If(right == width - 1):
                    m.d.sync += [right.eq(0), column.eq(column + 1), place.eq(place + 1)]
                with m.If(line_ends):
                    m.d.sync += [right.eq(0), column.eq(0), place.eq(0), down.eq(down + 1)]
                    with m.If(down == height - 1):
                        m.d.sync += [down.eq(0), line.eq(line + 1),
                                     start.eq(start + columns * folds)]
                    with m.If(map_ends):
                        m.d.sync += [down.eq(0), line.eq(0), start.eq(0)]
        inside = (column < columns) & (line < lines)
        return (place, start, (right == 0) & (down == 0),
                inside & (right == width - 1) & (down == height - 1), inside)

    def _ends(self, window, within, count, size, rest):
        """Whether an axis ends here, ``rest`` places behind ``count`` windows."""
        if rest:
            return (window == count) & (within == rest - 1)
        return (window == count - 1) & (within == size - 1)
