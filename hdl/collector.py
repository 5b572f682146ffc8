"""One stream of events to groups for lanes that take any event."""

from __future__ import annotations

from amaranth import Array, Module, Signal
from amaranth.lib import data, stream, wiring
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
    place : StructLayout or None
        Where in a map an event is; all events of a group have the same place.

    Members
    -------
    events : In stream of ``lane_event``, with ``place``
    groups : Out stream of ``event_group``, with ``place``
    """

    def __init__(self, *, lanes: int, row_width: int, place: data.StructLayout | None = None):
        require_positive(lanes=lanes, row_width=row_width)
        self._lanes = lanes
        self._placed = place is not None
        more = {"place": place} if place else {}
        group = event_group(lanes=lanes, row_width=row_width, value_width=1, **more)
        super().__init__({
            "events": In(stream.Signature(lane_event(row_width=row_width, **more))),
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
        joins = Signal(init=1)  # what comes belongs to the position of the group that is there
        if self._placed:
            m.d.comb += joins.eq(~event.event | ~group.charge | (event.place == group.place))
        m.d.comb += [
            group.values.eq(filled),
            group.charge.eq(filled.any()),
            group.mark.eq(marked),
            self.groups.valid.eq(group.charge | marked),
            taken.eq(self.groups.valid & self.groups.ready),
            # Behind the mark, and where a lane has its event, the next waits for the next group.
            self.events.ready.eq(taken | joins & ~marked & ~Array(filled)[turn]),
            accept.eq(self.events.valid & self.events.ready),
        ]

        with m.If(taken):
            m.d.sync += [filled.eq(0), marked.eq(0)]
        with m.If(accept):
            m.d.sync += marked.eq(event.mark)
            with m.If(event.event):
                if self._placed:
                    m.d.sync += group.place.eq(event.place)
                m.d.sync += turn.eq(turn + 1)
                with m.If(turn == self._lanes - 1):
                    m.d.sync += turn.eq(0)
        for lane in range(self._lanes):
            with m.If(accept & event.event & (turn == lane)):
                m.d.sync += [filled[lane].eq(1), group.rows[lane].eq(event.row)]
        return m
