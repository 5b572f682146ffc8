"""Proofs of a network that keeps its state: it starts anew where a packet asks, and only there."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

MOST = 3  # packets in the network


class _Network(wiring.Component):
    """Takes and gives beats when it likes; ``dirty`` is its state, 0 where nothing came since the
    reset."""

    def __init__(self):
        self.takes, self.gives, self.ends = (Signal(name=name)
                                             for name in ("takes", "gives", "ends"))
        self.dirty = Signal()
        super().__init__({
            "s_axis_tdata": In(1), "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
            "s_axis_tlast": In(1), "s_axis_tuser": In(1),
            "m_axis_tdata": Out(1), "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
            "m_axis_tlast": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.s_axis_tready.eq(self.takes), self.m_axis_tvalid.eq(self.gives),
                     self.m_axis_tlast.eq(self.ends)]
        with m.If(self.s_axis_tvalid & self.s_axis_tready):
            m.d.sync += self.dirty.eq(1)
        return m


def _stateful(parts: Parts) -> Harness:
    inner = _Network()
    dut = parts("stateful").StatefulTop(inner)
    h = Harness(dut=dut)
    # The network's reset is one of this domain's or its own; nothing resets this one.
    h.clock.rst = Signal(name="never_reset")
    m = h.m
    h.drive(("valid", dut.s_axis_tvalid), ("word", dut.s_axis_tdata), ("user", dut.s_axis_tuser),
            ("last", dut.s_axis_tlast), ("ready", dut.m_axis_tready), ("takes", inner.takes),
            ("gives", inner.gives), ("ends", inner.ends))
    accepted = dut.s_axis_tvalid & dut.s_axis_tready
    ended = dut.m_axis_tvalid & dut.m_axis_tready & dut.m_axis_tlast
    first, begun = Signal(init=1, name="first"), Signal(name="begun")
    inside = Signal(range(MOST + 2), name="inside")
    m.d.comb += begun.eq(accepted & first)
    m.d.sync += inside.eq(inside + begun - ended)
    with m.If(accepted):
        m.d.sync += first.eq(dut.s_axis_tlast)
    _waits(h, dut)
    h.limit(~inner.gives | (inside != 0))  # it answers no packet that has not begun
    h.limit(~begun | (inside < MOST))
    for name, value in (("taken", dut.s_axis_tready), ("inside", inside), ("dirty", inner.dirty)):
        h.show(name, value)
    asks = dut.s_axis_tuser[-1]
    touched = Signal(name="touched")  # beats came since a packet asked for a start
    with m.If(accepted):
        m.d.sync += touched.eq(1)
    h.must("a packet that asks starts from 0", ~(accepted & first & asks) | ~inner.dirty)
    h.must("any other finds what came before",
           ~(accepted & ~(first & asks)) | (inner.dirty == touched))
    h.must("nothing is reset while a packet is inside", (inside == 0) | inner.dirty)
    h.must("beats go in as they came", (accepted == (inner.s_axis_tvalid & inner.s_axis_tready)) & (
        ~accepted | (inner.s_axis_tdata == dut.s_axis_tdata)
        & (inner.s_axis_tlast == dut.s_axis_tlast)
        & (inner.s_axis_tuser == dut.s_axis_tuser[0])))
    h.must("beats come out as they were", (dut.m_axis_tvalid == inner.m_axis_tvalid) & (
        dut.m_axis_tlast == inner.m_axis_tlast) & (inner.m_axis_tready == dut.m_axis_tready))
    h.must("a beat waits for nothing but the network, or for a start of three cycles", h.soon(
        "late", dut.s_axis_tvalid & inner.takes & ~dut.s_axis_tready
        & ((inside == 0) | ~(first & asks)), 3))
    return h


def _waits(h: Harness, dut: Any) -> None:
    """A beat that is offered stays until it is taken."""
    waits = h.register(dut.s_axis_tvalid & ~dut.s_axis_tready, "waits")
    user, last = (h.register(each, name) for name, each in (
        ("user_before", dut.s_axis_tuser), ("last_before", dut.s_axis_tlast)))
    h.limit(~waits | dut.s_axis_tvalid & (dut.s_axis_tuser == user) & Mux(
        last, dut.s_axis_tlast, ~dut.s_axis_tlast))


PROOFS = (
    Proof("start of a stream", _stateful, Fault(
        "stateful", "asks & (in_flight == 0) & ~clear", "asks & ~clear")),
)
