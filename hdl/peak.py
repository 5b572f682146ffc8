"""Membranes of a readout and the largest value of each; the reference is reference/readout.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.constants import looked_up
from bsnn_hw.hdl.formats import index_width
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.ir.network import Peak

__all__ = ["PeakMemory"]


class PeakMemory(wiring.Component):
    """Keeps each class's membrane, leaked, and the largest value that it had; a class an advance.

    A class must not come again before what became of it is written, two advances after
    ``potential``.

    Parameters
    ----------
    peak : Peak
    width : int, bits of a membrane

    Members
    -------
    advance : In, the pipeline moves on
    coming : In, the class whose state is shown next
    index, valid, first : In, the class whose state is shown, and whether none of it is known yet
    carried : Out, its membrane behind the leak, 0 where it is the first
    potential : In, an advance later, the membrane of that class
    largest : Out, a further advance later, the largest so far
    """

    def __init__(self, peak: Peak, *, width: int):
        require_instance(Peak, peak=peak)
        require_positive(width=width)
        self._peak = peak
        index = index_width(len(peak.leak))
        super().__init__({
            "advance": In(1), "coming": In(index), "index": In(index), "valid": In(1),
            "first": In(1), "carried": Out(signed(width)), "potential": In(signed(width)),
            "largest": Out(signed(width)),
        })

    def elaborate(self, platform):
        m = Module()
        layout = data.StructLayout({"carried": self.carried.shape(),
                                    "largest": self.largest.shape()})
        m.submodules.rows = store = StateMemory(rows=len(self._peak.leak), width=layout.size)
        kept = layout(store.read_data)
        factor = looked_up(m, "leak", self._peak.leak.tolist(), self.index, self.advance)
        first = Signal()
        known = Signal.like(self.largest)
        leaked = Signal.like(self.carried)
        m.d.comb += self.carried.eq(Mux(self.first, 0, kept.carried))
        with m.If(self.advance):
            m.d.sync += [
                first.eq(self.first),
                known.eq(kept.largest),
                self.largest.eq(Mux(first | (self.potential > known), self.potential, known)),
                leaked.eq((self.potential * factor) >> self._peak.leak_bits),
            ]
        index, valid = self.index, self.valid
        for stage in (1, 2):
            index, valid = self._advanced(m, index, f"index_{stage}"), self._advanced(
                m, valid, f"valid_{stage}")
        written = layout(store.write_data)
        m.d.comb += [
            store.read_row.eq(self.coming),
            store.write_enable.eq(valid),
            store.write_row.eq(index),
            written.carried.eq(leaked),
            written.largest.eq(self.largest),
        ]
        return m

    def _advanced(self, m, signal, name):
        """``signal`` as it was an advance ago."""
        register = Signal.like(signal, name=name)
        with m.If(self.advance):
            m.d.sync += register.eq(signal)
        return register
