"""How a fully connected layer is laid out that takes words of spikes as they are.

The layer before gives its spikes in rows, ``source.width`` at a time.  A *word* is what the layer
takes in a cycle, ``lanes`` inputs side by side: one of the ``parts`` of a row that is wider, a row,
or ``gathered`` rows that follow each other.  Its weights lie at address ``{word, fold}``, of every
lane ``parallel`` bits, the first lane's lowest; with parts ``word = {row, part}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, bits_of, fifo_parts
from bsnn_hw.engines.costs import encoder_parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed, least_one
from bsnn_hw.ir.memory import BLOCK_ROWS
from bsnn_hw.ir.network import Conv, Hidden, Network, Pool, PoolKind, Readout, Shape, Synapse
from bsnn_hw.ir.raster import Raster, pack_words
from bsnn_hw.ir.schedule import Engine, LayerPlan

__all__ = ["LEAF", "DenseWords", "popcount_delay", "sums_windows", "word_source"]

MOST_CHOSEN = 64  # lanes of a word that is not asked for
LANES_STEP = 2.0  # from one number of lanes that is weighed to the next, at least
LEAF = 4  # bits whose count is a LUT per bit


def popcount_delay(count: int) -> int:
    """Cycles from ``count`` bits to their popcount, in hdl/popcount.py."""
    return 0 if count <= LEAF else 1 + popcount_delay(count // 2)


def _popcount_parts(count: int) -> Parts:
    """hdl/popcount.py, one position."""
    if count <= LEAF:
        return Parts.logic((0, 0, 2, 2, 3)[count])
    half, width = count // 2, count.bit_length()
    return (_popcount_parts(half) + _popcount_parts(count - half - 1) + Parts.adders(width + 1)
            + Parts(registers=width) + Parts.delays(popcount_delay(count) - 1))


def sums_windows(pool: Pool | None) -> bool:
    """Whether rows come once per position of a window, not in order."""
    return pool is not None and pool.kind is PoolKind.SUM and (pool.height, pool.width) != (1, 1)


def word_source(network: Network, number: int, parallel: Sequence[int]) -> tuple[int, int]:
    """(inputs in a row of the layer's source, rows that may be gathered)."""
    layer = network.layers[number]
    producer = number - layer.back
    if producer < 0:
        return network.input.size, 1
    width = max(1, parallel[producer])
    shape = network.features(producer)
    if layer.pool is not None:
        if sums_windows(layer.pool):
            return width, 1
        shape = layer.pool.shape(shape)
    return width, shape.positions * -(-shape.channels // width)


@dataclass(frozen=True)
class DenseWords(Geometry):
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
    shared: bool = field(default=False, init=False, repr=False)  # no lane takes another's inputs

    takes: ClassVar = Engine.WORDS
    binary: ClassVar = True
    whole_walks: ClassVar = True
    lanes_of: ClassVar = "lanes of words"
    slot_kind: ClassVar = "words"

    @classmethod
    def weighs(cls, synapse: Synapse) -> bool:
        """Whether such synapses are of this engine's kind."""
        return not isinstance(synapse, Conv)

    @classmethod
    def problem(cls, network: Network, number: int) -> str | None:
        """Why layer ``number`` cannot have this engine; None where it can."""
        layer = network.layers[number]
        problem = cls._binary_problem(layer)
        if problem is None and number < layer.back and network.input.max_value > 1:
            return f"the input gives values of {network.input.bits} bits, not spikes"
        return problem

    @classmethod
    def _binary_problem(cls, layer: Hidden | Readout) -> str | None:
        """Why ``layer`` cannot take words of bits."""
        if isinstance(layer.synapse, Conv):
            return "a convolution walks from event to event"
        if layer.synapse.weight_bits != 1:
            return f"its weights have {layer.synapse.weight_bits} bits"
        if layer.summands:
            return "spikes of several layers come to it one after the other"
        if isinstance(layer, Hidden) and layer.gate is not None:
            return "its gate sums weights of several bits, event by event"
        return None

    @classmethod
    def lanes_problem(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> str | None:
        """What the lanes of layer ``number`` must be, unless ``lanes`` is such a count."""
        width, rows = word_source(network, number, parallel)
        if 1 <= lanes <= width or (lanes % width == 0 and 1 <= lanes // width <= rows):
            return None
        if number < network.layers[number].back:
            return f"1..{width}, the inputs"
        name = network.layers[number - network.layers[number].back].name
        more = f", or a multiple of it up to {width * rows}" if rows > 1 else ""
        return f"1..{width}, the parallel neurons of '{name}'{more}"

    @classmethod
    def fitting_lanes(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> int:
        """The largest legal count of lanes up to ``lanes``."""
        width, rows = word_source(network, number, parallel)
        return lanes if lanes <= width else min(lanes // width, rows) * width

    @classmethod
    def all_lanes(cls, network: Network, number: int, parallel: Sequence[int]) -> list[int]:
        """Halves of what the layer before gives, and whole rows together, up to MOST_CHOSEN."""
        width, rows = word_source(network, number, parallel)
        parts = {-(-width // (1 << k)) for k in range(width.bit_length())}
        whole = {width * count for count in range(1, rows + 1)
                 if -(-rows // count) < -(-rows // max(1, count - 1)) or count == 1}
        return sorted(lanes for lanes in parts | whole if lanes <= MOST_CHOSEN)

    @classmethod
    def lane_choices(cls, network: Network, number: int, parallel: Sequence[int]) -> list[int]:
        """Some of ``all_lanes``, the most and the fewest among them."""
        kept: list[int] = []
        for count in reversed(cls.all_lanes(network, number, parallel)):
            if not kept or count * LANES_STEP <= kept[-1]:
                kept.append(count)
        return kept

    @classmethod
    def of(cls, synapse: Synapse, source: Raster, plan: LayerPlan) -> DenseWords:
        """The layer laid out."""
        return cls(source, synapse.neurons, plan.lanes, plan.parallel)

    def worth_sharing(self, weight_bits: int) -> bool:
        """Never: no lane takes another's inputs."""
        return False

    @classmethod
    def flat(cls, inputs: int, source_width: int, neurons: int, lanes: int,
             parallel: int) -> DenseWords:
        """A layer without a map at its input: ``inputs`` in rows of ``source_width``."""
        return cls(Raster(Shape(inputs), source_width), neurons, lanes, parallel)

    @property
    def raster(self) -> Raster:
        """Order of the layer's own neurons."""
        return Raster(Shape(self.neurons), self.parallel)

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
    def taps(self) -> int:
        """Weight words of one word of inputs."""
        return self.folds

    @property
    def depth(self) -> int:
        """Weight words, ``lanes * parallel`` bits each."""
        return self.rows << self.fold_bits

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of the weights that belong here."""
        return self.neurons, self.inputs

    @property
    def row_count(self) -> int:
        """One row for all lanes."""
        return 1

    def arrivals(self, rows: int) -> int:
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

    def weight_memories(self, weight_bits: int) -> list[tuple[int, int, int]]:
        """One memory, whatever its depth."""
        return [(self.depth, self.lanes * self.parallel * weight_bits, 1)]

    def delay(self, weight_bits: int = 1) -> int:
        """Cycles from a word's number to ``deltas``: block RAM, register, tree, difference."""
        return 3 + popcount_delay(self.lanes)

    # The queue in front holds wide entries, so none for those that come late.

    @property
    def queue_widths(self) -> list[int]:
        """One queue, of words with their number and two flags, or of rows that are cut behind."""
        if self.parts > 1:
            return [self.source_width + max(1, bits_of(self.source.rows)) + 1]
        return [self.lanes + max(1, bits_of(self.rows)) + 2]

    def entries(self, words: int, timesteps: int, margin: int) -> int:
        """Entries that hold all words of an inference."""
        return max(-(-words // self.gathered) * timesteps, self.arrivals(margin) + 2)

    # Cycles.

    def walk(self, feed: Feed) -> np.ndarray:
        """Words with a spike, (N, marks); the others take no cycle."""
        if feed.window == (1, 1):
            _, rows = self.lane_row(np.arange(self.inputs))
        else:  # rows that are summed come position by position, as they are before it
            channel, place = np.divmod(np.arange(feed.shape.size), feed.shape.positions)
            fold, bit = np.divmod(channel, self.source_width)
            folds = -(-feed.shape.channels // self.source_width)
            rows = (place * folds + fold) * self.parts + bit // self.lanes
        order = np.argsort(rows, kind="stable")
        starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
        spiking = np.logical_or.reduceat(feed.events[:, :, order], starts, axis=2)
        found: np.ndarray = spiking.sum(axis=2)
        return found

    def even_walk(self, feed: Feed) -> np.ndarray:
        """The same."""
        return self.walk(feed)

    def marked(self, feed: Feed, *, eager: bool = False) -> np.ndarray:
        """As in `Geometry`: the last word has a spike."""
        rows = feed.words(self.source_width)
        first = (rows.shape[2] - 1) // self.gathered * self.gathered
        return np.asarray(rows[:, :, first:].any(axis=(2, 3)))

    def queued(self, feed: Feed) -> np.ndarray:
        """As in `Geometry`: a queue of rows that are cut, or of words."""
        return super().queued(feed) if self.parts > 1 else least_one(self.walk(feed))

    def walk_key(self) -> tuple[Any, ...]:
        """What ``walk`` depends on, of one layer."""
        return type(self), self.source_width, self.lanes

    # The input port: a slot's value is a word of spikes.

    @property
    def slots(self) -> int:
        """One, with a bit for each lane."""
        return 1

    def value_bits(self, input_bits: int) -> int:
        """A bit for each lane."""
        return self.lanes

    def beats(self, steps: np.ndarray, slot_width: int,
              value_width: int) -> tuple[np.ndarray, np.ndarray]:
        """As in `Geometry`; a beat per word that has a spike."""
        step, address = np.nonzero(steps)
        lane, row = self.lane_row(address)
        spot, which = np.unique(step * self.rows + row, return_inverse=True)
        words = np.bincount(spot // self.rows, minlength=len(steps))
        silent = words == 0  # a lone mark takes a beat
        ends = np.cumsum(words + silent)
        beat = np.arange(len(spot)) + np.cumsum(silent)[spot // self.rows]
        bits = np.zeros((ends[-1], slot_width), np.uint8)
        bits[beat[which], lane] = 1
        for bit in range(slot_width - value_width):
            bits[beat, value_width + bit] = spot % self.rows >> bit & 1
        return np.packbits(bits, axis=1, bitorder="little"), ends

    def slot_facts(self, slot_width: int, value_width: int) -> dict[str, dict[str, Any]]:
        """As in `Geometry`."""
        return {"value": {"meaning": "bit e is 1 where input e of the row spikes",
                          "inputs": self.lanes},
                "row": {"meaning": f"bit e of row r is input r * {self.lanes} + e"}}

    @property
    def odd_input(self) -> dict[str, str]:
        """As in `Geometry`."""
        return {"address beyond the layer": "the bit is ignored",
                "value 0": "a word without spikes; nothing happens"}

    # What it is made of.

    def synapse_parts(self, weight_bits: int, max_value: int) -> Parts:
        """hdl/word_synapse.py without the memory: a popcount per neuron, and one of the spikes."""
        lanes, parallel = self.lanes, self.parallel
        width = max(bits_of(lanes + 1), 1)
        return (Parts.delays(lanes * (parallel + 2)) + (parallel + 1) * _popcount_parts(lanes)
                + Parts.adders(width + 1, parallel) + Parts(registers=parallel * width + 1))

    def weight_parts(self, weight_bits: int) -> Parts:
        """One memory; a single row is constants."""
        if self.depth == 1:
            return Parts()
        width = self.parallel * weight_bits * self.lanes
        return Parts(memories=(Memory(self.depth, width, Access.TABLE,
                                      block=self.depth >= BLOCK_ROWS),))

    @property
    def link_delay(self) -> int:
        """Words come straight out of the queue; rows that are cut pass something like an
        encoder."""
        return 0 if self.parts > 1 else -2

    def walk_parts(self) -> Parts:
        """A counter of folds."""
        fold = bits_of(self.folds)
        return Parts.adders(fold) + Parts.logic(fold / 2, fold) if fold else Parts()

    def link_parts(self, depth: int) -> Parts:
        """hdl/word_link.py: rows gathered, a queue, and rows cut."""
        width, row = self.source_width, max(1, bits_of(self.source.rows))
        parts = Parts.delays(1)
        if self.gathered > 1:
            row, count = max(1, bits_of(self.rows)), self.gathered
            parts += Parts.adders(row) + Parts.logic(
                1.7 * width * count + 8 + 2 * row, width * (count - 1) + row + bits_of(count))
            width = self.lanes
        parts += fifo_parts(depth - 1, *self.queue_widths) + Parts.logic(width / 3 + 2)
        if self.parts > 1:
            count, lanes = self.parts, self.lanes
            parts += (encoder_parts(count, row) + Parts.delays(width + row)
                      + Parts.logic(width / 3 + lanes * (count - 1) * 0.6, lanes + row + 2))
        return parts
