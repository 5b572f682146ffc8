"""Events of a map to a grouped convolution; the numbers are in engines/conv_groups.py."""

from __future__ import annotations

from amaranth.lib import data

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.hdl.engines.conv_events import ConvEventsHardware
from bsnn_hw.hdl.group_lookup import GroupLookup
from bsnn_hw.hdl.group_synapse import GroupSynapses
from bsnn_hw.hdl.group_walk import GroupWalk, group_reach
from bsnn_hw.hdl.reach import ReachLookup
from bsnn_hw.hdl.synapse import SynapseArray
from bsnn_hw.hdl.walk import MapWalk
from bsnn_hw.ir.network import Synapse

__all__ = ["ConvGroupsHardware"]


class ConvGroupsHardware(ConvEventsHardware):
    """As of events without groups, with a walk over the folds of one group."""

    def reach(self, geometry: ConvEvents) -> data.StructLayout:
        """Places, and where their folds start."""
        assert isinstance(geometry, ConvGroups)
        return group_reach(geometry)

    def walk(self, geometry: ConvEvents) -> MapWalk:
        """Over all folds where all are of every event."""
        assert isinstance(geometry, ConvGroups)
        return MapWalk(geometry) if geometry.group_folds.one_start else GroupWalk(geometry)

    def synapses(self, geometry: ConvEvents, synapse: Synapse, max_value: int,
                 pipelined: bool = False) -> SynapseArray:
        """With blocks where a fold has several groups."""
        several = geometry.word_weights < geometry.parallel
        return (GroupSynapses if several else SynapseArray)(
            geometry, synapse, max_value=max_value, pipelined=pipelined)

    def lookup(self, geometry: ConvEvents, value_width: int,
               factors: tuple[int, ...] = ()) -> ReachLookup:
        """What a position reaches, and which fold is a channel's first."""
        return GroupLookup(geometry, value_width=value_width, factors=factors)
