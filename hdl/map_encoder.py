"""Placed spike words to groups of events of one position; reference: ``ConvEvents.lane_row``."""

from __future__ import annotations

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import event_group, place_layout
from bsnn_hw.hdl.pooling import placed_word
from bsnn_hw.hdl.priority import take_lowest

__all__ = ["MapEncoder", "placed_group"]


def placed_group(geometry: ConvEvents, value_width: int, lanes: int | None = None):
    """Events of one position, at most one per lane of the layer, or of ``lanes``."""
    return event_group(lanes=lanes or geometry.lanes, row_width=max(1, geometry.row_bits),
                       value_width=value_width, place=place_layout(geometry.source.shape))


class MapEncoder(wiring.Component):
    """Gives a word's spikes as groups, each bank's lowest channel first, a group a cycle.

    A word takes as many groups as its fullest bank has spikes: with shared lanes, which have a
    single bank, a group is one event.  The last group of a timestep
    carries the mark; a timestep's last word without spikes becomes a lone mark.

    Parameters
    ----------
    geometry : ConvEvents

    Members
    -------
    words : In stream of ``placed_word``; a word must carry a spike or be the last
    groups : Out stream of ``placed_group`` with an event per bank at most
    """

    def __init__(self, geometry: ConvEvents):
        require_instance(ConvEvents, geometry=geometry)
        self._geometry = geometry
        super().__init__({
            "words": In(stream.Signature(placed_word(geometry.source))),
            "groups": Out(stream.Signature(placed_group(geometry, 1, geometry.banks))),
        })

    def elaborate(self, platform):
        m = Module()
        geometry, word, group = self._geometry, self.words.payload, self.groups.payload

        # The word in work: each bank's spikes not yet sent, lowest slot first.
        pending = [Signal(len(range(bank, geometry.source_width, geometry.banks)),
                          name=f"pending_{bank}") for bank in range(geometry.banks)]
        place = Signal.like(word.place)
        fold = Signal.like(word.fold)
        last = Signal()
        busy = Signal()
        lowest = [take_lowest(m, f"bank_{bank}", spikes) for bank, spikes in enumerate(pending)]
        finished = Signal()
        send = Signal()
        m.d.comb += [
            finished.eq(~Cat(more for _, _, more in lowest).any()),
            send.eq(~self.groups.valid | self.groups.ready),
            self.words.ready.eq(~busy | (send & finished)),
        ]
        with m.If(send):
            m.d.sync += [
                self.groups.valid.eq(busy),
                group.place.eq(place),
                group.charge.eq(Cat(pending).any()),
                group.mark.eq(last & finished),
            ]
        for bank, (spikes, (slot, rest, _)) in enumerate(zip(pending, lowest, strict=True)):
            number = Signal(geometry.slot_bits, name=f"slot_{bank}")  # a bank may have fewer slots
            m.d.comb += number.eq(slot)
            with m.If(send):
                m.d.sync += [
                    group.rows[bank].eq(Cat(number, fold)),
                    group.values[bank].eq(spikes.any()),
                    spikes.eq(rest),
                ]
        with m.If(self.words.ready):
            m.d.sync += [busy.eq(self.words.valid), place.eq(word.place), fold.eq(word.fold),
                         last.eq(word.last)]
            m.d.sync += [spikes.eq(word.spikes[bank::geometry.banks])
                         for bank, spikes in enumerate(pending)]
        return m
