"""A whole network between two AXI4-Streams; the reference is reference/network.py."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.frontend import Frontend
from bsnn_hw.hdl.layer import HiddenLayer
from bsnn_hw.hdl.link import SpikeLink
from bsnn_hw.hdl.readout import ReadoutLayer
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.ir.ports import port_layout
from bsnn_hw.ir.schedule import Schedule, network_geometries

__all__ = ["NetworkTop"]

INPUT_QUEUE_DEPTH = 17  # groups: what LUT memories of 16 hold, and one in the output register
# A queue between layers takes all words of an inference, so that a layer never waits for one
# that is slower now and then; beyond this many the memory costs more than the waiting.
MOST_QUEUED_WORDS = 512


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
        self.geometries = network_geometries(network, schedule)
        self._bounds = network_bounds(network)
        self._direct = network.input.coding is Coding.DIRECT
        self._marks = 1 if self._direct else network.timesteps
        self.ports = port_layout(network, schedule)
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
        network = self._network
        m.submodules.frontend = frontend = Frontend(
            self.geometries[0], max_value=network.input.max_value, timesteps=self._marks,
            depth=INPUT_QUEUE_DEPTH)

        upstream, max_value, direct = frontend, network.input.max_value, self._direct
        for index, layer in enumerate(network.hidden):
            block = HiddenLayer(layer, self.geometries[index], max_value=max_value, direct=direct)
            words = self.geometries[index + 1].words * network.timesteps
            link = SpikeLink(self.geometries[index + 1], margin=block.margin,
                             depth=queue_depth(min(words, MOST_QUEUED_WORDS) + block.margin))
            m.submodules[f"layer_{layer.name}"] = block
            m.submodules[f"link_{layer.name}"] = link
            connect(m, upstream.groups, block.groups)
            m.d.comb += [
                link.words.eq(block.words),
                link.words_valid.eq(block.words_valid),
                block.room.eq(link.room),
            ]
            upstream, max_value, direct = link, 1, False

        m.submodules[f"layer_{network.readout.name}"] = readout = ReadoutLayer(
            network.readout, self._bounds[1], self.geometries[-1], timesteps=network.timesteps,
            max_value=max_value)
        connect(m, upstream.groups, readout.groups)
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


def queue_depth(entries: int) -> int:
    """The least depth for ``entries`` whose memory is a power of two; one more is in a register."""
    return (1 << (entries - 1).bit_length()) + 1
