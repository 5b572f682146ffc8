"""The lanes' own streams of events to groups."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import event_group, lane_event

__all__ = ["EventJoin"]


class EventJoin(wiring.Component):
    """Offers whatever events the lanes offer; a lane that gave its mark waits for the others.

    The last lane's mark makes the group's.  A timestep takes as many groups as the fullest lane
    has events; nothing is registered on the way.

    Parameters
    ----------
    lanes : int, 1 or more
    row_width : int, bits

    Members
    -------
    heads : In, one stream of ``lane_event`` per lane; a lone mark is taken at once
    groups : Out stream of ``event_group``
    """

    def __init__(self, *, lanes: int, row_width: int):
        require_positive(lanes=lanes, row_width=row_width)
        self._lanes = lanes
        group = event_group(lanes=lanes, row_width=row_width, value_width=1)
        super().__init__({
            "heads": In(stream.Signature(lane_event(row_width=row_width))).array(lanes),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        group = self.groups.payload
        waiting = Signal(self._lanes)  # lanes that gave their mark in an earlier group
        marks = Signal(self._lanes)
        taken = Signal()
        m.d.comb += [
            group.charge.eq(group.values.as_value().any()),
            group.mark.eq((waiting | marks).all()),
            self.groups.valid.eq(group.charge | group.mark),
            taken.eq(self.groups.valid & self.groups.ready),
        ]
        for lane, head in enumerate(self.heads):
            offered = Signal(name=f"offered_{lane}")
            m.d.comb += [
                offered.eq(head.valid & ~waiting[lane]),
                marks[lane].eq(offered & head.payload.mark),
                group.rows[lane].eq(head.payload.row),
                group.values[lane].eq(offered & head.payload.event),
                head.ready.eq(~waiting[lane] & (taken | ~head.payload.event)),
            ]
            with m.If(taken & group.mark):
                m.d.sync += waiting[lane].eq(0)
            with m.Elif(marks[lane] & head.ready):
                m.d.sync += waiting[lane].eq(1)
        return m
