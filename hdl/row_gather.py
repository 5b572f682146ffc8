"""Rows of spikes that follow each other become one word."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import spike_word

__all__ = ["RowGather"]


class RowGather(wiring.Component):
    """Gathers ``gathered`` rows; takes one every cycle, and gives a word in that of its last row.

    Rows come in order, all of a timestep, from 0 on.  The last word of a timestep may have fewer.

    Parameters
    ----------
    geometry : DenseWords, 2 or more rows in a word

    Members
    -------
    rows, rows_valid : In, ``spike_word`` of the source
    words, words_valid : Out, ``spike_word`` of the lanes
    """

    def __init__(self, geometry: DenseWords):
        require_instance(DenseWords, geometry=geometry)
        if geometry.gathered < 2:
            raise ValueError(f"geometry must gather 2 rows or more, not {geometry.gathered}")
        self._geometry = geometry
        super().__init__({
            "rows": In(spike_word(parallel=geometry.source_width, rows=geometry.source.rows)),
            "rows_valid": In(1),
            "words": Out(spike_word(parallel=geometry.lanes, rows=geometry.rows)),
            "words_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        count, last = self._geometry.gathered, self.rows.last
        place = Signal(range(count))
        number = Signal.like(self.words.row)
        complete = Signal()
        m.d.comb += [
            complete.eq(last | (place == count - 1)),
            self.words_valid.eq(self.rows_valid & complete),
            self.words.row.eq(number),
            self.words.last.eq(last),
        ]
        # Rows of this word that came before; 0 where none has.
        held = [Signal(self._geometry.source_width, name=f"held_{i}") for i in range(count - 1)]
        m.d.comb += self.words.spikes.eq(Cat(
            *(Mux(place == i, self.rows.spikes, before) for i, before in enumerate(held)),
            Mux(place == count - 1, self.rows.spikes, 0)))
        with m.If(self.rows_valid):
            m.d.sync += place.eq(Mux(complete, 0, place + 1))
            for i, before in enumerate(held):
                with m.If(complete):
                    m.d.sync += before.eq(0)
                with m.Elif(place == i):
                    m.d.sync += before.eq(self.rows.spikes)
            with m.If(complete):
                m.d.sync += number.eq(Mux(last, 0, number + 1))
        return m
