"""One stream of events to groups for lanes that take any event."""

from __future__ import annotations

from amaranth import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import event_group, index_width, lane_event

__all__ = ["EventCollector"]


class EventCollector(wiring.Component):
    """Gathers events, one a cycle, until there is one for each lane or the mark has come.

    The lanes take turns, also across groups.  A group is offered from its first event on.  The
    event that comes as it is taken belongs to the next one, so no cycle is lost between them.

    Parameters
    ----------
    lanes : int, 1 or more
    row_width : int, bits

    Members
    -------
    events : In stream of ``lane_event``
    groups : Out stream of ``event_group``
    """

    def __init__(self, *, lanes: int, row_width: int):
        require_positive(lanes=lanes, row_width=row_width)
        self._lanes = lanes
        group = event_group(lanes=lanes, row_width=row_width, value_width=1)
        super().__init__({
            "events": In(stream.Signature(lane_event(row_width=row_width))),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        event, group = self.events.payload, self.groups.payload
        filled = Signal(self._lanes)
        marked = Signal()
        turn = Signal(index_width(self._lanes))
        taken = Signal()
        accept = Signal()
        m.d.comb += [
            group.values.eq(filled),
            group.charge.eq(filled.any()),
            group.mark.eq(marked),
            self.groups.valid.eq(group.charge | marked),
            taken.eq(self.groups.valid & self.groups.ready),
            # Behind the mark, and where a lane has its event, the next waits for the next group.
            self.events.ready.eq(taken | ~marked & ~Array(filled)[turn]),
            accept.eq(self.events.valid & self.events.ready),
        ]

        with m.If(taken):
            m.d.sync += [filled.eq(0), marked.eq(0)]
        with m.If(accept):
            m.d.sync += marked.eq(event.mark)
            with m.If(event.event):
                m.d.sync += turn.eq(turn + 1)
                with m.If(turn == self._lanes - 1):
                    m.d.sync += turn.eq(0)
        for lane in range(self._lanes):
            with m.If(accept & event.event & (turn == lane)):
                m.d.sync += [filled[lane].eq(1), group.rows[lane].eq(event.row)]
        return m
