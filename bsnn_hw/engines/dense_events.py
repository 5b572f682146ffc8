"""Addresses of spikes to a fully connected layer.

A weight bank holds, at address ``{row, fold}``, the weights from the input at ``row = {word,
slot}`` to the ``parallel`` neurons of that fold; braces join binary numbers, so an address costs no
adder, and counts that are no power of two leave words unused.  Where ``{fold, row}`` leaves fewer
unused, that is the address.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from bsnn_hw.devices.parts import Parts, bits_of, fifo_parts
from bsnn_hw.engines.costs import collector_parts, encoder_parts
from bsnn_hw.engines.events import EventGeometry, pack_events
from bsnn_hw.engines.feed import Feed, least_one
from bsnn_hw.ir.network import Conv, Network, Shape, Synapse
from bsnn_hw.ir.raster import Raster, pack_words
from bsnn_hw.ir.schedule import LayerPlan

__all__ = ["DenseEvents"]

SHARED_BITS = 16 * 1024  # of a weight bank, up to which shared lanes may have copies of it
WIDE = 16  # spikes of a word, beyond which the encoder's `ready` comes late


@dataclass(frozen=True)
class DenseEvents(EventGeometry):
    """Counts and address maps of one fully connected layer, see the module's text.

    source : Raster of the words that come in
    neurons, lanes, parallel, shared : as in `LayerPlan`
    """

    source: Raster
    neurons: int
    lanes: int
    parallel: int
    shared: bool = False

    whole_walks: ClassVar = True
    searched: ClassVar = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)

    @classmethod
    def weighs(cls, synapse: Synapse) -> bool:
        """Whether such synapses are of this engine's kind."""
        return not isinstance(synapse, Conv)

    @classmethod
    def problem(cls, network: Network, number: int) -> str | None:
        """Why layer ``number`` cannot have this engine; None where it can."""
        conv = isinstance(network.layers[number].synapse, Conv)
        return "a convolution's events reach single positions" if conv else None

    @classmethod
    def of(cls, synapse: Synapse, source: Raster, plan: LayerPlan) -> DenseEvents:
        """The layer laid out."""
        return cls(source, synapse.neurons, plan.lanes, plan.parallel, plan.shared)

    def worth_sharing(self, weight_bits: int) -> bool:
        """Whether one encoder, an event a cycle, keeps the lanes busy, and the banks are small."""
        return (self.lanes <= self.folds
                and self.depth * self.parallel * weight_bits <= SHARED_BITS)

    @classmethod
    def flat(cls, inputs: int, source_width: int, neurons: int, lanes: int, parallel: int,
             shared: bool = False) -> DenseEvents:
        """A layer without a map at its input: ``inputs`` in words of ``source_width``."""
        return cls(Raster(Shape(inputs), source_width), neurons, lanes, parallel, shared)

    def single(self) -> DenseEvents:
        """As in `EventGeometry`."""
        return replace(self, neurons=1, parallel=1)

    @property
    def raster(self) -> Raster:
        """Order of the layer's own neurons."""
        return Raster(Shape(self.neurons), self.parallel)

    @property
    def words(self) -> int:
        """Words per timestep at the input."""
        return self.source.rows

    @property
    def taps(self) -> int:
        """Weight words of one input."""
        return self.folds

    @property
    def rows(self) -> int:
        """Input rows of one weight bank."""
        return self.words << self.slot_bits

    @property
    def row_bits(self) -> int:
        """Bits of a row's number in an address."""
        return (self.rows - 1).bit_length()

    @property
    def fold_first(self) -> bool:
        """Whether a weight's address is ``{fold, row}``."""
        return self.folds << self.row_bits < self.rows << self.fold_bits

    @property
    def address_bits(self) -> int:
        """Bits of what ``lane_row`` gives, in an event at the network's input."""
        return max(1, (self.rows - 1).bit_length())

    @property
    def depth(self) -> int:
        """Words of one weight bank, ``parallel`` bits each."""
        return self.folds << self.row_bits if self.fold_first else self.rows << self.fold_bits

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of the weights that belong here."""
        return self.neurons, self.inputs

    def address(self, row: int, fold: int) -> int:
        """Where in its bank the weight word of ``row`` and ``fold`` is."""
        return (fold << self.row_bits) + row if self.fold_first else (row << self.fold_bits) + fold

    def lane_row(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bank (which is the lane, unless lanes are shared) and row of inputs ``index``."""
        word, bit = self.source.locate(index)
        return bit % self.banks, (word << self.slot_bits) + bit // self.banks

    def bank_words(self, weights: np.ndarray, weight_bits: int = 1) -> list[list[int]]:
        """Weight banks, ``banks`` lists of ``depth`` integers, see ``raster.pack_words``.

        weights : int8 (neurons, inputs)
        """
        padded = np.zeros((self.folds * self.parallel, self.inputs), np.int8)
        padded[: self.neurons] = weights
        lane, row = self.lane_row(np.arange(self.inputs))
        banks = np.zeros((self.banks, self.depth, self.parallel), np.int8)
        for fold, weights_of_fold in enumerate(padded.reshape(self.folds, self.parallel, -1)):
            start, step = self.address(0, fold), self.address(1, fold) - self.address(0, fold)
            banks[lane, start + step * row] = weights_of_fold.T
        return [pack_words(bank, weight_bits) for bank in banks]

    def walk(self, feed: Feed) -> np.ndarray:
        """Groups of events, (N, marks): as many as the fullest bank has events."""
        if self.banks == 1:
            return self.even_walk(feed)
        bank, _ = self.lane_row(np.arange(self.inputs))
        lanes = (bank[:, None] == np.arange(self.banks)).astype(np.float32)
        found: np.ndarray = (feed.counts.astype(np.float32) @ lanes).max(axis=2).astype(np.int64)
        return found

    def even_walk(self, feed: Feed) -> np.ndarray:
        """Groups of events, (N, marks), if every one were full."""
        found: np.ndarray = -(-feed.counts.sum(axis=2) // self.lanes)
        return found

    def eager_walk(self, feed: Feed) -> np.ndarray:
        """As in `Geometry`: the first group has what the first word gives every bank."""
        if self.lanes == 1:
            return self.walk(feed)
        spikes = self._by_bank(feed)
        totals = spikes.sum(axis=2)
        if self.shared:
            return np.where(totals > 0, 1 - (1 - totals) // self.lanes, 0)[:, :, 0]
        first = spikes.any(axis=3).argmax(axis=2)[:, :, None, None]
        taken = np.take_along_axis(spikes, first, axis=2)[:, :, 0] > 0
        found: np.ndarray = taken.any(axis=2) + (totals - taken).max(axis=2)
        return found

    def marked(self, feed: Feed, *, eager: bool = False) -> np.ndarray:
        """As in `Geometry`: the last word has a spike for each of the fullest banks, or shared
        lanes wait for more."""
        spikes = self._by_bank(feed)
        totals, ends = spikes.sum(axis=2), spikes[:, :, -1] > 0
        if self.shared:
            ends |= (totals - eager) % self.lanes != 0
        fullest = totals == totals.max(axis=2, keepdims=True)
        found: np.ndarray = (totals > 0).any(axis=2) & (ends | ~fullest).all(axis=2)
        return found

    def queued(self, feed: Feed) -> np.ndarray:
        """As in `Geometry`: a queue for each bank."""
        return least_one((self._by_bank(feed) > 0).sum(axis=2).max(axis=2))

    def _by_bank(self, feed: Feed) -> np.ndarray:
        """Spikes of every word for each bank, int (N, marks, words, banks)."""
        words = feed.words(self.source_width)
        return np.stack([words[..., bank::self.banks].sum(axis=3) for bank in range(self.banks)],
                        axis=3)

    def beats(self, steps: np.ndarray, slot_width: int,
              value_width: int) -> tuple[np.ndarray, np.ndarray]:
        """As in `Geometry`."""
        return pack_events(self, steps, slot_width, value_width)

    def slot_facts(self, slot_width: int, value_width: int) -> dict[str, dict[str, Any]]:
        """As in `Geometry`."""
        return {
            "value": {"meaning": "of the event; 0 means that the slot is empty", "inputs": 1},
            "row": {"meaning": f"slot e of row r is input r * {self.slots} + e; each slot of a "
                               "beat has a row of its own"}}

    @property
    def queue_widths(self) -> list[int]:
        """A queue per bank: its share of a word, the word's number, and a mark."""
        number = max(1, bits_of(self.words))
        return [len(range(bank, self.source_width, self.banks)) + number + 1
                for bank in range(self.banks)]

    @property
    def link_delay(self) -> int:
        """A collector, and a register behind the queue of wide words."""
        return self.shared + (self.slots_of_bank > WIDE)

    def walk_parts(self) -> Parts:
        """A counter of folds."""
        fold = bits_of(self.folds)
        return Parts.adders(fold) + Parts.logic(fold / 2, fold) if fold else Parts()

    def link_parts(self, depth: int) -> Parts:
        """hdl/link.py: a queue and an encoder per bank, and what makes groups of their events."""
        number, row = max(1, bits_of(self.words)), max(1, bits_of(self.rows))
        parts = Parts.delays(1)
        for width, banks in Counter(self.queue_widths).items():
            slots = width - number - 1
            bank = fifo_parts(depth - 1, width) + Parts.logic(slots / 3 + 2)
            bank += (Parts(registers=2 * width, bare=2 * width, luts=width) if slots > WIDE
                     else Parts())
            parts += banks * (bank + encoder_parts(slots, number) + Parts.delays(row + 3))
        if self.shared:
            return parts + collector_parts(self.lanes, row)
        return parts + Parts.logic(5 * self.lanes + 3, self.lanes)
