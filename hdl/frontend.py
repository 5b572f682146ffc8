"""The network's input port: beats of event slots to one stream of events per lane."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import index_width, lane_event
from bsnn_hw.ir.schedule import LayerGeometry

__all__ = ["Frontend", "slot_layout"]


def slot_layout(geometry: LayerGeometry, max_value: int) -> data.StructLayout:
    """One lane's slot of a beat: ``value`` in the low bits, ``row`` in the rest of whole bytes."""
    value_width = max_value.bit_length()
    row_width = index_width(geometry.rows)
    slot_width = -(-(value_width + row_width) // 8) * 8
    return data.StructLayout({"value": value_width, "row": slot_width - value_width})


class Frontend(wiring.Component):
    """Takes a packet of beats per inference and gives each lane its events and marks.

    Slot ``e`` of a beat carries an event of lane ``e``: input ``row * lanes + e``.  A slot with
    value 0, or with a row beyond the layer, is no event.  The packet always makes one inference,
    whatever is in it: timesteps that it leaves out are silent, and beats after the mark of the
    last timestep are dropped up to the end of the packet.

    Parameters
    ----------
    geometry : LayerGeometry, of the first layer
    max_value : int, largest value of an event
    timesteps : int
        Marks per inference; 1 for a direct-coded sample.
    depth : int, entries of each lane's queue

    Members
    -------
    beats : In stream of {slots, mark, last}; ``mark`` ends a timestep, ``last`` the packet
    heads : Out, one stream of ``lane_event`` per lane
    """

    def __init__(self, geometry: LayerGeometry, *, max_value: int, timesteps: int, depth: int):
        require_positive(max_value=max_value, timesteps=timesteps, depth=depth)
        require_instance(LayerGeometry, geometry=geometry)
        self._geometry = geometry
        self._max_value = max_value
        self._timesteps = timesteps
        self._depth = depth
        slots = data.ArrayLayout(slot_layout(geometry, max_value), geometry.lanes)
        beat = {"slots": slots, "last": 1} | ({"mark": 1} if timesteps > 1 else {})
        head = lane_event(address_width=index_width(geometry.depth),
                          value_width=max_value.bit_length())
        super().__init__({
            "beats": In(stream.Signature(data.StructLayout(beat))),
            "heads": Out(stream.Signature(head)).array(geometry.lanes),
        })

    def elaborate(self, platform):
        m = Module()
        room = Signal(self._geometry.lanes)
        push, mark, surplus = self._frame(m, room.all())
        for lane, slot in enumerate(self.beats.payload.slots):
            event = Signal(name=f"event_{lane}")
            m.d.comb += event.eq(~surplus & (slot.value != 0) & (slot.row < self._geometry.rows))
            queue = self._lane(m, lane, slot, event, mark)
            m.d.comb += [queue.w_en.eq(push & (event | mark)), room[lane].eq(queue.w_rdy)]
        return m

    def _frame(self, m, room):
        """When lanes take an entry, whether it carries a mark, and whether its events count."""
        beat = self.beats
        # The first cycle out of reset is not ready, so that no beat is taken during reset.
        awake = Signal()
        m.d.sync += awake.eq(1)
        if self._timesteps == 1:
            m.d.comb += beat.ready.eq(room & awake)
            return beat.valid & beat.ready, beat.payload.last, 0

        timestep = Signal(range(self._timesteps))
        surplus = Signal()  # the last timestep is over, the packet is not
        filling = Signal()  # the packet is over, the last timestep is not
        push = Signal()
        mark = Signal()
        m.d.comb += [
            beat.ready.eq(room & awake & ~filling),
            push.eq(filling & room | beat.valid & beat.ready),
            mark.eq(filling | (beat.payload.mark | beat.payload.last) & ~surplus),
        ]
        last_timestep = timestep == self._timesteps - 1
        with m.If(push & mark):
            m.d.sync += timestep.eq(Mux(last_timestep, 0, timestep + 1))
            with m.If(filling | beat.payload.last):
                m.d.sync += filling.eq(~last_timestep)
            with m.Elif(last_timestep):
                m.d.sync += surplus.eq(1)
        with m.Elif(push & beat.payload.last):
            m.d.sync += surplus.eq(0)
        return push, mark, surplus | filling

    def _lane(self, m, lane, slot, event, mark):
        """Queue a lane's entries, and give each its weight address on the way out."""
        row_width = index_width(self._geometry.rows)
        entry = data.StructLayout({"value": len(slot.value), "row": row_width,
                                   "event": 1, "mark": 1})
        queue = fifo.SyncFIFOBuffered(width=entry.size, depth=self._depth)
        m.submodules[f"queue_{lane}"] = queue
        pushed = Signal(entry, name=f"pushed_{lane}")
        popped = Signal(entry, name=f"popped_{lane}")
        head = self.heads[lane]
        m.d.comb += [
            pushed.value.eq(slot.value),
            pushed.row.eq(slot.row),
            pushed.event.eq(event),
            pushed.mark.eq(mark),
            queue.w_data.eq(pushed),
            popped.eq(queue.r_data),
            queue.r_en.eq(~head.valid | head.ready),
        ]
        with m.If(queue.r_en):
            m.d.sync += [
                head.valid.eq(queue.r_rdy),
                head.payload.address.eq(popped.row * self._geometry.folds),
                head.payload.value.eq(popped.value),
                head.payload.event.eq(popped.event),
                head.payload.mark.eq(popped.mark),
            ]
        return queue
