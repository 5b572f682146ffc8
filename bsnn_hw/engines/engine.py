"""What an engine is asked: how a layer's synapses are laid out, and what their work takes.

An engine is a class derived from `Geometry`; an object of it is a layer laid out for that engine.
It says everything that depends on the engine and is a number; what it is in Amaranth stands in the
file of the same name in hdl/engines/.  ``engines/registry.py`` lists all engines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.feed import Feed, least_one
from bsnn_hw.ir.network import Network, Synapse
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Engine, LayerPlan

__all__ = ["Geometry"]


class Geometry(ABC):
    """Counts and address maps of one layer, and what its engine does with them.

    takes : Engine, the name that a plan calls it by
    binary : bool, it takes spikes only, and weights of one bit
    whole_walks : bool, every group of events walks over all rows, so that the neurons step in the
        walk of a timestep's last one
    source : Raster of the words that come in, pooled
    lanes, parallel, shared : as in `LayerPlan`
    """

    takes: ClassVar[Engine]
    binary: ClassVar[bool] = False
    whole_walks: ClassVar[bool] = False
    weighed: ClassVar[bool] = True  # a search takes it by itself, not only where it is asked to
    full_adders: ClassVar[bool] = False  # it is made of them, and of no carry chains
    many_places: ClassVar[bool] = False  # an operation charges several output places
    lanes_of: ClassVar[str] = "lanes"  # what messages call the lanes
    slot_kind: ClassVar[str] = "slots"  # of beats at the input: of events, or "words" of spikes

    source: Raster
    lanes: int
    parallel: int
    shared: bool

    # What a plan may ask for.

    @classmethod
    @abstractmethod
    def weighs(cls, synapse: Synapse) -> bool:
        """Whether such synapses are of this engine's kind."""

    @classmethod
    @abstractmethod
    def problem(cls, network: Network, number: int) -> str | None:
        """Why layer ``number`` cannot have this engine; None where it can."""

    @classmethod
    def parallel_problem(cls, synapse: Synapse, parallel: int) -> str | None:
        """What the parallel neurons of ``synapse`` must be, unless they are."""
        return None

    @classmethod
    @abstractmethod
    def lanes_problem(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> str | None:
        """What the lanes of layer ``number`` must be, unless ``lanes`` is such a count."""

    @classmethod
    @abstractmethod
    def fitting_lanes(cls, network: Network, number: int, lanes: int,
                      parallel: Sequence[int]) -> int:
        """The largest legal count of lanes up to ``lanes``."""

    @classmethod
    @abstractmethod
    def lane_choices(cls, network: Network, number: int, parallel: Sequence[int]) -> list[int]:
        """Counts of lanes that a search weighs; all are legal."""

    @classmethod
    def may_share(cls, synapse: Synapse, parallel: int) -> bool:
        """Whether lanes may take events of any words."""
        return True

    @classmethod
    def folds_reached(cls, synapse: Synapse, parallel: int) -> int:
        """``event_folds`` of a layer with so many parallel neurons."""
        return -(-synapse.shape.channels // parallel)

    @classmethod
    @abstractmethod
    def of(cls, synapse: Synapse, source: Raster, plan: LayerPlan) -> Self:
        """The layer laid out."""

    @abstractmethod
    def worth_sharing(self, weight_bits: int) -> bool:
        """Whether a layer with these shared lanes is as fast as with lanes of their own, and its
        copies of the weights are affordable."""

    @property
    def plan(self) -> LayerPlan:
        """The plan that leads here."""
        return LayerPlan(self.lanes, self.parallel, self.shared, self.takes)

    @classmethod
    def place_choices(cls, network: Network, number: int) -> list[int]:
        """Counts of ``places`` that layer ``number`` may have."""
        return [1]

    @property
    def places(self) -> int:
        """Output places that one operation charges, each with weights and sums of its own."""
        return 1

    @property
    def sums_raster(self) -> Raster:
        """Order of the sums of each of ``places``."""
        return self.raster

    # Counts.

    @property
    @abstractmethod
    def raster(self) -> Raster:
        """Order of the layer's own neurons."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """Numbers of a row of an event, unused ones among them."""

    @property
    @abstractmethod
    def address_bits(self) -> int:
        """Bits of what ``lane_row`` gives, in an event at the network's input."""

    @property
    @abstractmethod
    def taps(self) -> int:
        """Weight words of one input, or of one word of inputs."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """Words of one weight bank."""

    @property
    @abstractmethod
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of the weights that belong here."""

    @property
    def inputs(self) -> int:
        """Inputs of every neuron, or of the layer."""
        return self.source.shape.size

    @property
    def source_width(self) -> int:
        """Inputs of one word that comes in."""
        return self.source.width

    @property
    def banks(self) -> int:
        """Lanes that the inputs are divided among."""
        return 1 if self.shared else self.lanes

    @property
    def folds(self) -> int:
        """Cycles of one pass over the neurons of a position."""
        return self.raster.folds

    @property
    def event_folds(self) -> int:
        """Cycles of an event at one position: the folds that it reaches."""
        return self.folds

    @property
    def event_channels(self) -> int:
        """Neurons that an event reaches at one position."""
        return self.raster.shape.channels

    @property
    def word_weights(self) -> int:
        """Weights of a word, which meet an event in one cycle."""
        return self.parallel

    @property
    def fold_bits(self) -> int:
        """Bits of a fold's number in an address."""
        return (self.folds - 1).bit_length()

    @property
    def row_count(self) -> int:
        """Rows of a group of events: one for each lane, or one for all."""
        return self.lanes

    @property
    def fan_out(self) -> np.ndarray:
        """Neurons that an event at each position of the source reaches, int (height, width)."""
        shape = self.source.shape
        return np.full((shape.height, shape.width), self.raster.shape.size)

    # The weights.

    @abstractmethod
    def lane_row(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lane, or bank, and row of inputs ``index``."""

    @abstractmethod
    def weight_memories(self, weight_bits: int) -> list[tuple[int, int, int]]:
        """(rows, bits of a row, readers) of each block of weight memory."""

    @abstractmethod
    def delay(self, weight_bits: int) -> int:
        """Cycles from an operation's address to the sum over the lanes."""

    # The queue in front, behind another layer.

    @property
    def placed(self) -> bool:
        """Whether words come with their position in the map."""
        return False

    @property
    @abstractmethod
    def queue_widths(self) -> list[int]:
        """Bits of an entry of each queue."""

    @property
    def link_delay(self) -> int:
        """Cycles from a spike to its event beyond those of a queue and an encoder."""
        return 0

    def arrivals(self, words: int) -> int:
        """Entries of the queue that so many words in succession make at most."""
        return words

    def entries(self, words: int, timesteps: int, margin: int) -> int:
        """Entries that hold all words of an inference, ``words`` a timestep, and ``margin`` that
        may come late."""
        return words * timesteps + margin

    # Cycles.

    @abstractmethod
    def walk(self, feed: Feed) -> np.ndarray:
        """Positions that groups of events walk over, (N, marks), as the lanes get them."""

    @abstractmethod
    def even_walk(self, feed: Feed) -> np.ndarray:
        """The same if every group were as full as can be."""

    def eager_walk(self, feed: Feed) -> np.ndarray:
        """``walk`` of an engine that waited for the first events, and takes what it then gets."""
        return self.walk(feed)

    def marked(self, feed: Feed, *, eager: bool = False) -> np.ndarray:
        """Whether the last group has the end of the timestep, bool (N, marks); if it has not, that
        comes alone, as the end of a word without spikes.

        eager : bool, of the groups of ``eager_walk``
        """
        return self.walk(feed) > 0

    def queued(self, feed: Feed) -> np.ndarray:
        """Entries that a timestep makes in the fullest queue in front, int (N, marks)."""
        return least_one(feed.words(self.source_width).any(axis=3).sum(axis=2))

    def walk_key(self) -> tuple[Any, ...]:
        """What ``walk`` depends on, of one layer."""
        # With a single bank the source's words do not matter, and an encoder may not keep up with
        # few folds.
        return (type(self), self.source_width if self.banks > 1 else 0, self.lanes, self.banks,
                self.event_folds if self.shared else 0)

    # The input port.

    @property
    def slots(self) -> int:
        """Event slots of a beat."""
        return self.lanes

    def value_bits(self, input_bits: int) -> int:
        """Bits of a slot's value, at an input of ``input_bits``."""
        return input_bits

    def lane_bits(self, value_bits: int) -> int:
        """Bits of a lane's value as the synapses take it, at inputs of ``value_bits``."""
        return value_bits

    @property
    def position_rows(self) -> int:
        """Numbers of a row that are of one position, where all slots of a beat are of one; 0 where
        they may be of any inputs."""
        return 0

    @property
    def unhurried(self) -> bool:
        """Whether each group of events takes two cycles or more, so that a queue of two, which
        passes one every other cycle, is enough in front."""
        reach = self.values_reach
        return self.event_folds * int(reach[reach > 0].min(initial=2)) > 1

    @property
    def port_register(self) -> bool:
        """Whether a register stands between the network's input queue and these synapses.

        It passes a group every other cycle, and a walk over two folds or more takes as long.
        """
        return self.event_folds > 1

    @property
    def values_shape(self) -> tuple[int, int]:
        """(positions, channels) in whose order a port of bytes gives the inputs."""
        return 1, self.inputs

    @property
    def values_reach(self) -> np.ndarray:
        """Positions that an event walks over, for each of those positions, int (positions,)."""
        return np.ones(1, np.int64)

    @abstractmethod
    def beats(self, steps: np.ndarray, slot_width: int,
              value_width: int) -> tuple[np.ndarray, np.ndarray]:
        """Beats of a sequence of timesteps, uint8 (beats, bytes), and where each step's end.

        steps : integers (steps, inputs)
        """

    @abstractmethod
    def slot_facts(self, slot_width: int, value_width: int) -> dict[str, dict[str, Any]]:
        """What the manifest says of a slot's ``value`` and ``row``."""

    @property
    def odd_input(self) -> dict[str, str]:
        """What the manifest says of beats that no sample gives, where this engine differs."""
        return {}

    # What it is made of.

    @abstractmethod
    def synapse_parts(self, weight_bits: int, max_value: int) -> Parts:
        """What weighs the events, without the weight memory."""

    def register_bits(self, weight_bits: int, value_bits: int) -> int:
        """Bits of the registers that a pipelined engine has behind the weight memory."""
        return self.lanes * (self.parallel * weight_bits + value_bits)

    @abstractmethod
    def weight_parts(self, weight_bits: int) -> Parts:
        """The weight memory, and what chooses among its parts."""

    @abstractmethod
    def walk_parts(self) -> Parts:
        """The sequencer's counters."""

    @abstractmethod
    def link_parts(self, depth: int) -> Parts:
        """What hands the engine another layer's words, with queues of ``depth`` entries."""

    def lookup_parts(self, value_bits: int) -> Parts:
        """What looks up where an event's walk goes."""
        return Parts()

    @property
    def entry_bits(self) -> int:
        """Bits of an entry of the network's input queue beyond rows, values and two flags."""
        return 0

    @property
    def value_counters(self) -> list[int]:
        """Bits of each counter that says where the coming value of a port of bytes belongs."""
        return [(self.lanes - 1).bit_length(), max(1, (self.rows - 1).bit_length())]
