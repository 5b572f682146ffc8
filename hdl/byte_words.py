"""AXI4-Stream words of several bytes to bytes and back, with ``tkeep``."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.byte_port import byte_layout

__all__ = ["BYTES", "BytePacker", "ByteUnpacker", "word_layout"]

BYTES = 4  # of a word


def word_layout() -> data.StructLayout:
    """A word of a packet, which of its bytes are there, and whether it is the last."""
    return data.StructLayout({"bytes": data.ArrayLayout(8, BYTES), "keep": BYTES, "last": 1})


class ByteUnpacker(wiring.Component):
    """Words to their bytes, the lowest first; a place of a word a cycle, and one for the end.

    Bytes that are not there are left out, wherever they are.  A packet without any becomes one of
    a byte 0, so that every packet that comes is one that goes.

    Members
    -------
    words : In stream of ``word_layout``; bytes : Out stream of ``byte_layout``
    """

    def __init__(self):
        super().__init__({
            "words": In(stream.Signature(word_layout())),
            "bytes": Out(stream.Signature(byte_layout())),
        })

    def elaborate(self, platform):
        m = Module()
        word, out = self.words.payload, self.bytes
        # The last byte of a packet is known as such when nothing follows: one is held back.
        held = Signal(8)
        holding = Signal()
        ending = Signal()
        place = Signal(range(BYTES))
        free = Signal()
        step = Signal()
        at_end = place == BYTES - 1
        m.d.comb += [
            free.eq(~out.valid | out.ready),
            step.eq(self.words.valid & free & ~ending),
            self.words.ready.eq(free & ~ending & at_end),
        ]
        with m.If(out.ready):
            m.d.sync += out.valid.eq(0)
        with m.If(step):
            m.d.sync += [place.eq(place + 1), ending.eq(at_end & word.last)]
            with m.If(word.keep.bit_select(place, 1)):
                m.d.sync += [held.eq(word.bytes[place]), holding.eq(1), out.valid.eq(holding),
                             out.payload.byte.eq(held), out.payload.last.eq(0)]
        with m.Elif(ending & free):
            m.d.sync += [holding.eq(0), ending.eq(0), out.valid.eq(1), out.payload.last.eq(1),
                         out.payload.byte.eq(Mux(holding, held, 0))]
        return m


class BytePacker(wiring.Component):
    """Bytes to words, a byte a cycle, the first one lowest; only the last word is not full.

    Members
    -------
    bytes : In stream of ``byte_layout``; words : Out stream of ``word_layout``
    """

    def __init__(self):
        super().__init__({
            "bytes": In(stream.Signature(byte_layout())),
            "words": Out(stream.Signature(word_layout())),
        })

    def elaborate(self, platform):
        m = Module()
        byte, words = self.bytes.payload, self.words
        gathered = Signal(data.ArrayLayout(8, BYTES))
        keep = Signal(BYTES)
        place = Signal(range(BYTES))
        complete = Signal()
        take = Signal()
        m.d.comb += [
            complete.eq(byte.last | (place == BYTES - 1)),
            self.bytes.ready.eq(~words.valid | words.ready),
            take.eq(self.bytes.valid & self.bytes.ready),
            words.payload.bytes.eq(gathered),
            words.payload.keep.eq(keep),
        ]
        with m.If(words.ready):
            m.d.sync += words.valid.eq(0)
        with m.If(take):
            m.d.sync += [
                words.valid.eq(complete),
                words.payload.last.eq(byte.last),
                gathered[place].eq(byte.byte),
                keep.eq(Mux(place == 0, 1, keep << 1 | 1)),
                place.eq(Mux(complete, 0, place + 1)),
            ]
        return m
