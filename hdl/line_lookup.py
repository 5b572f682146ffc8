"""Which places of its lines an event reaches, looked up by its own place."""

from __future__ import annotations

from amaranth.lib import data

from bsnn_hw.hdl.line_walk import line_reach
from bsnn_hw.hdl.reach import ReachLookup

__all__ = ["LineLookup"]


class LineLookup(ReachLookup):
    """As `ReachLookup`, of a geometry `ConvLines`: a table per axis, and nothing is added."""

    @staticmethod
    def _layout(geometry):
        return line_reach(geometry)

    def _tables(self, m, geometry, looks):
        reach, place = line_reach(geometry), self.placed.payload.place
        down = data.StructLayout({"line": reach["line"].shape, "tap": reach["tap"].shape,
                                  "more": reach["lines"].shape, "nothing": 1})
        right = data.StructLayout({"places": reach["places"].shape, "nothing": 1})
        return (self._table(m, "lines", down, _lines(geometry), looks, place.y),
                self._table(m, "columns", right, _columns(geometry), looks, place.x))

    def _reached(self, reach, line, column):
        return [
            reach.line.eq(line.line),
            reach.tap.eq(line.tap),
            reach.lines.eq(line.more),
            reach.places.eq(column.places),
        ]


def _lines(geometry):
    axis = geometry.vertical
    return [{"line": int(first), "tap": int(tap), "more": int(count) - 1, "nothing": 0} if count
            else {"nothing": 1}
            for first, count, tap in zip(axis.first, axis.count, axis.tap, strict=True)]


def _columns(geometry):
    entries = []
    for x in range(geometry.source.shape.width):
        found = geometry.columns(x)
        entries.append({"nothing": int(not any(found)), "places": [
            {"column": each[0], "tap": each[1], "active": 1} if each else {}
            for each in found]})
    return entries
