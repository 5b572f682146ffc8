"""The network's input port: beats of event slots to groups of events."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import event_group, index_width
from bsnn_hw.hdl.map_encoder import placed_group
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.schedule import Geometry
from bsnn_hw.ir.words import WordGeometry

__all__ = ["Frontend", "slot_layout"]


def slot_layout(geometry: Geometry, max_value: int) -> data.StructLayout:
    """One slot of a beat: ``value`` in the low bits, ``row`` in the rest of whole bytes.

    A slot is a lane's, or holds a word of all lanes' spikes.
    """
    words = isinstance(geometry, WordGeometry)
    value_width = geometry.lanes if words else max_value.bit_length()
    slot_width = -(-(value_width + geometry.address_bits) // 8) * 8
    return data.StructLayout({"value": value_width, "row": slot_width - value_width})


def below(number, limit: int):
    """``number < limit`` without comparing more bits than it takes."""
    width = (limit - 1).bit_length()
    low = 1 if limit == 1 << width else number[:width] < limit
    return ~number[width:].any() & low


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
    geometry : LayerGeometry, ConvGeometry or WordGeometry, of the first layer
    max_value : int, largest value of an event
    timesteps : int
        Marks per inference; 1 for a direct-coded sample.
    depth : int, groups that can wait

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
        self._words = words = isinstance(geometry, WordGeometry)
        if words and max_value != 1:
            raise ValueError(f"max_value must be 1 with words of spikes, not {max_value}")
        slots = data.ArrayLayout(slot_layout(geometry, max_value), 1 if words else geometry.lanes)
        beat = {"slots": slots, "last": 1} | ({"mark": 1} if timesteps > 1 else {})
        value_width = max_value.bit_length()
        self._group = (placed_group(geometry, value_width) if isinstance(geometry, ConvGeometry)
                       else event_group(lanes=geometry.lanes, value_width=value_width,
                                        row_width=index_width(geometry.rows),
                                        row_count=1 if words else None))
        super().__init__({
            "beats": In(stream.Signature(data.StructLayout(beat))),
            "groups": Out(stream.Signature(self._group)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self._group.size,
                                                           depth=self._depth)
        push, mark, surplus = self._frame(m, queue.w_rdy)

        pushed = Signal(self._group)
        present = Signal(self._geometry.lanes)
        for lane in range(self._geometry.lanes):
            number = 0 if self._words else lane
            slot = self.beats.payload.slots[number]
            value = slot.value[lane] if self._words else slot.value
            row, exists = self._row(m, lane, slot, pushed)
            m.d.comb += [
                present[lane].eq(~surplus & (value != 0) & exists),
                pushed.rows[number].eq(row),
                pushed.values[lane].eq(value & present[lane].replicate(len(value))),
            ]
        m.d.comb += [
            pushed.charge.eq(present.any()),
            pushed.mark.eq(mark),
            queue.w_data.eq(pushed),
            queue.w_en.eq(push & (pushed.charge | mark)),
            self.groups.payload.eq(queue.r_data),
            self.groups.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.groups.ready),
        ]
        return m

    def _row(self, m, lane, slot, pushed):
        """A slot's row in its lane's bank, and whether there is such an input."""
        geometry = self._geometry
        # The last row is not full where the lanes do not divide inputs or channels evenly.
        if not isinstance(geometry, ConvGeometry):
            return slot.row, below(slot.row, len(range(lane, geometry.inputs, geometry.lanes)))
        shape, (_, x_bits) = geometry.source.shape, geometry.place_bits
        row = slot.row[:geometry.row_bits]
        place = self.beats.payload.slots[0].row[geometry.row_bits:]
        x, y = place[:x_bits], place[x_bits:]
        if lane == 0:
            m.d.comb += [pushed.place.x.eq(x), pushed.place.y.eq(y)]
        channels = len(range(lane, shape.channels, geometry.lanes))
        return row, below(row, channels) & below(x, shape.width) & below(y, shape.height)

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
