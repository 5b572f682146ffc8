"""How a layer is laid out in space and time: lanes, parallel neurons, folds and addresses.

One layer's inputs arrive as *words*, the rows of the giving layer's ``Raster``; the network's
input is one whose words are as wide as the first layer has lanes.  A bit of a word belongs to lane
``bit % lanes`` and is that lane's slot ``bit // lanes``.  A layer's own neurons form a ``Raster``
with ``parallel`` of them in a row.

A fully connected layer's weight bank holds, at address ``{row, fold}``, the weights from the input
at ``row = {word, slot}`` to the ``parallel`` neurons of that fold; braces join binary numbers, so
an address costs no adder, and counts that are no power of two leave words unused.  Where
``{fold, row}`` leaves fewer unused, that is the address.  A convolution's
are in ``ir/convolution.py``.

With ``shared`` lanes, every lane's bank holds the weights of all inputs and takes any event: as
many lanes with even load, for as many copies of the weights.  The address map is then that of a
single lane.

A fully connected layer may take words of spikes instead of events; that engine's map is in
``ir/words.py``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.memory import BLOCK_ROWS, bank_delay, bank_readers
from bsnn_hw.ir.network import Conv, Network, Pool, Shape, Synapse, SynapseShortcut
from bsnn_hw.ir.raster import Raster, pack_words
from bsnn_hw.ir.words import WordGeometry

__all__ = ["BLOCK_ROWS", "Engine", "Geometry", "LayerGeometry", "LayerPlan", "Schedule",
           "banks_delay", "geometry_of", "most_queued", "network_geometries",
           "shortcut_geometries", "source_raster", "synapse_delay"]


# Where a family has LUT memories of 16 rows, two of them one upon the other are cheaper below.


class Engine(enum.Enum):
    """What a layer's synapses take."""

    EVENTS = "events"  # the addresses of the inputs that spike
    WORDS = "words"  # spikes of many inputs side by side, whether there are any or not


@dataclass(frozen=True)
class LayerPlan:
    """Parallelism of one layer.

    lanes : int, 1..source width: input events taken per cycle.  Of the engine of words the inputs
        of a word: 1..source width, or a multiple of it
    parallel : int, 1..neurons: neurons updated per cycle
    shared : bool, every lane takes any event; not in the first layer, and only of events
    engine : Engine; words in fully connected layers of binary spikes and weights only
    """

    lanes: int
    parallel: int
    shared: bool = False
    engine: Engine = Engine.EVENTS


@dataclass(frozen=True)
class Schedule:
    """One plan per layer, the readout last.

    block_rows : int, 2 or more: accumulators and potentials of so many rows and more lie in block
        RAM; a family without LUT memories wants few
    constant_rows : int, 2 or more: likewise of biases, thresholds and gains; where weights fill
        the block RAM, many
    """

    layers: tuple[LayerPlan, ...]
    block_rows: int = BLOCK_ROWS
    constant_rows: int = BLOCK_ROWS


@dataclass(frozen=True)
class LayerGeometry:
    """Counts and address maps of one fully connected layer, see the module's text.

    source : Raster of the words that come in
    neurons, lanes, parallel, shared : as in `LayerPlan`
    """

    source: Raster
    neurons: int
    lanes: int
    parallel: int
    shared: bool = False

    @classmethod
    def flat(cls, inputs: int, source_width: int, neurons: int, lanes: int, parallel: int,
             shared: bool = False) -> LayerGeometry:
        """A layer without a map at its input: ``inputs`` in words of ``source_width``."""
        return cls(Raster(Shape(inputs), source_width), neurons, lanes, parallel, shared)

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
        """Inputs of one word."""
        return self.source.width

    @property
    def plan(self) -> LayerPlan:
        """The plan that leads here."""
        return LayerPlan(self.lanes, self.parallel, self.shared)

    @property
    def banks(self) -> int:
        """Lanes that the inputs are divided among."""
        return 1 if self.shared else self.lanes

    @property
    def folds(self) -> int:
        """Cycles of one pass over the neurons, and of one group of events."""
        return -(-self.neurons // self.parallel)

    @property
    def words(self) -> int:
        """Words per timestep at the input."""
        return self.source.rows

    @property
    def slots(self) -> int:
        """Inputs of one word that share a bank, at most."""
        return -(-self.source_width // self.banks)

    @property
    def slot_bits(self) -> int:
        """Bits of a slot's number in a row's."""
        return (self.slots - 1).bit_length()

    @property
    def taps(self) -> int:
        """Weight words of one input."""
        return self.folds

    @property
    def fold_bits(self) -> int:
        """Bits of a fold's number in an address."""
        return (self.folds - 1).bit_length()

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


Geometry = LayerGeometry | ConvGeometry | WordGeometry


def banks_delay(geometry: Geometry, weight_bits: int = 1) -> int:
    """Cycles from a weight word's address to the word, the same for all banks of a layer."""
    return max(bank_delay(geometry.depth, geometry.parallel * weight_bits, readers)
               for readers in bank_readers(geometry.lanes, geometry.shared))


def synapse_delay(geometry: Geometry, weight_bits: int = 1) -> int:
    """Cycles from an address to the sum over the lanes: weight banks, terms, tree."""
    lanes = geometry.lanes
    terms = -(-lanes // 2) if weight_bits == 1 else lanes
    return banks_delay(geometry, weight_bits) + 1 + (terms - 1).bit_length()


def geometry_of(synapse: Synapse, source: Raster, plan: LayerPlan) -> Geometry:
    """Geometry of synapses whose spikes come in the order ``source``."""
    if isinstance(synapse, Conv):
        return ConvGeometry(source, synapse.shape, synapse.kernel, synapse.stride,
                            synapse.padding, plan.lanes, plan.parallel, plan.shared)
    if plan.engine is Engine.WORDS:
        return WordGeometry(source, synapse.neurons, plan.lanes, plan.parallel)
    return LayerGeometry(source, synapse.neurons, plan.lanes, plan.parallel, plan.shared)


def source_raster(network: Network, schedule: Schedule, number: int, back: int = 1,
                  pool: Pool | None = None) -> Raster:
    """Order of the spikes that layer ``number`` gets from ``back`` layers before, pooled.

    The network's input has words as wide as the first layer has lanes: an event slot per lane.
    """
    giver = number - back
    width = schedule.layers[giver].parallel if giver >= 0 else schedule.layers[0].lanes
    shape = network.features(giver)
    if giver < 0 and not isinstance(network.layers[0].synapse, Conv):
        shape = Shape(shape.size)  # nothing but its index counts
    return Raster(pool.shape(shape) if pool else shape, width)


def has_register(geometry: Geometry) -> bool:
    """Whether a register stands between the network's input queue and these synapses.

    It passes a group every other cycle, and a walk over two folds or more takes as long.
    """
    return not isinstance(geometry, ConvGeometry) and geometry.folds > 1


def most_queued(source: Raster) -> int:
    """Words that a queue of spikes holds at most, however many an inference has.

    A layer that has to wait in its step for its reader cannot take the next timestep's events.
    Beyond a few block RAMs the memory costs more than the waiting.

    source : of the words, pooled
    """
    if source.shape.positions == 1:
        return 512
    fitting = (1 << 17) // (source.width + 16)  # 128 kbit; 16 bits for the place and a mark
    return max(512, 1 << fitting.bit_length() - 1)


def network_geometries(network: Network, schedule: Schedule) -> tuple[Geometry, ...]:
    """Geometry of every layer of ``network``, the readout last."""
    return tuple(
        geometry_of(layer.synapse,
                    source_raster(network, schedule, number, layer.back, layer.pool), plan)
        for number, (layer, plan) in enumerate(zip(network.layers, schedule.layers, strict=True)))


def shortcut_geometries(network: Network,
                        schedule: Schedule) -> tuple[tuple[Geometry | None, ...], ...]:
    """Per hidden layer and shortcut the geometry of its synapses, None where it has none.

    A shortcut's synapses have one lane, and the layer's own parallel neurons.
    """
    return tuple(
        tuple(geometry_of(shortcut.synapse,
                          source_raster(network, schedule, number, shortcut.back, shortcut.pool),
                          LayerPlan(1, schedule.layers[number].parallel))
              if isinstance(shortcut, SynapseShortcut) else None for shortcut in layer.shortcuts)
        for number, layer in enumerate(network.hidden))
