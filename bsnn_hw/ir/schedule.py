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
from dataclasses import dataclass

from bsnn_hw.ir.memory import BLOCK_ROWS

__all__ = ["BLOCK_ROWS", "Engine", "LayerPlan", "Port", "Schedule"]


class Engine(enum.Enum):
    """What a layer's synapses take."""

    EVENTS = "events"  # the addresses of the inputs that spike
    WORDS = "words"  # spikes of many inputs side by side, whether there are any or not


class Port(enum.Enum):
    """What the top level's two AXI4-Streams carry."""

    EVENTS = "events"  # beats of event slots in, a score a beat out
    BYTES = "bytes"  # values of samples in, bytes of scores and the class out


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
