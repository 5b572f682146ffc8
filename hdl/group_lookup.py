"""Which places and which fold events of a grouped convolution start at, looked up."""

from __future__ import annotations

from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.hdl.group_walk import group_reach
from bsnn_hw.hdl.reach import ReachLookup

__all__ = ["GroupLookup"]


class GroupLookup(ReachLookup):
    """As `ReachLookup`, of a geometry `ConvGroups`: the first row is the first fold's."""

    _geometry: ConvGroups

    @staticmethod
    def _layout(geometry):
        return group_reach(geometry)

    def _tables(self, m, geometry, looks):
        line, column = super()._tables(m, geometry, looks)
        if not geometry.group_folds.one_start:
            self._fold = self._table(m, "folds", group_reach(geometry)["fold"].shape,
                                     geometry.starts.tolist(), looks,
                                     self.placed.payload.rows[0][:geometry.row_bits])
        return line, column

    def _reached(self, reach, line, column):
        found = super()._reached(reach, line, column)
        if self._geometry.group_folds.one_start:
            return found
        return [*found, reach.row.eq(line.row + column.row + self._fold), reach.fold.eq(self._fold)]
