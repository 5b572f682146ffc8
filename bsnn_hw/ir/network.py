"""The integer network: the model that PyTorch executes and the RTL executes (docs/ir.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bsnn_hw.ir.layer import (
    CurrentShortcut,
    Hidden,
    JoinKind,
    Peak,
    Readout,
    Shortcut,
    SpikeJoin,
    SpikeShortcut,
    Summand,
    SynapseShortcut,
)
from bsnn_hw.ir.maps import Pool, PoolKind, Shape
from bsnn_hw.ir.neuron import Comparison, NeuronSpec, Reset
from bsnn_hw.ir.synapse import Conv, Dense, Synapse, largest_weight
from bsnn_hw.ir.used import Used

__all__ = ["Coding", "Comparison", "Conv", "CurrentShortcut", "Dense", "Hidden", "Input",
           "JoinKind", "Network", "NeuronSpec", "Peak", "Pool", "PoolKind", "Readout", "Reset",
           "Shape", "Shortcut", "SpikeJoin", "SpikeShortcut", "Summand", "Synapse",
           "SynapseShortcut", "largest_weight"]


class Coding(enum.Enum):
    """How a sample enters the circuit."""

    DIRECT = "direct"  # graded events (address, value), once per inference
    EVENTS = "events"  # address-events, or counts of them, per timestep


@dataclass(frozen=True)
class Input:
    """What enters: ``size`` values of ``bits`` bits, unsigned; 1 bit where an event is a spike.

    scale, offset : the real-valued input was ``scale * integer + offset``; for people, who must
        turn pixels into integers, not for arithmetic.  A float, or one per channel of the map
    shape : Shape of ``size`` values, None where there is no map
    factors : what the first layer's synapses get is the value times that of its channel, 1 or
        more; empty where that is 1 for all
    used : which values of a sample these are, None where they are all; for people, as scale is
    """

    coding: Coding
    size: int
    bits: int
    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    shape: Shape | None = None
    factors: tuple[int, ...] = ()
    used: Used | None = None

    @property
    def max_value(self) -> int:
        """Largest value of one event."""
        return (1 << self.bits) - 1

    @property
    def largest(self) -> int:
        """Largest value that the first layer's synapses get."""
        return self.max_value * max(self.factors, default=1)

    @property
    def features(self) -> Shape:
        """``shape``, flat where there is no map."""
        return self.shape or Shape(self.size)


@dataclass(frozen=True)
class Network:
    """``hidden`` layers in order, then ``readout``; the class is the largest score's index,
    the lowest on a tie.

    Only ``hidden[0]`` (the readout where there is none) takes the input.  Layers are counted in
    this order, the readout is number ``len(hidden)``; a layer's ``back`` counts from its own.
    """

    name: str
    timesteps: int
    input: Input
    hidden: tuple[Hidden, ...]
    readout: Readout
    classes: tuple[str, ...]

    @property
    def stateful(self) -> bool:
        """Whether an inference starts from the state that the one before left."""
        return any(layer.neuron.stateful for layer in self.hidden)

    @property
    def layers(self) -> tuple[Hidden | Readout, ...]:
        """All layers, the readout last."""
        return (*self.hidden, self.readout)

    def largest(self, number: int) -> int:
        """Largest value that comes into layer ``number``, before its pooling: of spikes how many
        layers' are added."""
        layer = self.layers[number]
        return 1 + len(layer.summands) if number else self.input.largest

    def features(self, number: int) -> Shape:
        """What layer ``number`` gives, -1 being the input."""
        return self.hidden[number].shape if number >= 0 else self.input.features
