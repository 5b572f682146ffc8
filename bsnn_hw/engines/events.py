"""What the engines of events have in common: lanes, weight banks, and a sum over the lanes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, Product
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.memory import BLOCK_ROWS, bank_delay, bank_parts, bank_readers
from bsnn_hw.ir.network import Conv, Network
from bsnn_hw.ir.schedule import Engine

__all__ = ["EventGeometry", "pack_events"]

CHOICE_LUTS = 0.5  # of a bit and a further part of a weight bank


class EventGeometry(Geometry):
    """An engine that takes the addresses of the inputs that spike, or have a value.

    Each lane has a weight bank, or two shared lanes one between them; hdl/synapse.py weighs.
    """

    takes = Engine.EVENTS
    searched: ClassVar[tuple[int, ...]]  # counts of lanes that are worth weighing

    @classmethod
    def most_lanes(cls, network: Network, number: int, parallel: Sequence[int]) -> tuple[int, str]:
        """How many lanes layer ``number`` can have, and what these are."""
        layer = network.layers[number]
        producer = number - layer.back
        if producer >= 0:
            return (max(1, parallel[producer]),
                    f"parallel neurons of '{network.layers[producer].name}'")
        if isinstance(layer.synapse, Conv):
            return network.input.features.channels, "input's channels"
        return network.input.size, "inputs"

    @classmethod
    def lanes_problem(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> str | None:
        """What the lanes of layer ``number`` must be, unless ``lanes`` is such a count."""
        width, source = cls.most_lanes(network, number, parallel)
        return None if 1 <= lanes <= width else f"1..{width}, the {source}"

    @classmethod
    def fitting_lanes(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> int:
        """The largest legal count of lanes up to ``lanes``."""
        return min(lanes, cls.most_lanes(network, number, parallel)[0])

    @classmethod
    def lane_choices(cls, network: Network, number: int, parallel: Sequence[int]) -> list[int]:
        """Counts of lanes that a search weighs."""
        most, _ = cls.most_lanes(network, number, parallel)
        return [count for count in cls.searched if count <= most]

    @property
    @abstractmethod
    def fold_first(self) -> bool:
        """Whether a weight's address is ``{tap, row}``, else ``{row, tap}``."""

    @abstractmethod
    def bank_words(self, weights: np.ndarray, weight_bits: int = 1) -> list[list[int]]:
        """Weight banks, ``banks`` lists of ``depth`` integers, see ``raster.pack_words``."""

    @abstractmethod
    def single(self) -> Self:
        """The same events at a layer of one output channel."""

    @property
    @abstractmethod
    def row_bits(self) -> int:
        """Bits of a row's number in an address."""

    @property
    def slots_of_bank(self) -> int:
        """Inputs of one word that share a bank, at most."""
        return -(-self.source_width // self.banks)

    @property
    def slot_bits(self) -> int:
        """Bits of a slot's number in a row's."""
        return (self.slots_of_bank - 1).bit_length()

    def banks_delay(self, weight_bits: int = 1) -> int:
        """Cycles from a weight word's address to the word, the same for all banks of a layer."""
        return max(bank_delay(self.depth, self.word_weights * weight_bits, readers)
                   for readers in bank_readers(self.lanes, self.shared))

    def delay(self, weight_bits: int = 1) -> int:
        """Cycles from an address to the sum over the lanes: weight banks, terms, tree."""
        terms = -(-self.lanes // 2) if weight_bits == 1 else self.lanes
        return self.banks_delay(weight_bits) + 1 + (terms - 1).bit_length()

    def weight_memories(self, weight_bits: int) -> list[tuple[int, int, int]]:
        """(rows, bits of a row, readers) of each part of each bank."""
        width = self.word_weights * weight_bits
        return [(rows, width, readers) for readers in bank_readers(self.lanes, self.shared)
                for rows in bank_parts(self.depth, width, readers)]

    def weight_parts(self, weight_bits: int) -> Parts:
        """hdl/bank.py: the weight banks, and what chooses among the parts of one."""
        width, found = self.word_weights * weight_bits, Parts()
        if self.depth == 1:
            return found  # constants
        for readers in bank_readers(self.lanes, self.shared):
            rows = bank_parts(self.depth, width, readers)
            found += Parts(memories=tuple(
                Memory(part, width, Access.TABLE, block=part >= BLOCK_ROWS, readers=readers)
                for part in rows))
            if len(rows) > 1:
                registers = readers * len(rows) * width
                found += Parts(registers=registers, bare=registers - readers * width,
                               luts=readers * width * (len(rows) - 1) * CHOICE_LUTS)
        return found

    def synapse_parts(self, weight_bits: int, max_value: int) -> Parts:
        """hdl/synapse.py without the banks."""
        lanes, parallel = self.lanes, self.parallel
        value, value_bits = max_value, max_value.bit_length()
        parts = Parts.delays(lanes * (parallel * weight_bits + value_bits))
        if weight_bits == 1:
            terms = []
            for lane in range(0, lanes, 2):
                pair = min(2, lanes - lane)
                width = _sum_width(pair, value)
                if pair == 2:
                    parts += Parts.adders(width, 2) + Parts(registers=2 * width)
                else:
                    parts += Parts.delays(value_bits)
                chosen = width if pair == 2 or value_bits > 1 else 2
                parts += Parts.logic(parallel * (chosen + 1), parallel * (chosen + 1))
                terms.append(width)
            covers, largest = 2, value
        else:
            largest = value * ((1 << weight_bits - 1) - 1)
            width = _sum_width(1, largest)
            terms, covers = [width] * lanes, 1
            if value_bits > 1:
                parts += Parts(products=(Product(weight_bits, value_bits + 1, lanes * parallel),))
                parts += Parts.path("product")
                parts += Parts.delays(lanes * parallel * width + lanes * value_bits)
            else:
                parts += Parts.logic(lanes * parallel * weight_bits, lanes * parallel * weight_bits)
        while len(terms) > 1:
            covers = min(2 * covers, lanes)
            summed = []
            for first in range(0, len(terms), 2):
                if first + 1 < len(terms):
                    width = _sum_width(covers, largest)
                    parts += (Parts.adders(width + 1, parallel)
                              + Parts(registers=parallel * width))
                else:
                    width = terms[first]
                    parts += Parts.delays(parallel * width)
                summed.append(width)
                parts += Parts.delays(parallel * (weight_bits == 1))
            terms = summed
        return parts


def _sum_width(lanes: int, largest: int) -> int:
    return (lanes * largest).bit_length() + 1


def pack_events(geometry: EventGeometry, steps: np.ndarray, slot_width: int, value_width: int,
                row_bits: int | None = None, places: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """``Geometry.beats``: each timestep's events lowest address first, a lane's slot each.

    row_bits : of a row within its position, whose number stands above; all events of a beat are
        of one of ``places``, which slot 0 says also where it is empty.  None where there is none
    """
    step, address = np.nonzero(steps)
    lane, row = geometry.lane_row(address)
    place = np.zeros_like(row) if row_bits is None else row >> row_bits

    # Events of one position make beats; a beat's number there is an event's rank in its lane.
    spot, which = np.unique(step * places + place, return_inverse=True)
    key = which * geometry.lanes + lane
    counts = np.bincount(key, minlength=len(spot) * geometry.lanes)
    order = np.argsort(key, kind="stable")
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - (np.cumsum(counts) - counts)[key[order]]

    spot_beats = counts.reshape(-1, geometry.lanes).max(axis=1)
    beats = np.bincount(spot // places, spot_beats, len(steps)).astype(np.int64)
    silent = beats == 0  # a lone mark takes a beat
    ends = np.cumsum(beats + silent)
    before = np.cumsum(silent)[spot // places]  # lone marks before a position's events

    data = np.zeros((ends[-1], geometry.lanes, slot_width // 8), np.uint8)
    if row_bits is not None:
        beat = np.arange(spot_beats.sum()) + np.repeat(before, spot_beats)
        row_of_place = (spot % places) << row_bits
        _put(data, beat, 0, np.repeat(row_of_place << value_width, spot_beats))
    first = np.cumsum(spot_beats) - spot_beats + before
    _put(data, first[which] + rank, lane, (row << value_width) | steps[step, address])
    return data.reshape(len(data), -1), ends


def _put(data: np.ndarray, beat: np.ndarray, lane: np.ndarray | int, slot: np.ndarray) -> None:
    """Write ``slot`` into its bytes, low end first."""
    for byte in range(data.shape[2]):
        data[beat, lane, byte] = slot >> 8 * byte & 255
