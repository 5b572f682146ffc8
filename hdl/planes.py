"""Values of several bits as words of one bit of each, the lowest first."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.dense_unrolled import DenseUnrolled
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import event_group, index_width

__all__ = ["Planes"]


class Planes(wiring.Component):
    """Gives a group of values as one group for each of their bits, a cycle each.

    A mark comes with the last of them; one that comes alone stays alone.

    Parameters
    ----------
    geometry : DenseUnrolled, with two planes or more

    Members
    -------
    values : In stream of ``event_group``, whose values have a bit for each plane
    groups : Out stream of ``event_group``, whose values have one bit, and whose row is the plane
    """

    def __init__(self, geometry: DenseUnrolled):
        require_instance(DenseUnrolled, geometry=geometry)
        if geometry.planes < 2:
            raise ValueError(f"geometry must have 2 planes or more, not {geometry.planes}")
        self._geometry = geometry
        layout = {"lanes": geometry.lanes, "row_width": index_width(geometry.rows), "row_count": 1}
        super().__init__({
            "values": In(stream.Signature(event_group(**layout, value_width=geometry.planes))),
            "groups": Out(stream.Signature(event_group(**layout, value_width=1))),
        })

    def elaborate(self, platform):
        m = Module()
        given, group = self.values.payload, self.groups.payload
        plane = Signal(range(self._geometry.planes))
        last = Signal()
        m.d.comb += [
            last.eq(~given.charge | (plane == self._geometry.planes - 1)),
            group.rows[0].eq(plane),
            group.values.eq(Cat(value.bit_select(plane, 1) for value in given.values)),
            group.charge.eq(given.charge),
            group.mark.eq(given.mark & last),
            self.groups.valid.eq(self.values.valid),
            self.values.ready.eq(self.groups.ready & last),
        ]
        with m.If(self.groups.valid & self.groups.ready):
            m.d.sync += plane.eq(Mux(last, 0, plane + 1))
        return m
