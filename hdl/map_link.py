"""Between a map and a convolution: placed words in, groups of events with their reach out."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.hdl.buffer import StreamBuffer
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.collector import EventCollector
from bsnn_hw.hdl.formats import place_layout
from bsnn_hw.hdl.map_encoder import MapEncoder
from bsnn_hw.hdl.pooling import placed_word
from bsnn_hw.hdl.queue import WordQueue, require_depth
from bsnn_hw.hdl.reach import ReachLookup

__all__ = ["MapLink"]


class MapLink(wiring.Component):
    """Queues the words that have spikes, encodes them, and looks up what their place reaches.

    Lanes with a bank of their own get what a word has for them.  For shared lanes, which take any
    event, those of all words of a position are dealt out in turn.

    Parameters
    ----------
    geometry : ConvEvents, of the layer that receives
    depth, margin : int, as in `SpikeLink`
    lookup : ReachLookup, or one derived from it
    pipelined : bool, a further register stands behind the queue's

    Members
    -------
    words, words_valid : In, ``placed_word``
    room : Out, from the cycle before on, more than ``margin`` words could be taken
    groups : Out stream of ``event_group`` with ``reach``
    """

    def __init__(self, geometry: ConvEvents, *, depth: int, margin: int,
                 lookup: ReachLookup | None = None, pipelined: bool = False):
        require_instance(ConvEvents, geometry=geometry)
        require_depth(depth, margin)
        self._geometry = geometry
        self._lookup = lookup = lookup or ReachLookup(geometry, value_width=1)
        self._depth = depth
        self._margin = margin
        self._pipelined = pipelined
        super().__init__({
            "words": In(placed_word(geometry.source)),
            "words_valid": In(1),
            "room": Out(1, init=1),
            "groups": Out(stream.Signature(lookup.groups.payload.shape())),
        })

    def elaborate(self, platform):
        m = Module()
        # All of a placed word but its row, which no encoder needs.
        fields = {name: field.shape for name, field in placed_word(self._geometry.source)
                  if name != "row"}
        layout = data.StructLayout(fields)
        m.submodules.queue = queue = WordQueue(layout, depth=self._depth, margin=self._margin,
                                               pipelined=self._pipelined)
        m.submodules.encoder = encoder = MapEncoder(self._geometry)
        m.submodules.lookup = lookup = self._lookup
        m.d.comb += [
            *(queue.word[name].eq(self.words[name]) for name in fields),
            queue.write.eq(self.words_valid & (self.words.spikes.any() | self.words.last)),
        ]
        m.d.sync += self.room.eq(queue.room)
        # A word is as wide as the layer before is parallel, and its encoder's `ready` comes late.
        m.submodules.buffer = buffer = StreamBuffer(layout)
        connect(m, queue.words, buffer.source)
        self._encode(m, buffer.words, encoder.words, fields)
        if self._geometry.shared:
            self._collect(m, encoder.groups, lookup.placed)
        else:
            connect(m, encoder.groups, lookup.placed)
        connect(m, lookup.groups, wiring.flipped(self.groups))
        return m

    def _encode(self, m, queued, words, fields):
        m.d.comb += [
            *(words.payload[name].eq(queued.payload[name]) for name in fields),
            words.valid.eq(queued.valid),
            queued.ready.eq(words.ready),
        ]

    def _collect(self, m, events, groups):
        """Single events of ``events`` to ``groups``."""
        geometry = self._geometry
        m.submodules.collector = collector = EventCollector(
            lanes=geometry.lanes, row_width=max(1, geometry.row_bits),
            place=place_layout(geometry.source.shape))
        event, taken = events.payload, collector.events
        m.d.comb += [
            taken.payload.row.eq(event.rows[0]),
            taken.payload.event.eq(event.charge),
            taken.payload.mark.eq(event.mark),
            taken.payload.place.eq(event.place),
            taken.valid.eq(events.valid),
            events.ready.eq(taken.ready),
        ]
        connect(m, collector.groups, groups)
