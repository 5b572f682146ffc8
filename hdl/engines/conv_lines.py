"""Events of a map to all places of a line; the numbers are in engines/conv_lines.py."""

from __future__ import annotations

from amaranth.lib import data

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.hdl.engines.conv_events import ConvEventsHardware
from bsnn_hw.hdl.line_lookup import LineLookup
from bsnn_hw.hdl.line_walk import LineWalk, line_reach
from bsnn_hw.hdl.reach import ReachLookup

__all__ = ["ConvLinesHardware"]


class ConvLinesHardware(ConvEventsHardware):
    """As of events, with a walk over lines; `PlaceArray` has the synapses."""

    def reach(self, geometry: ConvEvents) -> data.StructLayout:
        """Line, and a place in each bank."""
        assert isinstance(geometry, ConvLines)
        return line_reach(geometry)

    def walk(self, geometry: ConvEvents) -> LineWalk:
        """All places of a line at once."""
        assert isinstance(geometry, ConvLines)
        return LineWalk(geometry)

    def lookup(self, geometry: ConvEvents, value_width: int,
               factors: tuple[int, ...] = ()) -> ReachLookup:
        """What a position reaches, by line and by column."""
        return LineLookup(geometry, value_width=value_width, factors=factors)
