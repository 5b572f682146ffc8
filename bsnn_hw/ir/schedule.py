"""What is chosen for each layer: engine, lanes, parallel neurons; where they lead is in engines/.

One layer's inputs arrive as *words*, the rows of the producing layer's ``Raster``; the network's
input is one whose words are as wide as the first layer has lanes.  A bit of a word belongs to lane
``bit % lanes`` and is that lane's slot ``bit // lanes``.  A layer's own neurons form a ``Raster``
with ``parallel`` of them in a row.

With ``shared`` lanes, every lane's bank holds the weights of all inputs and takes any event: as
many lanes with even load, for as many copies of the weights.  The address map is then that of a
single lane.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import NamedTuple

from bsnn_hw.ir.memory import BLOCK_ROWS

__all__ = ["BLOCK_ROWS", "USUAL_ROWS", "Engine", "LayerPlan", "Port", "Rows", "Schedule", "Store",
           "Stores"]


class Engine(enum.Enum):
    """What a layer's synapses take."""

    EVENTS = "events"  # the addresses of the inputs that spike
    WORDS = "words"  # spikes of many inputs side by side, whether there are any or not
    UNROLLED = "unrolled"  # those of all inputs at once, with weights that are constants


class Store(enum.Enum):
    """A layer's memories that block RAM may hold, or LUTs and registers."""

    SUMS = "sums"  # of all its engines
    POTENTIALS = "potentials"
    BIASES = "biases"
    THRESHOLDS = "thresholds"
    RESETS = "reset amounts"
    LEAKS = "leaks"
    GAINS = "gains"
    SYNAPTIC = "synaptic currents"
    HELD = "held sums"  # that units of their own step on
    FLOORS = "floors"

    @property
    def written(self) -> bool:
        """Whether it is state, and no constants."""
        return self in (Store.SUMS, Store.POTENTIALS, Store.SYNAPTIC, Store.HELD)


class Rows(NamedTuple):
    """A rule: memories of state, and of constants, lie in block RAM from so many rows on.

    state, constants : int, 2 or more
    """

    state: int = BLOCK_ROWS
    constants: int = BLOCK_ROWS

    def hold(self, store: Store, rows: int) -> bool:
        """Whether a memory of ``rows`` lies in block RAM."""
        return rows >= max(2, self.state if store.written else self.constants)


USUAL_ROWS = Rows()


@dataclass(frozen=True)
class Stores:
    """Memories that lie in block RAM, by name; a single row is a register wherever it is."""

    names: frozenset[Store] = frozenset()

    def hold(self, store: Store, rows: int) -> bool:
        """Whether a memory of ``rows`` lies in block RAM."""
        return rows > 1 and store in self.names


class Port(enum.Enum):
    """What the top level's two AXI4-Streams carry."""

    EVENTS = "events"  # beats of event slots in, a score a beat out
    BYTES = "bytes"  # values of samples in, bytes of scores and the class out


@dataclass(frozen=True)
class LayerPlan:
    """Parallelism of one layer.

    lanes : int, 1..source width: input events taken per cycle.  Of the engine of words the inputs
        of a word: 1..source width, or a multiple of it; unrolled, all of them
    parallel : int, 1..neurons: neurons updated per cycle
    shared : bool, every lane takes any event; not in the first layer, and only of events
    engine : Engine; words in fully connected layers of binary spikes and weights only
    memories : which of the layer's memories lie in block RAM, by name or by a rule
    places : int, output places of a line that are charged per cycle: 1, or of events of a
        convolution as many as one reaches
    pipelined : bool, block RAMs and products are read through registers of their own, and a reset
        has a cycle of its own: a higher clock, and rows that may step again a little later
    units : int, a divisor of ``parallel``: neurons that step per cycle, on sums that are held
        while the synapses take the next events; None where all ``parallel`` do, at once
    """

    lanes: int
    parallel: int
    shared: bool = False
    engine: Engine = Engine.EVENTS
    memories: Rows | Stores = USUAL_ROWS
    places: int = 1
    pipelined: bool = False
    units: int | None = None


@dataclass(frozen=True)
class Schedule:
    """One plan per layer, the readout last."""

    layers: tuple[LayerPlan, ...]

    def placed(self, *memories: Rows | Stores) -> Schedule:
        """The same with memories where each layer's, or the only one, of ``memories`` says."""
        each = memories * len(self.layers) if len(memories) == 1 else memories
        return Schedule(tuple(replace(plan, memories=where) for plan, where
                              in zip(self.layers, each, strict=True)))

    @property
    def all_pipelined(self) -> bool:
        """Whether every layer is."""
        return all(plan.pipelined for plan in self.layers)

    def pipelined(self, *pipelined: bool) -> Schedule:
        """The same with each layer, or all, pipelined or not."""
        each = pipelined * len(self.layers) if len(pipelined) == 1 else pipelined
        return Schedule(tuple(replace(plan, pipelined=given) for plan, given
                              in zip(self.layers, each, strict=True)))
