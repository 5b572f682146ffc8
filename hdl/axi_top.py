"""A network for systems on a chip: words of bytes on two AXI4-Streams, registers on AXI4-Lite."""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.axi_lite import axi_lite_signature
from bsnn_hw.hdl.axi_registers import AxiRegisters
from bsnn_hw.hdl.byte_words import BYTES, BytePacker, ByteUnpacker
from bsnn_hw.hdl.ports import top_level
from bsnn_hw.layout.build import Layout
from bsnn_hw.link.registers import RegisterMap

__all__ = ["AxiTop"]

IN_FLIGHT_BITS = 16  # samples in the core


class AxiTop(wiring.Component):
    """The byte-wide core with what a block design expects.

    Parameters
    ----------
    layout : Layout, with ports of bytes
    registers : RegisterMap

    Members
    -------
    aclk, aresetn : In; the reset is synchronous and active low
    s_axil_* : AXI4-Lite, the registers
    s_axis_* : AXI4-Stream input of 4 bytes with ``tkeep``, a packet per inference
    m_axis_* : AXI4-Stream output likewise
    """

    def __init__(self, layout: Layout, registers: RegisterMap):
        self._core, _ = top_level(layout, counted=True)
        self._stateful = layout.network.stateful
        self._lite = axi_lite_signature(registers.address_bits)
        activity = self._core.activity.shape()
        self._registers = AxiRegisters(registers, steps={
            counter.name: activity[counter.name].width if counter.name in activity.members else 1
            for counter in registers.counters})
        word = {"tdata": 8 * BYTES, "tkeep": BYTES, "tlast": 1, "tvalid": 1}
        super().__init__({
            "aclk": In(1),
            "aresetn": In(1),
            **{f"s_axil_{name}": member.flip() for name, member in self._lite.members.items()},
            **{f"s_axis_{name}": In(width) for name, width in word.items()},
            "s_axis_tready": Out(1),
            **{f"m_axis_{name}": Out(width) for name, width in word.items()},
            "m_axis_tready": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        # One clock and two resets: the registers outlive the core's.
        m.domains.sync = ClockDomain()
        m.domains.lasting = ClockDomain()
        registers = self._registers
        m.submodules.registers = DomainRenamer("lasting")(registers)
        m.d.comb += [
            ClockSignal().eq(self.aclk),
            ClockSignal("lasting").eq(self.aclk),
            ResetSignal().eq(~self.aresetn | registers.reset),
            ResetSignal("lasting").eq(~self.aresetn),
        ]
        for name, member in self._lite.members.items():
            ours, theirs = getattr(self, f"s_axil_{name}"), getattr(registers.bus, name)
            m.d.comb += theirs.eq(ours) if member.flow == Out else ours.eq(theirs)
        self._stream(m, registers)
        return m

    def _stream(self, m, registers):
        """Samples through the core, and what is counted."""
        m.submodules.core = core = self._core
        m.submodules.unpacker = unpacker = ByteUnpacker()
        m.submodules.packer = packer = BytePacker()
        given, taken = unpacker.bytes, packer.bytes
        starts = Signal()
        ends = Signal()
        first = Signal(init=1)  # the next byte is a sample's first
        in_flight = Signal(IN_FLIGHT_BITS)
        # A packet that has begun goes on.
        allowed = ~first | registers.enable & ~in_flight.all()
        m.d.comb += [
            unpacker.words.payload.bytes.eq(self.s_axis_tdata),
            unpacker.words.payload.keep.eq(self.s_axis_tkeep),
            unpacker.words.payload.last.eq(self.s_axis_tlast),
            unpacker.words.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(unpacker.words.ready),

            core.s_axis_tdata.eq(given.payload.byte),
            core.s_axis_tlast.eq(given.payload.last),
            core.s_axis_tvalid.eq(given.valid & allowed),
            given.ready.eq(core.s_axis_tready & allowed),
            starts.eq(given.valid & given.ready & first),

            taken.payload.byte.eq(core.m_axis_tdata),
            taken.payload.last.eq(core.m_axis_tlast),
            taken.valid.eq(core.m_axis_tvalid),
            core.m_axis_tready.eq(taken.ready),

            self.m_axis_tdata.eq(packer.words.payload.bytes),
            self.m_axis_tkeep.eq(packer.words.payload.keep),
            self.m_axis_tlast.eq(packer.words.payload.last),
            self.m_axis_tvalid.eq(packer.words.valid),
            packer.words.ready.eq(self.m_axis_tready),
            ends.eq(self.m_axis_tvalid & self.m_axis_tready & self.m_axis_tlast),

            registers.busy.eq(in_flight != 0),
            registers.inferences.eq(ends),
            registers.cycles.eq(registers.busy),
        ]
        m.d.comb += [getattr(registers, name).eq(core.activity[name])
                     for name in core.activity.shape().members]
        if self._stateful:
            # The first byte of the sample that starts anew waits until the state is 0.
            m.d.comb += [core.s_axis_tuser.eq(registers.restart),
                         registers.restart_done.eq(starts)]
        with m.If(given.valid & given.ready):
            m.d.sync += first.eq(given.payload.last)
        m.d.sync += in_flight.eq(in_flight + starts - ends)
