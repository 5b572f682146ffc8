"""Between two layers: spike words in, groups of address-events out."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.buffer import StreamBuffer
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.collector import EventCollector
from bsnn_hw.hdl.encoder import SpikeEncoder
from bsnn_hw.hdl.formats import event_group, index_width, spike_word
from bsnn_hw.hdl.join import EventJoin
from bsnn_hw.hdl.queue import WordQueue, require_depth

__all__ = ["SpikeLink"]


WIDE = 16  # spikes of a word, beyond which the encoder's `ready` comes late


class SpikeLink(wiring.Component):
    """Queues each bank's share of the spike words and encodes it; silent shares are not queued.

    Lanes with a bank of their own have a queue each.  Shared lanes have one, and take turns.

    Parameters
    ----------
    geometry : DenseEvents
        Of the layer that receives.
    depth : int, entries of each queue
    margin : int
        Words that may still arrive once a queue has come to its limit: the one in the cycle
        before ``room`` goes low, and all after it.  Less than ``depth``.
    pipelined : bool, registers stand between queue and encoder, whatever the width

    Members
    -------
    words, words_valid : In, ``spike_word``
    room : Out, from the cycle before on, more than ``margin`` words could be taken
    groups : Out stream of ``event_group``
    """

    def __init__(self, geometry: DenseEvents, *, depth: int, margin: int,
                 pipelined: bool = False):
        require_depth(depth, margin)
        require_instance(DenseEvents, geometry=geometry)
        self._geometry = geometry
        self._depth = depth
        self._margin = margin
        self._pipelined = pipelined
        group = event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                            value_width=1)
        super().__init__({
            "words": In(spike_word(parallel=geometry.source_width, rows=geometry.words)),
            "words_valid": In(1),
            "room": Out(1, init=1),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        levels_low = Signal(self._geometry.banks)
        streams = []
        for bank in range(self._geometry.banks):
            queue, encoder = self._encode(m, bank)
            m.d.comb += levels_low[bank].eq(queue.room)
            streams.append(encoder.events)
        m.d.sync += self.room.eq(levels_low.all())

        lanes, row_width = self._geometry.lanes, index_width(self._geometry.rows)
        if self._geometry.shared:
            m.submodules.collector = grouper = EventCollector(lanes=lanes, row_width=row_width)
            connect(m, streams[0], grouper.events)
        else:
            m.submodules.join = grouper = EventJoin(lanes=lanes, row_width=row_width)
            for source, head in zip(streams, grouper.heads, strict=True):
                connect(m, source, head)
        connect(m, grouper.groups, wiring.flipped(self.groups))
        return m

    def _encode(self, m, bank):
        geometry = self._geometry
        bits = range(bank, geometry.source_width, geometry.banks)
        entry = data.StructLayout({"spikes": len(bits), "row": index_width(geometry.words),
                                   "last": 1})
        queue = WordQueue(entry, depth=self._depth, margin=self._margin,
                          pipelined=self._pipelined)
        encoder = SpikeEncoder(slots=len(bits), slot_bits=geometry.slot_bits,
                               words=geometry.words, pipelined=self._pipelined)
        m.submodules[f"queue_{bank}"] = queue
        m.submodules[f"encoder_{bank}"] = encoder

        share = queue.word
        for slot, bit in enumerate(bits):
            m.d.comb += share.spikes[slot].eq(self.words.spikes[bit])
        m.d.comb += [
            share.row.eq(self.words.row),
            share.last.eq(self.words.last),
            queue.write.eq(self.words_valid & (share.spikes.any() | share.last)),
        ]
        words = queue.words
        if len(bits) > WIDE or self._pipelined:
            m.submodules[f"buffer_{bank}"] = buffer = StreamBuffer(entry)
            connect(m, words, buffer.source)
            words = buffer.words
        connect(m, words, encoder.words)
        return queue, encoder
