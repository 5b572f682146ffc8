"""Words of a map without those beyond its last whole window; the reference is reference/pool.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import spike_word
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster

__all__ = ["MapCrop"]


class MapCrop(wiring.Component):
    """Passes the words of the upper left part of a map on, in the same cycle; drops the others.

    Parameters
    ----------
    whole : Raster, of the words that come in
    kept : Shape, of the part; words that go out are in its raster order

    Members
    -------
    words, words_valid : In, ``spike_word``
    inside, inside_valid : Out, ``spike_word``; the part's last one has ``last``
    """

    def __init__(self, whole: Raster, kept: Shape):
        require_instance(Raster, whole=whole)
        require_instance(Shape, kept=kept)
        self._whole = whole
        self._part = Raster(kept, whole.width)
        super().__init__({
            "words": In(spike_word(parallel=whole.width, rows=whole.rows)),
            "words_valid": In(1),
            "inside": Out(spike_word(parallel=whole.width, rows=self._part.rows)),
            "inside_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        whole, part = self._whole.shape, self._part.shape
        fold = Signal(range(max(2, self._whole.folds)))
        x = Signal(range(max(2, whole.width)))
        y = Signal(range(max(2, whole.height)))
        advance = self.words_valid
        for counter, count in ((fold, self._whole.folds), (x, whole.width), (y, whole.height)):
            ends = counter == count - 1
            with m.If(advance):
                m.d.sync += counter.eq(Mux(ends, 0, counter + 1))
            advance = advance & ends

        row = Signal.like(self.inside.row, name="row")
        last = row == self._part.rows - 1
        with m.If(self.inside_valid):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
        m.d.comb += [
            self.inside_valid.eq(self.words_valid & (x < part.width) & (y < part.height)),
            self.inside.spikes.eq(self.words.spikes),
            self.inside.row.eq(row),
            self.inside.last.eq(last),
        ]
        return m
