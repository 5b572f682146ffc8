"""Spike words of a map, pooled, with their position; the reference is reference/pool.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import delayed, index_width, place_layout, spike_word
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.ir.network import Pool
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import gathers

__all__ = ["SpikePool", "placed_word"]

def placed_word(pooled: Raster) -> data.StructLayout:
    """A row's spikes, where they are: as ``row`` of the raster, and as ``place`` and ``fold``."""
    return data.StructLayout({"spikes": pooled.width, "row": index_width(pooled.rows),
                              "place": place_layout(pooled.shape),
                              "fold": index_width(pooled.folds), "last": 1})


class SpikePool(wiring.Component):
    """Knows by counting where each word of a map belongs, and pools; a word a cycle, no stalls.

    Sum pooling gives every word its window's place.  Max pooling gathers a window's words, one per
    fold, in a memory as long as a line of windows, and gives their OR with the last of them.

    Parameters
    ----------
    pooled : Raster, of the words that go out
    pool : Pool or None, which only adds the position

    Members
    -------
    words, words_valid : In, ``spike_word``, in raster order of the map before pooling
    placed, placed_valid : Out, ``placed_word``, POOLING_DELAY cycles later
    """

    def __init__(self, pooled: Raster, pool: Pool | None):
        require_instance(Raster, pooled=pooled)
        require_instance(Pool | None, pool=pool)
        self._pooled = pooled
        self._window = (pool.height, pool.width) if pool else (1, 1)
        self.gathers = gathers(pool)
        rows = pooled.rows * self._window[0] * self._window[1]
        super().__init__({
            "words": In(spike_word(parallel=pooled.width, rows=rows)),
            "words_valid": In(1),
            "placed": Out(placed_word(pooled)),
            "placed_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        now, first, complete, line = self._count(m)
        word = Signal(self.placed.shape())
        m.d.comb += [
            word.spikes.eq(self.words.spikes),
            word.row.eq(now.row),
            word.place.eq(now.place),
            word.fold.eq(now.fold),
            word.last.eq(self.words.last),
        ]
        arrived = delayed(m, word, 1, "arrived", reset_less=True)
        valid = delayed(m, self.words_valid, 1, "arrived_valid")
        m.d.sync += self.placed.eq(arrived)
        if not self.gathers:
            m.d.sync += self.placed_valid.eq(valid)
            return m

        m.submodules.line = gathered = StateMemory(
            rows=self._pooled.shape.width * self._pooled.folds, width=self._pooled.width)
        first, complete = (delayed(m, signal, 1, name) for name, signal in
                           (("first", first), ("complete", complete)))
        spikes = Signal(self._pooled.width)
        m.d.comb += [
            gathered.read_row.eq(now.row - line),
            spikes.eq(arrived.spikes | Mux(first, 0, gathered.read_data)),
            gathered.write_enable.eq(valid & ~complete),
            gathered.write_row.eq(delayed(m, gathered.read_row, 1, "column", reset_less=True)),
            gathered.write_data.eq(spikes),
        ]
        m.d.sync += [self.placed.spikes.eq(spikes), self.placed_valid.eq(valid & complete)]
        return m

    def _count(self, m):
        """Where the coming word belongs, whether it is its window's first and last in its fold,
        and the row at which its line of windows starts."""
        folds, shape = self._pooled.folds, self._pooled.shape
        now = Signal(data.StructLayout({name: self.placed.shape()[name].shape
                                        for name in ("row", "place", "fold")}), name="now")
        down, right = (Signal(range(side), name=name) for name, side in
                       zip(("down", "right"), self._window, strict=True))
        line = Signal.like(now.row, name="line_start")
        place_ends = now.fold == folds - 1
        window_ends = right == self._window[1] - 1
        line_ends = now.place.x == shape.width - 1
        windows_end = down == self._window[0] - 1
        map_ends = now.place.y == shape.height - 1
        with m.If(self.words_valid):
            m.d.sync += [now.fold.eq(now.fold + 1), now.row.eq(now.row + 1)]
            with m.If(place_ends):
                m.d.sync += [now.fold.eq(0), right.eq(right + 1),
                             now.row.eq(now.row - (folds - 1))]
            with m.If(place_ends & window_ends):
                m.d.sync += [right.eq(0), now.place.x.eq(now.place.x + 1),
                             now.row.eq(now.row + 1)]
            with m.If(place_ends & window_ends & line_ends):
                m.d.sync += [now.place.x.eq(0), down.eq(down + 1), now.row.eq(line)]
            with m.If(place_ends & window_ends & line_ends & windows_end):
                m.d.sync += [down.eq(0), now.place.y.eq(now.place.y + 1),
                             now.row.eq(now.row + 1), line.eq(now.row + 1)]
                with m.If(map_ends):
                    m.d.sync += [now.place.y.eq(0), now.row.eq(0), line.eq(0)]
        return now, (down == 0) & (right == 0), windows_end & window_ends, line
