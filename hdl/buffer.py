"""Stream registers that break combinational ready paths: skid buffer, register, pair."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance

__all__ = ["RegisterPair", "StreamBuffer", "StreamRegister"]


class _Between(wiring.Component):
    def __init__(self, layout: data.Layout):
        require_instance(data.Layout, layout=layout)
        super().__init__({
            "source": In(stream.Signature(layout)),
            "words": Out(stream.Signature(layout)),
        })


class StreamBuffer(_Between):
    """Two registers: all its outputs are, and still it passes a word a cycle.

    Parameters
    ----------
    layout : data.Layout, of a word

    Members
    -------
    source : In stream; words : Out stream, a cycle later
    """

    def elaborate(self, platform):
        m = Module()
        source, words = self.source, self.words
        spare = Signal(source.payload.shape(), reset_less=True)
        spared = Signal()  # a word waits in `spare`, behind the one in `words`
        m.d.comb += source.ready.eq(~spared)
        with m.If(words.ready | ~words.valid):
            m.d.sync += [
                words.payload.eq(Mux(spared, spare.as_value(), source.payload.as_value())),
                words.valid.eq(spared | source.valid),
                spared.eq(0),
            ]
        with m.Elif(~spared):
            m.d.sync += [spare.eq(source.payload), spared.eq(source.valid)]
        return m


class StreamRegister(_Between):
    """One register and no logic in front of it: it passes a word every other cycle.

    Parameters
    ----------
    layout : data.Layout, of a word

    Members
    -------
    source : In stream; words : Out stream, a cycle later
    """

    def elaborate(self, platform):
        m = Module()
        source, words = self.source, self.words
        m.d.comb += source.ready.eq(~words.valid)
        with m.If(source.ready):
            m.d.sync += [words.payload.eq(source.payload), words.valid.eq(source.valid)]
        with m.Elif(words.ready):
            m.d.sync += words.valid.eq(0)
        return m


class RegisterPair(_Between):
    """A queue of two words in two registers in a row: it passes a word every other cycle.

    Parameters
    ----------
    layout : data.Layout, of a word

    Members
    -------
    source : In stream; words : Out stream, two cycles later
    """

    def elaborate(self, platform):
        m = Module()
        m.submodules.first = first = StreamRegister(self.source.payload.shape())
        wiring.connect(m, wiring.flipped(self.source), first.source)
        words = self.words
        m.d.comb += first.words.ready.eq(words.ready | ~words.valid)
        with m.If(first.words.ready):
            m.d.sync += [words.payload.eq(first.words.payload), words.valid.eq(first.words.valid)]
        return m
