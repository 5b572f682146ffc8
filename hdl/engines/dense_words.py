"""Words of spikes to a fully connected layer; the numbers are in engines/dense_words.py."""

from __future__ import annotations

from amaranth import Value
from amaranth.lib import data

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.engines.engine import Hardware
from bsnn_hw.hdl.word_link import WordLink
from bsnn_hw.hdl.word_synapse import WordSynapseArray
from bsnn_hw.ir.network import Dense, Synapse

__all__ = ["DenseWordsHardware"]


class DenseWordsHardware(Hardware[DenseWords]):
    """Rows gathered or cut to words, and a popcount per neuron."""

    def synapses(self, geometry: DenseWords, synapse: Synapse, max_value: int,
                 pipelined: bool = False) -> WordSynapseArray:
        """One weight memory and popcounts."""
        assert isinstance(synapse, Dense)
        return WordSynapseArray(geometry, synapse, pipelined=pipelined)

    def link(self, geometry: DenseWords, *, depth: int, margin: int,
             pipelined: bool = False) -> WordLink:
        """Spike words to words of all lanes."""
        return WordLink(geometry, depth=depth, margin=margin, pipelined=pipelined)

    def slot(self, geometry: DenseWords, slots: data.View, lane: int) -> tuple[data.View, Value]:
        """One slot, a bit of its value for each lane."""
        return slots[0], slots[0].value[lane]
