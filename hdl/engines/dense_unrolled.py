"""Words of all inputs to a layer whose weights are constants; engines/dense_unrolled.py."""

from __future__ import annotations

from amaranth import Value
from amaranth.lib import data

from bsnn_hw.engines.dense_unrolled import DenseUnrolled
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.engines.dense_words import DenseWordsHardware
from bsnn_hw.hdl.engines.engine import Between
from bsnn_hw.hdl.formats import event_group, index_width
from bsnn_hw.hdl.planes import Planes
from bsnn_hw.hdl.unrolled_synapse import UnrolledSynapses
from bsnn_hw.ir.network import Dense, Synapse

__all__ = ["DenseUnrolledHardware"]


class DenseUnrolledHardware(DenseWordsHardware):
    """As of words, with values cut into planes at the network's input."""

    def group(self, geometry: DenseWords, value_width: int) -> data.StructLayout:
        """A plane of all inputs."""
        return self.entry_group(geometry, 1)

    def synapses(self, geometry: DenseWords, synapse: Synapse, max_value: int,
                 pipelined: bool = False) -> UnrolledSynapses:
        """Counts and full adders."""
        assert isinstance(geometry, DenseUnrolled) and isinstance(synapse, Dense)
        return UnrolledSynapses(geometry, synapse, pipelined=pipelined)

    def entry_group(self, geometry: DenseWords, value_width: int) -> data.StructLayout:
        """All values."""
        return event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                           value_width=value_width, row_count=1)

    def slot(self, geometry: DenseWords, slots: data.View, lane: int) -> tuple[data.View, Value]:
        """One slot, some bits of its value for each lane."""
        return slots[0], slots[0].value.word_select(lane, len(slots[0].value) // geometry.lanes)

    def entry(self, geometry: DenseWords, value_width: int,
              factors: tuple[int, ...] = ()) -> Between | None:
        """What cuts values of several bits."""
        assert isinstance(geometry, DenseUnrolled) and not factors
        if geometry.planes == 1:
            return None
        planes = Planes(geometry)
        return Between("planes", planes, planes.values, planes.groups)
