"""A network behind a wire: what a board holds, less its pins and its clock."""

from __future__ import annotations

from amaranth import ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from bsnn_hw.hdl.serial_link import SerialLink
from bsnn_hw.hdl.uart import UartWire
from bsnn_hw.hdl.wire import Wire, connect_pins
from bsnn_hw.link.frames import LinkShape

__all__ = ["BoardCore"]

BLINK = 22  # bits: how long the light stays on after a sample, in cycles


class BoardCore(wiring.Component):
    """The link and an instance of a bundle's top level with ports of bytes.

    Parameters
    ----------
    shape : LinkShape
    divisor : int, clock cycles of a bit on a serial line
    wire : Wire, instead of a serial line
    network : str, the bundle's top-level module
    classes : int, bits of the class that is shown

    Members
    -------
    NAME : of every pin of the wire: rx and tx of a serial line
    active : Out, a sample is or was lately with the network
    answer : Out, low bits of the last class
    """

    def __init__(self, shape: LinkShape, *, divisor: int, network: str, class_bits: int,
                 wire: Wire | None = None):
        self._wire = wire or UartWire(divisor)
        self._link = SerialLink(shape, self._wire)
        self._network = network
        self._stateful = shape.stateful
        super().__init__({
            **self._wire.pins,
            "active": Out(1),
            "answer": Out(class_bits),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.link = link = self._link
        connect_pins(m, self._wire.pins, link, self)
        result, sample = link.result, link.sample
        stateful = {"i_s_axis_tuser": link.anew} if self._stateful else {}
        m.submodules.network = Instance(
            self._network, **stateful,
            i_clk=ClockSignal(), i_rst=ResetSignal(),
            i_s_axis_tdata=sample.payload.byte, i_s_axis_tlast=sample.payload.last,
            i_s_axis_tvalid=sample.valid, o_s_axis_tready=sample.ready,
            o_m_axis_tdata=result.payload.byte, o_m_axis_tlast=result.payload.last,
            o_m_axis_tvalid=result.valid, i_m_axis_tready=result.ready,
        )
        left = Signal(BLINK)
        m.d.comb += self.active.eq(left != 0)
        with m.If(link.active):
            m.d.sync += left.eq(-1)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        # The class is the last byte of a result; of more than 256 classes, its high end.
        with m.If(result.valid & result.ready & result.payload.last):
            m.d.sync += self.answer.eq(result.payload.byte)
        return m
