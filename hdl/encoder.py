"""Spike words to address-events, one lane; its reference is ``LayerGeometry.lane_row``."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import index_width, lane_event

__all__ = ["SpikeEncoder"]


class SpikeEncoder(wiring.Component):
    """Turns a lane's share of the spike words into events, lowest slot first.

    One event a cycle, also across words.  The last event of a timestep carries the mark; a
    timestep's last word without spikes becomes a lone mark.

    Parameters
    ----------
    slots : int, inputs of one word that belong to this lane, 1 or more
    slot_count : int, rows that a word takes in the lane's bank, at least ``slots``
    words : int, words per timestep
    stride : int, weight words per input row (the folds of the layer that receives)
    address_width : int, bits of the receiver's weight address

    Members
    -------
    words : In stream of {spikes, fold, last}; a word must carry a spike or be the last
    events : Out stream of ``lane_event``
    """

    def __init__(self, *, slots: int, slot_count: int, words: int, stride: int,
                 address_width: int):
        require_positive(slots=slots, slot_count=slot_count, words=words, stride=stride,
                         address_width=address_width)
        if slots > slot_count:
            raise ValueError(f"slots must be at most slot_count {slot_count}, not {slots}")
        self._slots = slots
        self._slot_count = slot_count
        self._stride = stride
        word = data.StructLayout({"spikes": slots, "fold": index_width(words), "last": 1})
        event = lane_event(address_width=address_width, value_width=1)
        super().__init__({
            "words": In(stream.Signature(word)),
            "events": Out(stream.Signature(event)),
        })

    def elaborate(self, platform):
        m = Module()
        word = self.words.payload
        address_width = len(self.events.payload.address)

        # The word in work: its spikes not yet sent, lowest first.
        pending = Signal(self._slots)
        base = Signal(address_width)
        last = Signal()
        busy = Signal()

        rest = Signal(self._slots)
        finished = Signal()
        offset = Signal(range(max(2, self._slots * self._stride)))
        m.d.comb += [
            rest.eq(pending & (pending - 1)),
            finished.eq(rest == 0),
        ]
        slot_offsets = [slot * self._stride for slot in range(self._slots)]
        for slot in reversed(range(self._slots)):
            with m.If(pending[slot]):
                m.d.comb += offset.eq(slot_offsets[slot])

        send = Signal()
        m.d.comb += send.eq(~self.events.valid | self.events.ready)
        with m.If(send):
            m.d.sync += [
                self.events.valid.eq(busy),
                self.events.payload.address.eq(base + offset),
                self.events.payload.value.eq(1),
                self.events.payload.event.eq(pending != 0),
                self.events.payload.mark.eq(last & finished),
                pending.eq(rest),
            ]

        m.d.comb += self.words.ready.eq(~busy | (send & finished))
        with m.If(self.words.ready):
            m.d.sync += [
                busy.eq(self.words.valid),
                pending.eq(word.spikes),
                base.eq(word.fold * (self._slot_count * self._stride)),
                last.eq(word.last),
            ]
        return m
