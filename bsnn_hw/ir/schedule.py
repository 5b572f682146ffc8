"""How a layer is laid out in space and time: lanes, parallel neurons, folds and addresses.

One layer's inputs arrive as *words* of ``source_width`` inputs, word after word.  Input ``i`` is
bit ``i % source_width`` of word ``i // source_width``; a bit belongs to lane ``bit % lanes`` and
is that lane's slot ``bit // lanes``.  Output neuron ``n`` is position ``n % parallel`` of fold
``n // parallel``.  A lane's weight bank holds, at address ``{row, fold}``, the weights from the
input at ``row = {word, slot}`` to the ``parallel`` neurons of that fold; braces join binary
numbers, so an address costs no adder, and counts that are no power of two leave words unused.

With ``shared`` lanes, every lane's bank holds the weights of all inputs and takes any event: as
many lanes with even load, for as many copies of the weights.  The address map is then that of a
single lane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Hidden, Network, Readout

__all__ = ["LayerGeometry", "LayerPlan", "Schedule", "geometries",
           "network_geometries"]


@dataclass(frozen=True)
class LayerPlan:
    """Parallelism of one layer.

    lanes : int, 1..source width: input events taken per cycle
    parallel : int, 1..neurons: neurons updated per cycle
    shared : bool, every lane takes any event; not in the first layer
    """

    lanes: int
    parallel: int
    shared: bool = False


@dataclass(frozen=True)
class Schedule:
    """One plan per layer, the readout last."""

    layers: tuple[LayerPlan, ...]


@dataclass(frozen=True)
class LayerGeometry:
    """Counts and address maps of one layer, see the module's text."""

    inputs: int
    source_width: int
    neurons: int
    lanes: int
    parallel: int
    shared: bool = False

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
        return -(-self.inputs // self.source_width)

    @property
    def slots(self) -> int:
        """Inputs of one word that share a bank, at most."""
        return -(-self.source_width // self.banks)

    @property
    def slot_bits(self) -> int:
        """Bits of a slot's number in a row's."""
        return (self.slots - 1).bit_length()

    @property
    def fold_bits(self) -> int:
        """Bits of a fold's number in an address."""
        return (self.folds - 1).bit_length()

    @property
    def rows(self) -> int:
        """Input rows of one weight bank."""
        return self.words << self.slot_bits

    @property
    def depth(self) -> int:
        """Words of one weight bank, ``parallel`` bits each."""
        return self.rows << self.fold_bits

    def lane_row(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bank (which is the lane, unless lanes are shared) and row of inputs ``index``."""
        word, bit = np.divmod(np.asarray(index), self.source_width)
        return bit % self.banks, (word << self.slot_bits) + bit // self.banks

    def bank_words(self, weights: np.ndarray) -> list[list[int]]:
        """Weight banks, ``banks`` lists of ``depth`` integers of ``parallel`` bits (1 is +1).

        weights : int8 (neurons, inputs), each -1 or +1
        """
        padded = np.zeros((self.folds * self.parallel, self.inputs), bool)
        padded[: self.neurons] = weights > 0
        lane, row = self.lane_row(np.arange(self.inputs))
        banks = np.zeros((self.banks, self.rows, 1 << self.fold_bits, self.parallel), bool)
        by_fold = padded.reshape(self.folds, self.parallel, self.inputs)
        banks[lane, row, : self.folds] = by_fold.transpose(2, 0, 1)
        packed = np.packbits(banks, axis=-1, bitorder="little")
        flat = packed.reshape(self.banks, self.depth, -1)
        return [[int.from_bytes(word.tobytes(), "little") for word in bank] for bank in flat]


def geometries(input_size: int, neurons: tuple[int, ...],
               schedule: Schedule) -> tuple[LayerGeometry, ...]:
    """Geometry of every layer: each one's source width is the previous one's ``parallel``.

    The first layer's words are ``lanes`` wide: one external event slot per lane.
    """
    result = []
    inputs, width = input_size, schedule.layers[0].lanes
    for count, plan in zip(neurons, schedule.layers, strict=True):
        result.append(LayerGeometry(inputs, width, count, plan.lanes, plan.parallel,
                                    plan.shared))
        inputs, width = count, plan.parallel
    return tuple(result)


def network_geometries(network: Network, schedule: Schedule) -> tuple[LayerGeometry, ...]:
    """Geometry of every layer of ``network``, the readout last."""
    layers: tuple[Hidden | Readout, ...] = (*network.hidden, network.readout)
    return geometries(network.input.size, tuple(layer.synapse.neurons for layer in layers),
                      schedule)
