"""Addresses of spikes to a fully connected layer; the numbers are in engines/dense_events.py."""

from __future__ import annotations

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.engines.engine import Hardware
from bsnn_hw.hdl.link import SpikeLink
from bsnn_hw.hdl.synapse import SynapseArray
from bsnn_hw.ir.network import Synapse

__all__ = ["DenseEventsHardware"]


class DenseEventsHardware(Hardware[DenseEvents]):
    """Queues and encoders per bank, and a walk over the folds."""

    def synapses(self, geometry: DenseEvents, synapse: Synapse, max_value: int,
                 pipelined: bool = False) -> SynapseArray:
        """Weight banks and a tree."""
        return SynapseArray(geometry, synapse, max_value=max_value, pipelined=pipelined)

    def link(self, geometry: DenseEvents, *, depth: int, margin: int,
             pipelined: bool = False) -> SpikeLink:
        """Spike words to groups."""
        return SpikeLink(geometry, depth=depth, margin=margin, pipelined=pipelined)
