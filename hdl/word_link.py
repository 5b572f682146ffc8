"""Between two layers: rows of spikes in, words of spikes out."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.buffer import StreamBuffer
from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import event_group, index_width, spike_word
from bsnn_hw.hdl.queue import WordQueue, require_depth
from bsnn_hw.hdl.row_gather import RowGather
from bsnn_hw.hdl.row_parts import RowParts

__all__ = ["WordLink"]


class WordLink(wiring.Component):
    """Gathers rows or cuts them, and queues what has spikes; silent words take no cycle.

    Parameters
    ----------
    geometry : DenseWords, of the layer that receives
    depth : int, entries of the queue: words, or rows that are cut behind it
    margin : int, rows that may still arrive once the queue has come to its limit, see `SpikeLink`;
        the words that they make are fewer than ``depth``
    pipelined : bool, registers stand behind the queue, so that its ``ready`` comes out of one

    Members
    -------
    words, words_valid : In, ``spike_word``
    room : Out, from the cycle before on, more than ``margin`` rows could be taken
    groups : Out stream of ``event_group``, with one row
    """

    def __init__(self, geometry: DenseWords, *, depth: int, margin: int,
                 pipelined: bool = False):
        require_positive(margin=margin)
        require_instance(DenseWords, geometry=geometry)
        self._margin = geometry.arrivals(margin)
        require_depth(depth, self._margin)
        self._geometry = geometry
        self._depth = depth
        self._pipelined = pipelined
        group = event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                            value_width=1, row_count=1)
        super().__init__({
            "words": In(spike_word(parallel=geometry.source_width, rows=geometry.source.rows)),
            "words_valid": In(1),
            "room": Out(1, init=1),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        geometry = self._geometry
        words, valid = self.words, self.words_valid
        if geometry.gathered > 1:
            m.submodules.gather = gather = RowGather(
                width=geometry.source_width, rows=geometry.source.rows, gathered=geometry.gathered,
                words=geometry.rows)
            m.d.comb += [gather.rows.eq(self.words), gather.rows_valid.eq(self.words_valid)]
            words, valid = gather.words, gather.words_valid

        charge = words.spikes.any()
        entry = data.StructLayout({"spikes": len(words.spikes), "row": len(words.row), "last": 1}
                                  | ({"charge": 1} if self._geometry.parts == 1 else {}))
        m.submodules.queue = queue = WordQueue(entry, depth=self._depth, margin=self._margin,
                                               pipelined=self._pipelined)
        m.d.comb += [
            queue.word.spikes.eq(words.spikes),
            queue.word.row.eq(words.row),
            queue.word.last.eq(words.last),
            queue.write.eq(valid & (charge | words.last)),
        ]
        m.d.sync += self.room.eq(queue.room)
        queued = queue.words
        if self._pipelined:
            m.submodules.buffer = buffer = StreamBuffer(entry)
            connect(m, queued, buffer.source)
            queued = buffer.words
        if self._geometry.parts > 1:
            m.submodules.parts = parts = RowParts(self._geometry)
            connect(m, queued, parts.rows)
            connect(m, parts.groups, wiring.flipped(self.groups))
            return m

        # In the queue too, so that nothing is between its register and the sequencer.
        m.d.comb += queue.word.charge.eq(charge)
        word, group = queued.payload, self.groups.payload
        m.d.comb += [
            group.rows[0].eq(word.row),
            group.values.eq(word.spikes),
            group.charge.eq(word.charge),
            group.mark.eq(word.last),
            self.groups.valid.eq(queued.valid),
            queued.ready.eq(self.groups.ready),
        ]
        return m
