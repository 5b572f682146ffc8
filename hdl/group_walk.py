"""The walk of a grouped convolution; as engines/conv_groups.py says."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data

from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.hdl.formats import index_width
from bsnn_hw.hdl.walk import MapWalk, reach_layout

__all__ = ["GroupWalk", "group_reach"]


def group_reach(geometry: ConvGroups) -> data.StructLayout:
    """As `reach_layout`, and the first fold where events differ in it."""
    reach = reach_layout(geometry)
    if geometry.group_folds.one_start:
        return reach
    return data.StructLayout({**{name: field.shape for name, field in reach},
                              "fold": index_width(geometry.folds)})


class GroupWalk(MapWalk):
    """As `MapWalk`, but at each place over the folds of one group; a step's is over all folds.

    Parameters
    ----------
    geometry : ConvGroups, whose events reach some of the folds

    Members
    -------
    as of `MapWalk`; reach : In, ``group_reach``
    """

    def _reach(self, geometry):
        return group_reach(geometry)

    def elaborate(self, platform):
        m = Module()
        geometry, folds, reach = self._geometry, self.folds, self.reach
        own, places = geometry.event_folds, geometry.out.positions
        next_place = 1 + (geometry.stride[1] - 1) * own  # of the tap, from its last fold
        next_line = geometry.stride[0] * geometry.kernel[1] * own

        # Folds, positions and lines still to come; a reset starts with a walk over everything.
        whole = Signal(init=1)
        first = Signal.like(self.fold)
        left = Signal(range(folds), init=folds - 1)
        ends = Signal()  # none is left, known a cycle before
        columns = Signal(range(places), init=places - 1)
        lines = Signal.like(reach.lines)
        line_columns = Signal.like(reach.columns)
        line_row = Signal.like(self.row)  # where the next line starts
        line_tap = Signal.like(self.tap)
        m.d.comb += self.last.eq(ends & (columns == 0) & (lines == 0))
        with m.If(self.load):
            m.d.sync += [
                whole.eq(0),
                first.eq(reach.fold),
                self.fold.eq(reach.fold),
                left.eq(own - 1),
                ends.eq(own == 1),
                self.row.eq(reach.row),
                self.tap.eq(reach.tap),
                columns.eq(reach.columns),
                lines.eq(reach.lines),
                line_columns.eq(reach.columns),
                line_row.eq(reach.row + geometry.out.width * folds),
                line_tap.eq(reach.tap + next_line),
            ]
            with m.If(self.whole):
                m.d.sync += [whole.eq(1), first.eq(0), self.fold.eq(0), left.eq(folds - 1),
                             ends.eq(0), self.row.eq(0), columns.eq(places - 1), lines.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [
                self.fold.eq(self.fold + 1),
                left.eq(left - 1),
                ends.eq(left == 1),
                self.row.eq(self.row + 1),
                self.tap.eq(self.tap + 1),
            ]
            with m.If(ends):
                m.d.sync += [
                    self.fold.eq(first),
                    left.eq(Mux(whole, folds - 1, own - 1)),
                    ends.eq(~whole & (own == 1)),
                    self.row.eq(self.row + Mux(whole, 1, 1 + folds - own)),
                    self.tap.eq(self.tap + next_place),
                    columns.eq(columns - 1),
                ]
            with m.If(ends & (columns == 0)):
                m.d.sync += [
                    self.row.eq(line_row),
                    self.tap.eq(line_tap),
                    columns.eq(line_columns),
                    lines.eq(lines - 1),
                    line_row.eq(line_row + geometry.out.width * folds),
                    line_tap.eq(line_tap + next_line),
                ]
        return m
