"""How a fully connected layer is laid out whose weights are constants of the logic.

A *word* has the spikes of all inputs, and is weighed for all neurons in one cycle.  Values of
several bits, at the network's input, come as a word for each of their bits, the *planes*, the
lowest first.  Inputs are counted in groups of `LEAF`: how many of those with a weight of +1 spike
is a LUT for each bit of the count, which all neurons with the same weights in a group share.  At
each neuron full adders add the counts column by column, until two numbers are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any, ClassVar

import numpy as np

from bsnn_hw.devices.parts import Parts, bits_of
from bsnn_hw.engines.dense_words import LEAF, DenseWords, sums_windows, word_source
from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.network import Network, Synapse
from bsnn_hw.ir.schedule import Engine

__all__ = ["LEVELS", "DenseUnrolled", "adder_heights"]

LEVELS = 2  # of full adders between two registers
_ADDER_LUTS = 2.6  # of a full adder, none of which share logic as others do


def adder_heights(inputs: int) -> list[list[int]]:
    """Most bits of each weight, 1, 2, 4, …, that count ``inputs``: of the groups' counts, and
    behind each level of full adders, until there are no more than two of any weight."""
    groups = _group_sizes(inputs)
    heights = [[sum(size.bit_length() > bit for size in groups)
                for bit in range(LEAF.bit_length())]]
    while max(heights[-1]) > 2:
        kept = [height // 3 + height % 3 for height in heights[-1]] + [0]
        carried = [0, *(height // 3 for height in heights[-1])]
        heights.append([a + b for a, b in zip(kept, carried, strict=True)])
    return heights


def _group_sizes(inputs: int) -> list[int]:
    whole, rest = divmod(inputs, LEAF)
    return [LEAF] * whole + [rest] * (rest > 0)


@dataclass(frozen=True)
class DenseUnrolled(DenseWords):
    """Counts of one fully connected layer, see the module's text.

    lanes : int, all inputs, with those that fill the source's last row
    parallel : int, all neurons
    """

    takes: ClassVar = Engine.UNROLLED
    binary: ClassVar = False
    weighed: ClassVar = False
    full_adders: ClassVar = True

    @classmethod
    def problem(cls, network: Network, number: int) -> str | None:
        """Why layer ``number`` cannot have this engine; None where it can."""
        layer = network.layers[number]
        if number < layer.back and network.input.largest != network.input.max_value:
            return "each channel of the input has a factor of its own"
        if sums_windows(layer.pool):
            return "rows whose sums are pooled come position by position"
        return cls._binary_problem(layer)

    @classmethod
    def lanes_problem(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> str | None:
        """What the lanes of layer ``number`` must be, unless ``lanes`` is such a count."""
        wanted = cls.fitting_lanes(network, number, lanes, parallel)
        return None if lanes == wanted else f"{wanted}, all inputs"

    @classmethod
    def parallel_problem(cls, synapse: Synapse, parallel: int) -> str | None:
        """What the parallel neurons of ``synapse`` must be, unless they are."""
        if parallel == synapse.neurons:
            return None
        return f"be {synapse.neurons}, all its neurons, as it is unrolled"

    @classmethod
    def fitting_lanes(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> int:
        """All inputs, whatever ``lanes``."""
        width, rows = word_source(network, number, parallel)
        return width * rows

    @classmethod
    def lane_choices(cls, network: Network, number: int, parallel: Sequence[int]) -> list[int]:
        """As above."""
        return [cls.fitting_lanes(network, number, 1, parallel)]

    @property
    def planes(self) -> int:
        """Words of one timestep, one for each bit of a value."""
        return self.source.bits

    @property
    def rows(self) -> int:
        """A number for each plane."""
        return self.planes

    @property
    def depth(self) -> int:
        """No weight memory."""
        return 0

    def bank_words(self, weights: np.ndarray) -> list[int]:
        """None, as there is no memory."""
        return []

    def lane_weights(self, weights: np.ndarray) -> np.ndarray:
        """Whether each lane's weight is +1, bool (neurons, lanes).

        weights : int8 (neurons, inputs), -1 or +1
        """
        found = np.zeros((self.neurons, self.lanes), bool)
        found[:, self.lane_row(np.arange(self.inputs))[0]] = weights > 0
        return found

    def weight_memories(self, weight_bits: int) -> list[tuple[int, int, int]]:
        """None."""
        return []

    @property
    def levels(self) -> int:
        """Of full adders, at each neuron."""
        return len(adder_heights(self.lanes)) - 1

    @property
    def shifts(self) -> int:
        """Bits of a plane's number, by each of which sums are shifted."""
        return bits_of(self.planes)

    def delay(self, weight_bits: int = 1) -> int:
        """Cycles from a word to ``deltas``: the groups' counts, full adders, their two numbers
        added, the spikes subtracted, and a shift to the plane's weight."""
        return 3 + -(-self.levels // LEVELS) + self.shifts

    # Cycles: of a value all planes.

    def walk(self, feed: Feed) -> np.ndarray:
        """Planes, where any input is not zero, (N, marks)."""
        return super().walk(feed) * self.planes

    def marked(self, feed: Feed, *, eager: bool = False) -> np.ndarray:
        """As in `Geometry`: the only word."""
        return self.walk(feed) > 0

    def queued(self, feed: Feed) -> np.ndarray:
        """A word, or the end of a timestep."""
        found: np.ndarray = np.maximum(1, super().walk(feed))
        return found

    def walk_key(self) -> tuple[Any, ...]:
        """What ``walk`` depends on, of one layer."""
        return type(self), self.planes

    # The input port: a slot's value has the values of all inputs.

    def value_bits(self, input_bits: int) -> int:
        """Those of each lane."""
        return self.lanes * input_bits

    def lane_bits(self, value_bits: int) -> int:
        """One, of a plane."""
        return 1

    @property
    def unhurried(self) -> bool:
        """Whether each sample takes several cycles."""
        return self.planes > 1

    def beats(self, steps: np.ndarray, slot_width: int,
              value_width: int) -> tuple[np.ndarray, np.ndarray]:
        """As in `Geometry`; a beat per timestep."""
        bits = np.zeros((len(steps), slot_width), np.uint8)
        for plane in range(self.planes):
            bits[:, plane:self.inputs * self.planes:self.planes] = steps >> plane & 1
        return np.packbits(bits, axis=1, bitorder="little"), np.arange(1, len(steps) + 1)

    def slot_facts(self, slot_width: int, value_width: int) -> dict[str, dict[str, Any]]:
        """As in `Geometry`."""
        return {"value": {"meaning": f"bits e * {self.planes} and up are the value of input e",
                          "inputs": self.lanes},
                "row": {"meaning": "0"}}

    @property
    def odd_input(self) -> dict[str, str]:
        """As in `Geometry`."""
        return {"address beyond the layer": "nothing of the beat counts",
                "value 0": "no input has a value; nothing happens"}

    # What it is made of.

    def synapse_parts(self, weight_bits: int, max_value: int) -> Parts:
        """hdl/unrolled_synapse.py: of weights drawn at random, as they look after training."""
        groups, counts, bits = _group_sizes(self.lanes), 0.0, 0.0
        for size in groups:
            for ones in range(1, size + 1):
                patterns = comb(size, ones)
                bits += patterns * ones.bit_length() / 2 ** size  # of the count at a neuron
                counts += (patterns * ones.bit_length()
                           * (1 - (1 - 2.0 ** -size) ** self.parallel))
        width, shifts = bits_of(self.lanes + 1), self.shifts
        left = 1.5 * width  # bits of two numbers, or fewer
        # A full adder takes one bit away, and a level of them a third.
        kept = sum(max(left, bits * (2 / 3) ** (LEVELS * k))
                   for k in range(1, 1 + -(-self.levels // LEVELS)))
        each = (Parts.logic(_ADDER_LUTS * max(0.0, bits - left), kept) + Parts.adders(width)
                + Parts(registers=width))
        shifted = self.parallel * (width + self.planes) * shifts
        return (Parts.logic(counts, counts) + (self.parallel + 1) * each
                + Parts.adders(width + 1, self.parallel)
                + Parts(registers=self.parallel * (width + 1)) + Parts.logic(shifted, shifted))

    def register_bits(self, weight_bits: int, value_bits: int) -> int:
        """The spikes alone."""
        return self.lanes

    def weight_parts(self, weight_bits: int) -> Parts:
        """None."""
        return Parts()
