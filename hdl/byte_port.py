"""Ports of one byte each way, for parts with few pins; the reference is ports/bytes.py."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.engines.registry import hardware
from bsnn_hw.hdl.frontend import slot_layout
from bsnn_hw.hdl.network import NetworkTop
from bsnn_hw.hdl.readout import score_beat
from bsnn_hw.layout.build import Layout
from bsnn_hw.ports.bytes import ByteCounts, byte_counts

__all__ = ["ByteTop", "SampleReader", "ScoreWriter", "byte_layout"]


def byte_layout() -> data.StructLayout:
    """A byte of a packet, and whether it is the last."""
    return data.StructLayout({"byte": 8, "last": 1})


class SampleReader(wiring.Component):
    """Values of a sample, one a byte, to the beats that a Frontend takes; a byte a cycle.

    The values come in the order of ``ports.bytes.sample_bytes``.  A packet that ends early leaves
    the rest silent; what comes after the last value is dropped up to the end of the packet.  Values
    of 0 alone make no beat, unless a timestep or the packet ends with them.

    Parameters
    ----------
    geometry : DenseEvents or ConvEvents, of the first layer
    port : ByteCounts
    max_value : int, largest value of an event; higher bits of a byte are ignored
    slots : int, of a beat: one per lane, or one whose value holds a bit for each lane

    Members
    -------
    bytes : In stream of ``byte_layout``
    beats : Out stream of {slots, last} and, with several timesteps, mark
    """

    def __init__(self, geometry: Geometry, port: ByteCounts, *, max_value: int, slots: int):
        require_instance(Geometry, geometry=geometry)
        require_instance(ByteCounts, port=port)
        require_positive(max_value=max_value)
        if slots not in (1, geometry.lanes):
            raise ValueError(f"slots must be 1 or {geometry.lanes}, not {slots!r}")
        self._geometry = geometry
        self._port = port
        self._value_width = max_value.bit_length()
        layout = data.ArrayLayout(slot_layout(geometry, max_value), slots)
        beat = {"slots": layout, "last": 1} | ({"mark": 1} if port.timesteps > 1 else {})
        super().__init__({
            "bytes": In(stream.Signature(byte_layout())),
            "beats": Out(stream.Signature(data.StructLayout(beat))),
        })

    def elaborate(self, platform):
        m = Module()
        beats, lanes = self.beats, self._geometry.lanes
        # The first cycle out of reset is not ready, so that no byte is taken during reset.
        awake = Signal()
        take = Signal()
        m.d.sync += awake.eq(1)
        m.d.comb += [
            self.bytes.ready.eq(awake & (~beats.valid | beats.ready)),
            take.eq(self.bytes.valid & self.bytes.ready),
        ]
        last = self.bytes.payload.last
        lane = Signal(range(lanes))
        row, channels_end, step_ends = self._count(m, take, lane, last)
        over = Signal()  # all values are there, the packet goes on
        gathered = Signal(data.ArrayLayout(self._value_width, lanes))
        values = [Mux(lane == number, self.bytes.payload.byte[:self._value_width] &
                      (~over).replicate(self._value_width), gathered[number])
                  for number in range(lanes)]
        complete = Signal()
        marked = step_ends if self._port.timesteps > 1 else 0
        # A beat that says nothing would hold up bytes where the frontend has no room.
        says = Cat(values).any() | marked | last
        m.d.comb += complete.eq((lane == lanes - 1) | channels_end | last)

        with m.If(beats.ready):
            m.d.sync += beats.valid.eq(0)
        with m.If(take):
            m.d.sync += [kept.eq(Mux(complete, 0, value))
                         for kept, value in zip(gathered, values, strict=True)]
            m.d.sync += lane.eq(Mux(complete, 0, lane + 1))
            if self._port.timesteps == 1:
                m.d.sync += over.eq((over | step_ends) & ~last)
        with m.If(take & complete):
            m.d.sync += [beats.valid.eq(says), beats.payload.last.eq(last)]
            m.d.sync += [slot.row.eq(row) for slot in beats.payload.slots]
            if len(beats.payload.slots) == lanes:
                m.d.sync += [slot.value.eq(value) for slot, value
                             in zip(beats.payload.slots, values, strict=True)]
            else:
                m.d.sync += beats.payload.slots[0].value.eq(Cat(values))
            if self._port.timesteps > 1:
                m.d.sync += beats.payload.mark.eq(step_ends)
        return m

    def _count(self, m, take, lane, last):
        """The coming value's row, and whether it ends a position's channels and a timestep."""
        geometry, engine = self._geometry, hardware(self._geometry)
        _, channels = geometry.values_shape
        rest = (channels - 1) % geometry.lanes  # lane of the last channel
        rows = -(-channels // geometry.lanes)
        row = engine.value_row(geometry)
        channels_end = Signal()
        m.d.comb += channels_end.eq((row == rows - 1) & (lane == rest))
        fields, ends = [row], channels_end
        with m.If(take & (lane == geometry.lanes - 1)):
            m.d.sync += row.eq(row + 1)
        with m.If(take & channels_end):
            m.d.sync += row.eq(0)
        for place, count in engine.value_place(geometry):
            with m.If(take & ends):
                m.d.sync += place.eq(Mux(place == count - 1, 0, place + 1))
            with m.If(take & last):
                m.d.sync += place.eq(0)
            fields.append(place)
            ends = ends & (place == count - 1)
        with m.If(take & last):
            m.d.sync += row.eq(0)
        return Cat(fields), channels_end, ends


class ScoreWriter(wiring.Component):
    """Scores to bytes, low end first, and behind the last of them the class with the largest.

    Parameters
    ----------
    port : ByteCounts
    score_width : int, bits of a score

    Members
    -------
    beats : In stream of ``score_beat``
    bytes : Out stream of ``byte_layout``
    """

    def __init__(self, port: ByteCounts, *, score_width: int):
        require_instance(ByteCounts, port=port)
        require_positive(score_width=score_width)
        self._port = port
        super().__init__({
            "beats": In(stream.Signature(score_beat(score_width=score_width,
                                                    classes=port.classes))),
            "bytes": Out(stream.Signature(byte_layout())),
        })

    def elaborate(self, platform):
        m = Module()
        port, beat = self._port, self.beats.payload
        score = Signal(8 * port.score)
        waiting = Signal(8 * (port.score + port.answer))
        left = Signal(range(port.score + port.answer + 1))
        ends = Signal()
        m.d.comb += [
            score.eq(beat.score),
            self.beats.ready.eq(left == 0),
            self.bytes.valid.eq(left != 0),
            self.bytes.payload.byte.eq(waiting[:8]),
            self.bytes.payload.last.eq(ends & (left == 1)),
        ]
        with m.If(self.beats.valid & self.beats.ready):
            m.d.sync += [
                waiting.eq(Cat(score, beat.leader)),
                left.eq(Mux(beat.last, port.score + port.answer, port.score)),
                ends.eq(beat.last),
            ]
        with m.Elif(self.bytes.valid & self.bytes.ready):
            m.d.sync += [waiting.eq(waiting >> 8), left.eq(left - 1)]
        return m


class ByteTop(wiring.Component):
    """The network between two byte-wide AXI4-Streams.

    Parameters
    ----------
    layout : Layout
    counted : bool, with ``activity``

    Members
    -------
    s_axis_* : input, a packet per inference
    m_axis_* : output, a packet per inference
    activity : Out, as of `NetworkTop`
    """

    def __init__(self, layout: Layout, *, counted: bool = False):
        require_instance(Layout, layout=layout)
        self._network = NetworkTop(layout, counted=counted)
        port, slots, entry = byte_counts(layout.network), layout.slots, layout.entry
        self._reader = SampleReader(entry.geometry, port, max_value=entry.max_value,
                                    slots=slots.slots)
        self._writer = ScoreWriter(port, score_width=slots.score_width)
        super().__init__({
            **{f"s_axis_{name}": In(width) for name, width in
               (("tdata", 8), ("tvalid", 1), ("tlast", 1))},
            "s_axis_tready": Out(1),
            **{f"m_axis_{name}": Out(width) for name, width in
               (("tdata", 8), ("tvalid", 1), ("tlast", 1))},
            "m_axis_tready": In(1),
            **({"activity": Out(self._network.activity.shape())} if counted else {}),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.network = network = self._network
        m.submodules.reader = reader = self._reader
        m.submodules.writer = writer = self._writer
        given, taken = reader.beats, writer.beats
        m.d.comb += [
            reader.bytes.payload.byte.eq(self.s_axis_tdata),
            reader.bytes.payload.last.eq(self.s_axis_tlast),
            reader.bytes.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(reader.bytes.ready),

            network.s_axis_tdata.eq(given.payload.slots.as_value()),
            network.s_axis_tlast.eq(given.payload.last),
            network.s_axis_tvalid.eq(given.valid),
            given.ready.eq(network.s_axis_tready),

            taken.payload.score.eq(network.m_axis_tdata),
            taken.payload.leader.eq(network.m_axis_tuser),
            taken.payload.last.eq(network.m_axis_tlast),
            taken.valid.eq(network.m_axis_tvalid),
            network.m_axis_tready.eq(taken.ready),

            self.m_axis_tdata.eq(writer.bytes.payload.byte),
            self.m_axis_tlast.eq(writer.bytes.payload.last),
            self.m_axis_tvalid.eq(writer.bytes.valid),
            writer.bytes.ready.eq(self.m_axis_tready),
        ]
        if network.slots.ends_timesteps:
            m.d.comb += network.s_axis_tuser.eq(given.payload.mark)
        if "activity" in self.signature.members:
            m.d.comb += self.activity.eq(network.activity)
        return m
