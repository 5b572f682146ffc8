"""Events of a map to a convolution; the numbers are in engines/conv_events.py."""

from __future__ import annotations

from amaranth import Signal
from amaranth.lib import data, wiring

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.hdl.engines.engine import Between, Hardware, below
from bsnn_hw.hdl.formats import event_group
from bsnn_hw.hdl.map_encoder import placed_group
from bsnn_hw.hdl.map_link import MapLink
from bsnn_hw.hdl.reach import ReachLookup
from bsnn_hw.hdl.synapse import SynapseArray
from bsnn_hw.hdl.walk import MapWalk, reach_layout
from bsnn_hw.ir.network import Synapse

__all__ = ["ConvEventsHardware"]


class ConvEventsHardware(Hardware[ConvEvents]):
    """Queues of placed words, and a walk over the positions that a position reaches."""

    def group(self, geometry: ConvEvents, value_width: int) -> data.StructLayout:
        """Events of one position, with what it reaches."""
        return event_group(lanes=geometry.lanes, row_width=max(1, geometry.row_bits),
                           value_width=value_width, reach=self.reach(geometry))

    def reach(self, geometry: ConvEvents) -> data.StructLayout:
        """Of an event."""
        return reach_layout(geometry)

    def lookup(self, geometry: ConvEvents, value_width: int,
               factors: tuple[int, ...] = ()) -> ReachLookup:
        """What a position reaches."""
        return ReachLookup(geometry, value_width=value_width, factors=factors)

    def walk(self, geometry: ConvEvents) -> wiring.Component:
        """Line by line."""
        return MapWalk(geometry)

    def synapses(self, geometry: ConvEvents, synapse: Synapse, max_value: int,
                 pipelined: bool = False) -> SynapseArray:
        """Weight banks and a tree."""
        return SynapseArray(geometry, synapse, max_value=max_value, pipelined=pipelined)

    def link(self, geometry: ConvEvents, *, depth: int, margin: int,
             pipelined: bool = False) -> MapLink:
        """Placed words to groups."""
        return MapLink(geometry, depth=depth, margin=margin, lookup=self.lookup(geometry, 1),
                       pipelined=pipelined)

    def entry_group(self, geometry: ConvEvents, value_width: int) -> data.StructLayout:
        """Events with their place."""
        return placed_group(geometry, value_width)

    def entry_row(self, m, geometry, lane, slots, pushed):
        """The channel's row; the position is the first slot's."""
        shape, (_, x_bits) = geometry.source.shape, geometry.position_bits
        row, place = slots[lane].row[:geometry.row_bits], slots[0].row[geometry.row_bits:]
        x, y = place[:x_bits], place[x_bits:]
        if lane == 0:
            m.d.comb += [pushed.place.x.eq(x), pushed.place.y.eq(y)]
        channels = len(range(lane, shape.channels, geometry.lanes))
        return row, below(row, channels) & below(x, shape.width) & below(y, shape.height)

    def entry(self, geometry: ConvEvents, value_width: int,
              factors: tuple[int, ...] = ()) -> Between:
        """What a position reaches."""
        lookup = self.lookup(geometry, value_width, factors)
        return Between("lookup", lookup, lookup.placed, lookup.groups)

    def value_row(self, geometry: ConvEvents) -> Signal:
        """A counter of channels, as wide as in an address."""
        return Signal(geometry.row_bits, name="row")

    def value_place(self, geometry: ConvEvents) -> list[tuple[Signal, int]]:
        """Column and line."""
        shape, (y_bits, x_bits) = geometry.source.shape, geometry.position_bits
        return [(Signal(x_bits, name="x"), shape.width), (Signal(y_bits, name="y"), shape.height)]
