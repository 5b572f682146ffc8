"""A whole network between two AXI4-Streams; the reference is reference/network.py."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.formats import index_width
from bsnn_hw.hdl.frontend import Frontend, slot_layout
from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.hdl.link import SpikeLink
from bsnn_hw.hdl.readout import ReadoutLayer
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.ir.schedule import Schedule, geometries

__all__ = ["NetworkTop", "PortLayout"]


@dataclass(frozen=True)
class PortLayout:
    """Bit positions of the two AXI4-Streams; all widths in bits.

    A ``s_axis_tdata`` slot holds the value in its low ``value_width`` bits and the row above.
    ``m_axis_tdata`` is the score, sign-extended to whole bytes.
    """

    slots: int
    slot_width: int
    value_width: int
    has_mark: bool
    score_width: int
    class_width: int

    @property
    def input_width(self) -> int:
        """Bits of ``s_axis_tdata``."""
        return self.slots * self.slot_width

    @property
    def output_width(self) -> int:
        """Bits of ``m_axis_tdata``."""
        return -(-self.score_width // 8) * 8


class NetworkTop(wiring.Component):
    """The pipeline of all layers.

    Parameters
    ----------
    network : Network
    schedule : Schedule
        Legal for the network; ``planning.schedule`` checks.

    Members
    -------
    s_axis_* : AXI4-Stream input, a packet per inference
    m_axis_* : AXI4-Stream output, a packet of one beat per class and inference
    """

    def __init__(self, network: Network, schedule: Schedule):
        self._network = network
        self._schedule = schedule
        hidden = network.hidden
        neurons = (*(layer.synapse.neurons for layer in hidden), network.readout.synapse.neurons)
        self.geometries = geometries(network.input.size, neurons, schedule)
        self._bounds = network_bounds(network)
        self._direct = network.input.coding is Coding.DIRECT
        self._marks = 1 if self._direct else network.timesteps
        slot = slot_layout(self.geometries[0], network.input.max_value)
        self.ports = PortLayout(
            slots=schedule.layers[0].lanes, slot_width=slot.size,
            value_width=network.input.max_value.bit_length(), has_mark=self._marks > 1,
            score_width=self._bounds[1].score.width, class_width=index_width(neurons[-1]))
        members = {
            "s_axis_tdata": In(self.ports.input_width),
            "s_axis_tvalid": In(1),
            "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "m_axis_tdata": Out(self.ports.output_width),
            "m_axis_tvalid": Out(1),
            "m_axis_tready": In(1),
            "m_axis_tlast": Out(1),
            "m_axis_tuser": Out(self.ports.class_width),
        }
        if self.ports.has_mark:
            members["s_axis_tuser"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        network, depth = self._network, self._schedule.queue_depth
        m.submodules.frontend = frontend = Frontend(
            self.geometries[0], max_value=network.input.max_value, timesteps=self._marks,
            depth=depth)

        upstream, max_value, direct = frontend, network.input.max_value, self._direct
        for index, layer in enumerate(network.hidden):
            block = HiddenLayer(layer, self.geometries[index], max_value=max_value, direct=direct)
            link = SpikeLink(self.geometries[index + 1], margin=block.margin, depth=depth)
            m.submodules[f"layer_{layer.name}"] = block
            m.submodules[f"link_{layer.name}"] = link
            connect_lanes(m, upstream, block)
            m.d.comb += [
                link.words.eq(block.words),
                link.words_valid.eq(block.words_valid),
                block.room.eq(link.room),
            ]
            upstream, max_value, direct = link, 1, False

        m.submodules[f"layer_{network.readout.name}"] = readout = ReadoutLayer(
            network.readout, self._bounds[1], self.geometries[-1], timesteps=network.timesteps,
            max_value=max_value)
        connect_lanes(m, upstream, readout)
        self._ports(m, frontend, readout)
        return m

    def _ports(self, m, frontend, readout):
        beat = frontend.beats
        m.d.comb += [
            beat.payload.slots.eq(self.s_axis_tdata),
            beat.payload.last.eq(self.s_axis_tlast),
            beat.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(beat.ready),
            self.m_axis_tdata.eq(readout.beats.payload.score),
            self.m_axis_tuser.eq(readout.beats.payload.leader),
            self.m_axis_tlast.eq(readout.beats.payload.last),
            self.m_axis_tvalid.eq(readout.beats.valid),
            readout.beats.ready.eq(self.m_axis_tready),
        ]
        if self.ports.has_mark:
            m.d.comb += beat.payload.mark.eq(self.s_axis_tuser)


def connect_lanes(m: Module, source, sink):
    """Connect two blocks' ``heads``, lane by lane."""
    for giver, taker in zip(source.heads, sink.heads, strict=True):
        connect(m, giver, taker)
