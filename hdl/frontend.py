"""The network's input port: beats of event slots to groups of events."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.hdl.buffer import RegisterPair
from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.engines.registry import hardware

__all__ = ["Frontend", "slot_layout"]


def slot_layout(geometry: Geometry, max_value: int) -> data.StructLayout:
    """One slot of a beat: ``value`` in the low bits, ``row`` in the rest of whole bytes.

    A slot is a lane's, or holds a word of all lanes' spikes.
    """
    value_width = geometry.value_bits(max_value.bit_length())
    slot_width = -(-(value_width + geometry.address_bits) // 8) * 8
    return data.StructLayout({"value": value_width, "row": slot_width - value_width})


class Frontend(wiring.Component):
    """Takes a packet of beats per inference and makes a group of each beat.

    Slot ``e`` of a beat carries an event of lane ``e``: input ``row * lanes + e``, or in front of a
    convolution channel ``channel * lanes + e`` of the pixel at ``place``, with
    ``row = {place.y, place.x, channel}``; all slots of a beat are at slot 0's place.  In front of
    a layer that takes words a beat has one slot, and bit ``e`` of its value is that event.  A slot
    with value 0, or with a row beyond the layer, is no event.  The packet always makes one
    inference, whatever is in it: timesteps that it leaves out are silent, and beats after the mark
    of the last timestep are dropped up to the end of the packet.

    Parameters
    ----------
    geometry : DenseEvents, ConvEvents or DenseWords, of the first layer
    max_value : int, largest value of an event
    timesteps : int
        Marks per inference; 1 for a direct-coded sample.
    depth : int, groups that can wait; with 2 of them one passes every other cycle

    Members
    -------
    beats : In stream of {slots, mark, last}; ``mark`` ends a timestep, ``last`` the packet
    groups : Out stream of ``event_group``, or of ``placed_group`` in front of a convolution
    """

    def __init__(self, geometry: Geometry, *, max_value: int, timesteps: int, depth: int):
        require_positive(max_value=max_value, timesteps=timesteps, depth=depth)
        require_instance(Geometry, geometry=geometry)
        self._geometry = geometry
        self._max_value = max_value
        self._timesteps = timesteps
        self._depth = depth
        if geometry.binary and max_value != 1:
            raise ValueError(f"max_value must be 1 with words of spikes, not {max_value}")
        slots = data.ArrayLayout(slot_layout(geometry, max_value), geometry.slots)
        beat = {"slots": slots, "last": 1} | ({"mark": 1} if timesteps > 1 else {})
        self._group = hardware(geometry).entry_group(geometry, max_value.bit_length())
        super().__init__({
            "beats": In(stream.Signature(data.StructLayout(beat))),
            "groups": Out(stream.Signature(self._group)),
        })

    def elaborate(self, platform):
        m = Module()
        queued = self._queue(m)
        push, mark, surplus = self._frame(m, queued.ready)

        pushed = queued.payload
        geometry, slots = self._geometry, self.beats.payload.slots
        engine = hardware(geometry)
        present = Signal(geometry.lanes)
        for lane in range(geometry.lanes):
            number = lane if geometry.row_count > 1 else 0
            _, value = engine.slot(geometry, slots, lane)
            row, exists = engine.entry_row(m, geometry, lane, slots, pushed)
            m.d.comb += [
                present[lane].eq(~surplus & (value != 0) & exists),
                pushed.rows[number].eq(row),
                pushed.values[lane].eq(value & present[lane].replicate(len(value))),
            ]
        m.d.comb += [
            pushed.charge.eq(present.any()),
            pushed.mark.eq(mark),
            queued.valid.eq(push & (pushed.charge | mark)),
        ]
        return m

    def _queue(self, m):
        """The stream that the queue in front of ``groups`` takes."""
        if self._depth == 2:
            m.submodules.queue = pair = RegisterPair(self._group)
            wiring.connect(m, pair.words, wiring.flipped(self.groups))
            return pair.source
        queued = stream.Signature(self._group).create()
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self._group.size,
                                                           depth=self._depth)
        m.d.comb += [
            queue.w_data.eq(queued.payload),
            queue.w_en.eq(queued.valid),
            queued.ready.eq(queue.w_rdy),
            self.groups.payload.eq(queue.r_data),
            self.groups.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.groups.ready),
        ]
        return queued

    def _frame(self, m, room):
        """When a group is queued, whether it carries a mark, and whether events are surplus."""
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
