"""Between two layers: spike words in, one stream of address-events per lane out."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.encoder import SpikeEncoder
from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import index_width, lane_event, spike_word
from bsnn_hw.ir.schedule import LayerGeometry

__all__ = ["SpikeLink"]


class SpikeLink(wiring.Component):
    """Queues each lane's share of the spike words and encodes it; silent shares are not queued.

    Parameters
    ----------
    geometry : LayerGeometry
        Of the layer that receives.
    depth : int, entries of each lane's queue
    margin : int
        Words that may still arrive once a queue has come to its limit: the one in the cycle
        before ``room`` goes low, and all after it.  Less than ``depth``.

    Members
    -------
    words, words_valid : In, ``spike_word``
    room : Out, from the cycle before on, more than ``margin`` words could be taken
    heads : Out, one stream of ``lane_event`` per lane
    """

    def __init__(self, geometry: LayerGeometry, *, depth: int, margin: int):
        require_positive(depth=depth, margin=margin)
        # The queue's output register takes a cycle to fill, so two entries are not yet a queue.
        if depth < max(3, margin + 1):
            raise ValueError(f"depth must be {max(3, margin + 1)} or more for a margin of "
                             f"{margin}, not {depth}")
        require_instance(LayerGeometry, geometry=geometry)
        self._geometry = geometry
        self._depth = depth
        self._margin = margin
        head = lane_event(address_width=index_width(geometry.depth), value_width=1)
        super().__init__({
            "words": In(spike_word(parallel=geometry.source_width, folds=geometry.words)),
            "words_valid": In(1),
            "room": Out(1, init=1),
            "heads": Out(stream.Signature(head)).array(geometry.lanes),
        })

    def elaborate(self, platform):
        m = Module()
        levels_low = Signal(self._geometry.lanes)
        for lane in range(self._geometry.lanes):
            queue = self._lane(m, lane)
            m.d.comb += levels_low[lane].eq(queue.level < self._depth - self._margin)
        m.d.sync += self.room.eq(levels_low.all())
        return m

    def _lane(self, m, lane):
        geometry = self._geometry
        bits = range(lane, geometry.source_width, geometry.lanes)
        entry = data.StructLayout({"spikes": len(bits), "fold": index_width(geometry.words),
                                   "last": 1})
        queue = fifo.SyncFIFOBuffered(width=entry.size, depth=self._depth)
        encoder = SpikeEncoder(slots=len(bits), slot_count=geometry.slots, words=geometry.words,
                               stride=geometry.folds,
                               address_width=index_width(geometry.depth))
        m.submodules[f"queue_{lane}"] = queue
        m.submodules[f"encoder_{lane}"] = encoder

        share = Signal(entry, name=f"share_{lane}")
        for slot, bit in enumerate(bits):
            m.d.comb += share.spikes[slot].eq(self.words.spikes[bit])
        m.d.comb += [
            share.fold.eq(self.words.fold),
            share.last.eq(self.words.last),
            queue.w_data.eq(share),
            queue.w_en.eq(self.words_valid & (share.spikes.any() | share.last)),
            encoder.words.payload.eq(queue.r_data),
            encoder.words.valid.eq(queue.r_rdy),
            queue.r_en.eq(encoder.words.ready),
        ]
        connect(m, encoder.events, wiring.flipped(self.heads[lane]))
        return queue
