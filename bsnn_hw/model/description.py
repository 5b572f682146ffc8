"""The real-valued network, as checked frozen dataclasses: what ``model.pt`` says.

Equations (docs/model.md), per layer and timestep t = 1..T::

    X[t] = sign(W) * pool(S[t]) + bias      sign(0) = +1; linear, or a convolution
    Y[t] = (X[t] - mean) / sqrt(var + eps) * gamma + beta
    G[t] = pool(gate[t] * Y[t]) + every shortcut
        with an own_gate times sigmoid(mean of Y[t]) of the sample; then nothing pools or adds
    I[t] = current_leak * I[t-1] + G[t]
    H[t] = leak * V[t-1] + input_scale * I[t]       0 where S'[t-1], if refractory
    S'[t] = H[t] >= threshold               (or >, as `comparison` says)
    V[t] = 0 where S'[t] else H[t]          (hard)   or   H[t] - reset_by * S'[t]    (soft)
        and min_potential where that is more, if there is one
    S[t] of later layers = S'[t], joined with spikes of an earlier layer where the layer has a join
    V[0] = I[0] = 0; where the model is stateful, V[T] and I[T] of the sample before

Arrays are float64 and read-only.  ``(channels,)`` is one value per output channel; in a linear
layer every neuron is a channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bsnn_hw.ir.network import Coding, Comparison, JoinKind, Reset, Shape
from bsnn_hw.ir.used import Used
from bsnn_hw.model.scoring import PerChannel, ScoreKind, Scoring
from bsnn_hw.model.synapse import Conv2d, Feed, Linear, Pooling, PoolingKind, Synapse

__all__ = [
    "Coding",
    "Comparison",
    "Conv2d",
    "CurrentShortcut",
    "Feed",
    "Input",
    "JoinKind",
    "Layer",
    "Linear",
    "Model",
    "Neuron",
    "Norm",
    "PerChannel",
    "Pooling",
    "PoolingKind",
    "Reset",
    "ScoreKind",
    "Scoring",
    "Shape",
    "Shortcut",
    "SpikeJoin",
    "SpikeShortcut",
    "Synapse",
    "SynapseShortcut",
]


# What a hand-built input or linear layer need not say: `__post_init__` replaces it.
_UNSAID = Shape(0, 0, 0)
_NO_FEED = Feed(None, None, _UNSAID)
_MEAN = Scoring()


@dataclass(frozen=True)
class Input:
    """A sample's size and coding.

    size : int, number of input values, 1 or more
    bits : int, 1..8: values are integers 0..2**bits-1, of events 1 where they are spikes, and more
        where they are counts
    scale, offset : the real input is ``scale * integer + offset``; a float, or float64
        (channels,), one for each channel of the map
    shape : Shape of ``size`` values, (size, 1, 1) if not said
    used : which values of a sample these are, None where they are all
    factors : int64 (channels,), by what lowering multiplies the integers of each channel so that
        one ``scale`` serves all; None in a model that is as it was read
    """

    coding: Coding
    size: int
    bits: int = 1
    scale: PerChannel = 1.0
    offset: PerChannel = 0.0
    shape: Shape = _UNSAID
    factors: np.ndarray | None = None
    used: Used | None = None

    @property
    def largest(self) -> int:
        """Largest integer that the first layer's synapses get."""
        most = 1 if self.factors is None else int(self.factors.max())
        return ((1 << self.bits) - 1) * most

    def __post_init__(self) -> None:
        if self.shape is _UNSAID:
            object.__setattr__(self, "shape", Shape(self.size))
        assert self.shape.size == self.size


@dataclass(frozen=True)
class Norm:
    """Batch normalisation in inference form, each (channels,); identity if the file has none."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    eps: float


@dataclass(frozen=True)
class Neuron:
    """``leak`` in [0, 1], 1 = no leak (IF); ``threshold`` > 0; ``input_scale`` > 0.

    Each is a float for all neurons, or float64 (channels,).

    reset_by : 0 or more, what a soft reset subtracts; None is the threshold
    current_leak : in [0, 1], of the synaptic current of a second-order neuron; of a first-order
        neuron 0, and the current itself charges the membrane
    stateful : a sample starts from the V, I and spikes of the one before
    refractory : only with a hard reset
    saturate : int, bits of V in integers, in which it saturates; None where it does not
    min_potential : 0 or less, a floor of V behind the reset; None where there is none
    """

    leak: PerChannel
    threshold: PerChannel
    reset: Reset
    comparison: Comparison
    input_scale: PerChannel = 1.0
    reset_by: PerChannel | None = None
    current_leak: PerChannel = 0.0
    stateful: bool = False
    refractory: bool = False
    saturate: int | None = None
    min_potential: PerChannel | None = None

    @property
    def second_order(self) -> bool:
        """Whether the synaptic current is a state of its own."""
        return bool(np.asarray(self.current_leak).any())

    def gathered(self, timesteps: int) -> PerChannel:
        """By how much a steady current grows at most: the sum of current_leak**i over
        ``timesteps``, or over all that may come before."""
        kept = np.asarray(self.current_leak)
        with np.errstate(divide="ignore"):  # infinite where nothing is lost
            found = (np.divide(1.0, 1.0 - kept) if self.stateful else
                     np.power.outer(kept, np.arange(timesteps)).sum(axis=-1))
        return found if kept.ndim else float(found)

    @property
    def reset_amount(self) -> PerChannel:
        """What a soft reset subtracts."""
        return self.threshold if self.reset_by is None else self.reset_by


@dataclass(frozen=True)
class CurrentShortcut:
    """Adds the whole current G, shortcuts included, of the earlier layer ``source``, at the
    same t."""

    source: str


@dataclass(frozen=True)
class SpikeShortcut:
    """Adds ``scale`` (above 0) for every spike of the earlier layer ``source``."""

    source: str
    scale: float = 1.0


@dataclass(frozen=True)
class SynapseShortcut:
    """Adds gate[t] * norm(synapse of what ``feed`` gives); ``gate`` is (T,).  Where ``feed`` names
    the layer itself, that are its spikes of the timestep before, none in the first."""

    feed: Feed
    synapse: Synapse
    norm: Norm
    gate: np.ndarray

    @property
    def source(self) -> str:
        """The layer whose spikes come in; a checked model has one."""
        assert self.feed.source is not None
        return self.feed.source

    @property
    def shape(self) -> Shape:
        """Shape of what is added."""
        return self.synapse.output(self.feed.shape)

    @property
    def summed(self) -> Shape:
        """Shape of the synapse's sums."""
        return self.shape


Shortcut = CurrentShortcut | SpikeShortcut | SynapseShortcut


@dataclass(frozen=True)
class SpikeJoin:
    """Joins a layer's spikes with what ``feed`` gives of an earlier layer, behind the neurons; what
    comes of it is what later layers get.

    kind : JoinKind; None where both are added, so that later layers get numbers of spikes
    """

    kind: JoinKind | None
    feed: Feed

    @property
    def source(self) -> str:
        """The earlier layer; a checked model has one."""
        assert self.feed.source is not None
        return self.feed.source


@dataclass(frozen=True)
class Layer:
    """One layer; ``gate`` is (T,), all ones without AGMM; ``neuron`` is None in the readout.

    own_gate : bool, every sample makes the gate: ``gate`` is alpha, times the sigmoid of the mean
        of Y[t] over all neurons
    feed : Feed; a linear layer that does not say takes the layer before, or the network's input
    shortcuts : what is added to the current, in order; none in the readout
    scoring : how the scores follow in the readout; of no meaning in other layers
    current_pool : Pooling of the layer's own current, before shortcuts and neuron; None without
    join : SpikeJoin of its spikes behind the neuron, None without
    """

    name: str
    synapse: Synapse
    norm: Norm
    gate: np.ndarray
    neuron: Neuron | None
    feed: Feed = _NO_FEED
    shortcuts: tuple[Shortcut, ...] = ()
    scoring: Scoring = _MEAN
    current_pool: Pooling | None = None
    own_gate: bool = False
    join: SpikeJoin | None = None

    def __post_init__(self) -> None:
        if self.feed is _NO_FEED:
            object.__setattr__(self, "feed", Feed(None, None, Shape(self.synapse.weight.shape[1])))

    @property
    def recurrences(self) -> tuple[SynapseShortcut, ...]:
        """The shortcuts that bring the layer's own spikes of the timestep before."""
        return tuple(each for each in self.shortcuts
                     if isinstance(each, SynapseShortcut) and each.source == self.name)

    @property
    def summed(self) -> Shape:
        """Shape of the synapse's sums, before any pooling of currents."""
        return self.synapse.output(self.feed.shape)

    @property
    def shape(self) -> Shape:
        """Shape of the layer's output, its neurons (channel, row, column)."""
        return self.current_pool.shape(self.summed) if self.current_pool else self.summed


@dataclass(frozen=True)
class Model:
    """A whole network: hidden layers with neurons, then exactly one readout without.

    file : Path that it was read from; trained_on : name of its data set; None where not known
    """

    name: str
    timesteps: int
    input: Input
    layers: tuple[Layer, ...]
    classes: tuple[str, ...]
    file: Path | None = None
    trained_on: str | None = None

    def __post_init__(self) -> None:
        # Only the first layer may take the network's input, so no source means the layer before.
        layers = [replace(layer, feed=replace(layer.feed, source=self.layers[index].name))
                  if layer.feed.source is None else layer
                  for index, layer in enumerate(self.layers[1:])]
        object.__setattr__(self, "layers", (*self.layers[:1], *layers))

    @property
    def stateful(self) -> bool:
        """Whether samples are consecutive windows, each of which starts from the state before."""
        return any(layer.neuron is not None and layer.neuron.stateful for layer in self.layers)
