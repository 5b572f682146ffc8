"""AXI4-Lite, the subordinate's side: one read and one write at a time."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive

__all__ = ["AxiLite", "axi_lite_signature"]

OKAY, SLVERR = 0, 2


def axi_lite_signature(address_bits: int) -> wiring.Signature:
    """An interface with 32 bits of data, as its manager sees it, without the optional ``prot``."""
    return wiring.Signature({
        "awaddr": Out(address_bits), "awvalid": Out(1), "awready": In(1),
        "wdata": Out(32), "wstrb": Out(4), "wvalid": Out(1), "wready": In(1),
        "bresp": In(2), "bvalid": In(1), "bready": Out(1),
        "araddr": Out(address_bits), "arvalid": Out(1), "arready": In(1),
        "rdata": In(32), "rresp": In(2), "rvalid": In(1), "rready": Out(1),
    })


class AxiLite(wiring.Component):
    """Reads and writes as strobes; what is not ``known`` is answered with SLVERR.

    A read takes a cycle and a write two; the next one waits until the answer is taken.

    Members
    -------
    bus : In, of `axi_lite_signature`
    read, read_address : Out, for one cycle, in which ``read_data`` and ``read_known`` must say what
        is there
    write, write_address, write_data, write_strobes : Out, likewise with ``write_known``
    """

    def __init__(self, *, address_bits: int):
        require_positive(address_bits=address_bits)
        super().__init__({
            "bus": In(axi_lite_signature(address_bits)),
            "read": Out(1),
            "read_address": Out(address_bits),
            "read_data": In(32),
            "read_known": In(1),
            "write": Out(1),
            "write_address": Out(address_bits),
            "write_data": Out(32),
            "write_strobes": Out(4),
            "write_known": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._reads(m)
        self._writes(m)
        return m

    def _reads(self, m):
        bus = self.bus
        m.d.comb += [
            bus.arready.eq(~bus.rvalid),
            self.read.eq(bus.arvalid & bus.arready),
            self.read_address.eq(bus.araddr),
        ]
        with m.If(self.read):
            m.d.sync += [
                bus.rvalid.eq(1),
                bus.rdata.eq(self.read_data),
                bus.rresp.eq(Mux(self.read_known, OKAY, SLVERR)),
            ]
        with m.Elif(bus.rready):
            m.d.sync += bus.rvalid.eq(0)

    def _writes(self, m):
        """Address and data come in any order, and wait for each other."""
        bus = self.bus
        addressed = Signal()
        filled = Signal()
        m.d.comb += [
            bus.awready.eq(~addressed),
            bus.wready.eq(~filled),
            self.write.eq(addressed & filled & ~bus.bvalid),
        ]
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += [addressed.eq(1), self.write_address.eq(bus.awaddr)]
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += [filled.eq(1), self.write_data.eq(bus.wdata),
                         self.write_strobes.eq(bus.wstrb)]
        with m.If(self.write):
            m.d.sync += [addressed.eq(0), filled.eq(0), bus.bvalid.eq(1),
                         bus.bresp.eq(Mux(self.write_known, OKAY, SLVERR))]
        with m.Elif(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
