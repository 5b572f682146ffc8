"""Rows of spikes that follow each other become one word."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import spike_word

__all__ = ["RowGather"]


class RowGather(wiring.Component):
    """Gathers ``gathered`` rows; takes one every cycle, and gives a word in that of its last row.

    Rows come in order, all of a timestep, from 0 on.  The last word of a timestep may have fewer,
    and where rows of a map's position have words of their own, the last one of each position.

    Parameters
    ----------
    width, rows : int, bits of a row, and rows of a timestep
    gathered : int, rows of a word, 2 or more
    words : int, words of a timestep
    folds : int, rows of a position; None where words hold rows of several

    Members
    -------
    rows, rows_valid : In, ``spike_word`` of the source
    words, words_valid : Out, ``spike_word``, of ``gathered * width`` spikes
    """

    def __init__(self, *, width: int, rows: int, gathered: int, words: int,
                 folds: int | None = None):
        require_positive(width=width, rows=rows, words=words)
        if gathered < 2:
            raise ValueError(f"gathered must be 2 rows or more, not {gathered}")
        self._width, self._count = width, gathered
        self._folds = folds if folds and folds % gathered else None  # where a word ends early
        super().__init__({
            "rows": In(spike_word(parallel=width, rows=rows)),
            "rows_valid": In(1),
            "words": Out(spike_word(parallel=gathered * width, rows=words)),
            "words_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        count, last = self._count, self.rows.last
        place = Signal(range(count))
        number = Signal.like(self.words.row)
        complete = Signal()
        m.d.comb += [
            complete.eq(self._position_ends(m, last) | (place == count - 1)),
            self.words_valid.eq(self.rows_valid & complete),
            self.words.row.eq(number),
            self.words.last.eq(last),
        ]
        # Rows of this word that came before; 0 where none has.
        held = [Signal(self._width, name=f"held_{i}") for i in range(count - 1)]
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

    def _position_ends(self, m, last):
        """Whether a row is the last of those that may share a word."""
        if self._folds is None:
            return last
        fold = Signal(range(self._folds))
        ends = fold == self._folds - 1
        with m.If(self.rows_valid):
            m.d.sync += fold.eq(Mux(ends, 0, fold + 1))
        return ends
