"""How a fully connected layer is laid out that takes words of spikes as they are.

The layer before gives its spikes in rows, ``source.width`` at a time.  A *word* is what the layer
takes in a cycle, ``lanes`` inputs side by side: one of the ``parts`` of a row that is wider, a row,
or ``gathered`` rows that follow each other.  Its weights lie at address ``{word, fold}``, of every
lane ``parallel`` bits, the first lane's lowest; with parts ``word = {row, part}``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster, pack_words

__all__ = ["WordGeometry"]


@dataclass(frozen=True)
class WordGeometry:
    """Counts and address maps of one fully connected layer, see the module's text.

    source : Raster of the rows that come in
    neurons : int
    lanes : int, inputs of a word, 1..source width or a multiple of it
    parallel : int, 1..neurons: neurons updated per cycle
    """

    source: Raster
    neurons: int
    lanes: int
    parallel: int

    @classmethod
    def flat(cls, inputs: int, source_width: int, neurons: int, lanes: int,
             parallel: int) -> WordGeometry:
        """A layer without a map at its input: ``inputs`` in rows of ``source_width``."""
        return cls(Raster(Shape(inputs), source_width), neurons, lanes, parallel)

    @property
    def shared(self) -> bool:
        """No lane takes another's inputs."""
        return False

    @property
    def raster(self) -> Raster:
        """Order of the layer's own neurons."""
        return Raster(Shape(self.neurons), self.parallel)

    @property
    def inputs(self) -> int:
        """Inputs of every neuron."""
        return self.source.shape.size

    @property
    def source_width(self) -> int:
        """Inputs of one row."""
        return self.source.width

    @property
    def banks(self) -> int:
        """Weight memories: one, with a word of all lanes."""
        return 1

    @property
    def parts(self) -> int:
        """Words that one row is cut into."""
        return -(-self.source_width // self.lanes)

    @property
    def part_bits(self) -> int:
        """Bits of a part's number in a word's."""
        return (self.parts - 1).bit_length()

    @property
    def gathered(self) -> int:
        """Rows that make one word, 1 where rows are cut."""
        return max(1, self.lanes // self.source_width)

    @property
    def rows(self) -> int:
        """Words per timestep, and unused numbers among them."""
        return -(-self.source.rows // self.gathered) << self.part_bits

    @property
    def address_bits(self) -> int:
        """Bits of a word's number, at the network's input."""
        return max(1, (self.rows - 1).bit_length())

    @property
    def folds(self) -> int:
        """Cycles of one pass over the neurons, and of one word."""
        return self.raster.folds

    @property
    def fold_bits(self) -> int:
        """Bits of a fold's number in an address."""
        return (self.folds - 1).bit_length()

    @property
    def taps(self) -> int:
        """Weight words of one word of inputs."""
        return self.folds

    @property
    def depth(self) -> int:
        """Weight words, ``lanes * parallel`` bits each."""
        return self.rows << self.fold_bits

    def completed(self, rows: int) -> int:
        """Words that so many rows in succession complete at most; a timestep's last row does."""
        row = np.arange(rows + self.source.rows) % self.source.rows
        ends = (row % self.gathered == self.gathered - 1) | (row == self.source.rows - 1)
        counted = np.concatenate([[0], np.cumsum(ends)])
        return int((counted[rows:] - counted[:-rows]).max())

    def lane_row(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lane and word of inputs ``index``."""
        row, bit = self.source.locate(index)
        number, place = np.divmod(row, self.gathered)
        lane = place * self.source_width + bit % self.lanes
        return lane, (number << self.part_bits) + bit // self.lanes

    def bank_words(self, weights: np.ndarray) -> list[int]:
        """The weight memory, ``depth`` integers, see ``raster.pack_words``.

        weights : int8 (neurons, inputs), -1 or +1
        """
        padded = np.zeros((self.folds * self.parallel, self.inputs), np.int8)
        padded[: self.neurons] = weights
        lane, row = self.lane_row(np.arange(self.inputs))
        bank = np.zeros((self.rows, 1 << self.fold_bits, self.lanes, self.parallel), np.int8)
        by_fold = padded.reshape(self.folds, self.parallel, self.inputs)
        bank[row, : self.folds, lane] = by_fold.transpose(2, 0, 1)
        return pack_words(bank.reshape(self.depth, self.lanes * self.parallel))
