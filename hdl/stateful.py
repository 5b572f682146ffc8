"""A network that keeps its state from packet to packet, until a packet asks for a start from 0.

What a reset clears anyway is cleared by it too: the network has a reset of its own, which comes
once it has given the scores of all packets before.
"""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, DomainRenamer, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance

__all__ = ["StatefulTop"]

IN_FLIGHT_BITS = 8  # packets in the network


class StatefulTop(wiring.Component):
    """A top level, and in front of it what resets the state.

    A packet that asks for it waits until all packets before it are out, and then for the reset, two
    cycles and the clearing of the state; the others go on as they come.

    Parameters
    ----------
    top : NetworkTop or ByteTop

    Members
    -------
    s_axis_tuser : In, one bit more than that of ``top``, the highest: in a packet's first beat, the
        state is 0 before this packet
    all others : as of ``top``
    """

    def __init__(self, top: wiring.Component):
        require_instance(wiring.Component, top=top)
        self._top = top
        members = dict(top.signature.members)
        self._marks = "s_axis_tuser" in members
        super().__init__(members | {"s_axis_tuser": In(1 + self._marks)})

    def elaborate(self, platform):
        m = Module()
        m.domains.state = ClockDomain()
        m.submodules.network = DomainRenamer("state")(self._top)
        top = self._top
        waits = Signal()
        clear = Signal()
        m.d.comb += [
            ClockSignal("state").eq(ClockSignal()),
            ResetSignal("state").eq(ResetSignal() | clear),
        ]
        if self._marks:
            m.d.comb += top.s_axis_tuser.eq(self.s_axis_tuser[0])
        m.d.comb += [
            top.s_axis_tvalid.eq(self.s_axis_tvalid & ~waits),
            self.s_axis_tready.eq(top.s_axis_tready & ~waits),
        ]
        for name, member in self.signature.members.items():
            if name not in ("s_axis_tvalid", "s_axis_tready", "s_axis_tuser"):
                inner, outer = getattr(top, name), getattr(self, name)
                m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)
        self._reset(m, waits, clear)
        return m

    def _reset(self, m, waits, clear):
        """Let a packet wait that asks for a reset, and then ``clear``."""
        first = Signal(init=1)  # the next beat is a packet's first
        cleared = Signal()  # for the packet that waits
        in_flight = Signal(IN_FLIGHT_BITS)
        asks = Signal()
        taken = Signal()
        ended = Signal()
        m.d.comb += [
            asks.eq(first & self.s_axis_tuser[-1] & ~cleared),
            waits.eq(asks | first & in_flight.all()),
            taken.eq(self.s_axis_tvalid & self.s_axis_tready),
            ended.eq(self.m_axis_tvalid & self.m_axis_tready & self.m_axis_tlast),
        ]
        # A register: the reset goes to everything, and s_axis may come late in a cycle.
        m.d.sync += [
            clear.eq(self.s_axis_tvalid & asks & (in_flight == 0) & ~clear),
            in_flight.eq(in_flight + (taken & first) - ended),
        ]
        with m.If(clear):
            m.d.sync += cleared.eq(1)
        with m.If(taken):
            m.d.sync += [first.eq(self.s_axis_tlast), cleared.eq(0)]
