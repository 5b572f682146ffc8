"""The events that come to one layer's synapses, as the words carry them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Port

__all__ = ["Feed", "least_one", "pool_positions"]


@dataclass(frozen=True)
class Feed:
    """The events of one synapse: behind a maximum, before a sum.

    events : bool (N, marks, shape.size), in the order of `Shape`.  Marks are timesteps; a
        direct-coded sample comes once, and has one
    shape : Shape of the map
    window : (height, width), positions of the map that a sum makes one of the synapse's; (1, 1)
        where nothing is summed
    port : Port that they come from, None where a layer sends them; a beat of event slots holds any
        events of a position, bytes are the values of all inputs one after the other
    passes : of the neurons that follow on each mark
    before : events of further layers, which the synapse takes in each timestep ahead of these
    """

    events: np.ndarray
    shape: Shape
    window: tuple[int, int] = (1, 1)
    port: Port | None = None
    passes: int = 1
    before: tuple[Feed, ...] = ()

    @property
    def streams(self) -> tuple[Feed, ...]:
        """All that the synapse takes in a timestep, in order."""
        return (*self.before, self)

    @property
    def map(self) -> np.ndarray:
        """``events`` as (N, marks, channels, height, width)."""
        return self.events.reshape(*self.events.shape[:2], self.shape.channels, self.shape.height,
                                   self.shape.width)

    @cached_property
    def totals(self) -> np.ndarray:
        """Events per position, all channels together, int32 (N, marks, height, width)."""
        found: np.ndarray = self.map.sum(axis=2, dtype=np.int32)
        return found

    @property
    def counts(self) -> np.ndarray:
        """Events per input of the synapse, (N, marks, inputs); bool where each has one at most."""
        return pool_positions(self.map, self.window).reshape(*self.events.shape[:2], -1)

    def words(self, width: int) -> np.ndarray:
        """As a layer of ``width`` parallel neurons sends them, bool (N, marks, words, width)."""
        raster = Raster(self.shape, width)
        row, bit = raster.locate(np.arange(self.shape.size))
        found = np.zeros((*self.events.shape[:2], raster.rows, width), bool)
        found[:, :, row, bit] = self.events
        return found


def pool_positions(values: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """``values`` (..., height, width) summed over windows, int32; as they are without."""
    if window == (1, 1):
        return values
    *outer, height, width = values.shape
    split = values.reshape(*outer, height // window[0], window[0], width // window[1], window[1])
    found: np.ndarray = split.sum(axis=(-3, -1), dtype=np.int32)
    return found


def least_one(words: np.ndarray) -> np.ndarray:
    """``words`` (N, marks) that are queued, as a timestep's last one is, with spikes or without."""
    found: np.ndarray = np.maximum(words, 1)
    return found
