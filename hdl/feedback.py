"""A layer's words of spikes as those of the timestep before; reference: ``recurred`` of
reference/network.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import spike_word

__all__ = ["Feedback"]


class Feedback(wiring.Component):
    """Passes words on, each timestep's for the next one.

    From inference to inference none are kept, unless the layer is stateful: what the last timestep
    sends comes without its spikes, so that its mark is that of the next inference's first timestep.
    After a reset there was no inference, and a lone mark comes by itself.

    Parameters
    ----------
    parallel, rows : int, of the layer's words
    timesteps : int, of an inference
    stateful : bool

    Members
    -------
    words, words_valid : In, ``spike_word``, none in the first cycle after a reset
    earlier, earlier_valid : Out, likewise, in the same cycle
    """

    def __init__(self, *, parallel: int, rows: int, timesteps: int, stateful: bool = False):
        require_positive(parallel=parallel, rows=rows, timesteps=timesteps)
        self._timesteps = timesteps
        self._stateful = stateful
        word = spike_word(parallel=parallel, rows=rows)
        super().__init__({
            "words": In(word),
            "words_valid": In(1),
            "earlier": Out(word),
            "earlier_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        first = Signal(init=1)  # after a reset
        m.d.sync += first.eq(0)
        closing = Signal()
        if not self._stateful:
            self._count(m, closing)

        m.d.comb += [
            self.earlier.spikes.eq(Mux(first | closing, 0, self.words.spikes)),
            self.earlier.row.eq(self.words.row),
            self.earlier.last.eq(first | self.words.last),
            self.earlier_valid.eq(first | self.words_valid),
        ]
        return m

    def _count(self, m, closing):
        """Tell when an inference's last timestep is ``closing``."""
        timestep = Signal(range(self._timesteps))
        m.d.comb += closing.eq(timestep == self._timesteps - 1)
        with m.If(self.words_valid & self.words.last):
            m.d.sync += timestep.eq(Mux(closing, 0, timestep + 1))
