"""Spike words to address-events, one lane; its reference is ``DenseEvents.lane_row``."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import index_width, lane_event
from bsnn_hw.hdl.priority import take_lowest

__all__ = ["SpikeEncoder"]


class SpikeEncoder(wiring.Component):
    """Turns a lane's share of the spike words into events, lowest slot first.

    One event a cycle, also across words.  The last event of a timestep carries the mark; a
    timestep's last word without spikes becomes a lone mark.

    Parameters
    ----------
    slots : int, inputs of one word that belong to this lane, 1 or more
    slot_bits : int, bits of a slot's number in ``row = {word, slot}``; 0 where there is one slot
    words : int, words per timestep
    pipelined : bool, the lowest is found without a carry chain

    Members
    -------
    words : In stream of {spikes, row, last}; a word must carry a spike or be the last
    events : Out stream of ``lane_event``
    """

    def __init__(self, *, slots: int, slot_bits: int, words: int, pipelined: bool = False):
        require_positive(slots=slots, words=words)
        if not isinstance(slot_bits, int) or slot_bits < 0:
            raise ValueError(f"slot_bits must be an integer of 0 or more, not {slot_bits!r}")
        if slots > 1 << slot_bits:
            raise ValueError(f"slots must be at most {1 << slot_bits} with slot_bits {slot_bits}, "
                             f"not {slots}")
        self._slots = slots
        self._slot_bits = slot_bits
        self._pipelined = pipelined
        word = data.StructLayout({"spikes": slots, "row": index_width(words), "last": 1})
        rows = words << slot_bits
        super().__init__({
            "words": In(stream.Signature(word)),
            "events": Out(stream.Signature(lane_event(row_width=index_width(rows)))),
        })

    def elaborate(self, platform):
        m = Module()
        word = self.words.payload

        # The word in work: its spikes not yet sent, lowest first.
        pending = Signal(self._slots)
        number = Signal.like(word.row)
        last = Signal()
        busy = Signal()

        lowest, rest, more = take_lowest(m, "lowest", pending, chained=not self._pipelined)
        slot = Signal(self._slot_bits)
        finished = Signal()
        m.d.comb += [slot.eq(lowest), finished.eq(~more)]

        send = Signal()
        m.d.comb += send.eq(~self.events.valid | self.events.ready)
        with m.If(send):
            m.d.sync += [
                self.events.valid.eq(busy),
                self.events.payload.row.eq(Cat(slot, number)),
                self.events.payload.event.eq(pending != 0),
                self.events.payload.mark.eq(last & finished),
                pending.eq(rest),
            ]

        m.d.comb += self.words.ready.eq(~busy | (send & finished))
        with m.If(self.words.ready):
            m.d.sync += [
                busy.eq(self.words.valid),
                pending.eq(word.spikes),
                number.eq(word.row),
                last.eq(word.last),
            ]
        return m
