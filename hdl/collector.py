"""One stream of events to several lanes that each take any event."""

from __future__ import annotations

from amaranth import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import index_width, lane_event

__all__ = ["EventCollector"]


class EventCollector(wiring.Component):
    """Hands events to the lanes in turn, one a cycle, and the end of a timestep to all of them.

    Events of one timestep never wait behind another's: after a mark nothing is taken until every
    lane has given it on.

    Parameters
    ----------
    lanes : int, 2 or more
    address_width : int, bits

    Members
    -------
    events : In stream of ``lane_event``
    heads : Out, one stream of ``lane_event`` per lane; the mark may join an event that waits
    """

    def __init__(self, *, lanes: int, address_width: int):
        require_positive(address_width=address_width)
        if not isinstance(lanes, int) or lanes < 2:
            raise ValueError(f"lanes must be an integer of 2 or more, not {lanes!r}")
        self._lanes = lanes
        event = lane_event(address_width=address_width, value_width=1)
        super().__init__({
            "events": In(stream.Signature(event)),
            "heads": Out(stream.Signature(event)).array(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        event = self.events.payload
        turn = Signal(index_width(self._lanes))
        closed = Signal()  # the mark has come
        marked = Signal(self._lanes)  # lanes that have given it on
        filled = Signal(self._lanes)
        take = Signal()
        m.d.comb += [
            self.events.ready.eq(~closed & ~Array(filled)[turn]),
            take.eq(self.events.valid & self.events.ready),
        ]

        for lane, head in enumerate(self.heads):
            given = Signal(name=f"given_{lane}")
            m.d.comb += [
                head.valid.eq(filled[lane] | (closed & ~marked[lane])),
                head.payload.event.eq(filled[lane]),
                head.payload.value.eq(1),
                head.payload.mark.eq(closed),
                given.eq(head.valid & head.ready),
            ]
            with m.If(given):
                m.d.sync += [filled[lane].eq(0), marked[lane].eq(closed)]
            with m.If(take & event.event & (turn == lane)):
                m.d.sync += [filled[lane].eq(1), head.payload.address.eq(event.address)]

        with m.If(take):
            m.d.sync += closed.eq(event.mark)
            with m.If(event.event):
                m.d.sync += turn.eq(turn + 1)
                with m.If(turn == self._lanes - 1):
                    m.d.sync += turn.eq(0)
        # The next timestep starts when no lane is left to give its mark.
        remaining = Signal(self._lanes)
        m.d.comb += [remaining[lane].eq(~marked[lane] & ~(head.valid & head.ready))
                     for lane, head in enumerate(self.heads)]
        with m.If(closed & ~remaining.any()):
            m.d.sync += [closed.eq(0), marked.eq(0)]
        return m
