"""The real-valued network, as checked frozen dataclasses: what ``model.pt`` says.

Equations (docs/model.md), per layer and timestep t = 1..T::

    X[t] = sign(W) * pool(S[t]) + bias      sign(0) = +1; linear, or a convolution
    Y[t] = (X[t] - mean) / sqrt(var + eps) * gamma + beta
    G[t] = gate[t] * Y[t] + every shortcut
    H[t] = leak * V[t-1] + input_scale * G[t]
    S'[t] = H[t] >= threshold               (or >, as `comparison` says)
    V[t] = 0 where S'[t] else H[t]          (hard)   or   H[t] - threshold * S'[t]   (soft)

Arrays are float64 and read-only.  ``(channels,)`` is one value per output channel; in a linear
layer every neuron is a channel.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.ir.network import Coding, Comparison, Reset, Shape

__all__ = [
    "Coding",
    "Comparison",
    "Conv2d",
    "CurrentShortcut",
    "Feed",
    "Input",
    "Layer",
    "Linear",
    "Model",
    "Neuron",
    "Norm",
    "Pooling",
    "PoolingKind",
    "Reset",
    "Shape",
    "Shortcut",
    "SpikeShortcut",
    "Synapse",
    "SynapseShortcut",
]


class PoolingKind(enum.Enum):
    """What the spikes of one window become."""

    MAX = "max"  # 1 where any fired: an OR
    AVG = "avg"  # how many fired, divided by the places of the window
    SUM = "sum"  # how many fired


@dataclass(frozen=True)
class Pooling:
    """Windows of ``size`` (height, width) side by side, which cover the map without a rest."""

    kind: PoolingKind
    size: tuple[int, int]

    @property
    def places(self) -> int:
        """Places of one window."""
        return self.size[0] * self.size[1]

    @property
    def max_value(self) -> int:
        """Largest integer that a window of spikes becomes, before `divisor` divides it."""
        return 1 if self.kind is PoolingKind.MAX else self.places

    @property
    def divisor(self) -> int:
        """What divides the integer: the places where it is an average, else 1."""
        return self.places if self.kind is PoolingKind.AVG else 1


# What a hand-built input or linear layer need not say: `__post_init__` replaces it.
_UNSAID = Shape(0, 0, 0)


@dataclass(frozen=True)
class Input:
    """A sample's size and coding.

    size : int, number of input values, 1 or more
    bits : int, 1..8: direct input values are integers 0..2**bits-1; 1 for events
    scale, offset : float: the real input is ``scale * integer + offset`` (1 and 0 for events)
    shape : Shape of ``size`` values, (size, 1, 1) if not said
    """

    coding: Coding
    size: int
    bits: int = 1
    scale: float = 1.0
    offset: float = 0.0
    shape: Shape = _UNSAID

    def __post_init__(self) -> None:
        if self.shape is _UNSAID:
            object.__setattr__(self, "shape", Shape(self.size))
        assert self.shape.size == self.size


@dataclass(frozen=True)
class Feed:
    """Where the values of a synapse come from.

    source : str or None, the earlier layer whose spikes come in; None is the network's input
    pool : Pooling of these spikes, None without
    shape : Shape of what the synapse gets, behind the pooling
    """

    source: str | None
    pool: Pooling | None
    shape: Shape

    @property
    def source_shape(self) -> Shape:
        """Shape of the source's map, before the pooling."""
        height, width = self.pool.size if self.pool else (1, 1)
        return Shape(self.shape.channels, self.shape.height * height, self.shape.width * width)

    @property
    def divisor(self) -> int:
        """What divides the integer sums of the synapse: not 1 behind an average."""
        return self.pool.divisor if self.pool else 1


@dataclass(frozen=True)
class Linear:
    """Every input to every neuron; a map comes in flattened, (c * height + y) * width + x.

    weight : (neurons, fan_in), latent: only the sign counts, unless not ``binary``
    bias : (neurons,)
    binary : bool; False: the weights are integers -127..127, used as they are
    """

    weight: np.ndarray
    bias: np.ndarray
    binary: bool = True

    @property
    def coefficients(self) -> np.ndarray:
        """The weights that are computed with, int8, shape of ``weight``."""
        return _coefficients(self.weight, self.binary)

    @property
    def reach(self) -> int:
        """Largest sum over a neuron's inputs of the largest coefficient, for inputs of 1."""
        return self.weight.shape[1] * (1 if self.binary else 127)

    def output(self, source: Shape) -> Shape:
        """Shape that this gives on a map of shape ``source``."""
        assert source.size == self.weight.shape[1]
        return Shape(self.weight.shape[0])


@dataclass(frozen=True)
class Conv2d:
    """A zero-padded convolution; a padded place carries no spike.

    weight : (C_out, C_in, kernel height, kernel width), as in `Linear`
    bias : (C_out,)
    stride, padding : (vertical, horizontal)
    binary : as in `Linear`
    """

    weight: np.ndarray
    bias: np.ndarray
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    binary: bool = True

    @property
    def coefficients(self) -> np.ndarray:
        """The weights that are computed with, int8, shape of ``weight``."""
        return _coefficients(self.weight, self.binary)

    @property
    def reach(self) -> int:
        """Largest sum over a neuron's inputs of the largest coefficient, for inputs of 1."""
        return math.prod(self.weight.shape[1:]) * (1 if self.binary else 127)

    def output(self, source: Shape) -> Shape:
        """Shape that this gives on a map of shape ``source``; sides below 1 where it does not
        fit."""
        channels, _, *kernel = self.weight.shape
        height, width = ((side + 2 * padding - across) // stride + 1
                         for side, padding, across, stride in zip(
                             (source.height, source.width), self.padding, kernel, self.stride,
                             strict=True))
        return Shape(channels, height, width)


Synapse = Linear | Conv2d


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
    """``leak`` in (0, 1], 1 = no leak (IF); ``threshold`` > 0; ``input_scale`` > 0."""

    leak: float
    threshold: float
    reset: Reset
    comparison: Comparison
    input_scale: float = 1.0


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
    """Adds gate[t] * norm(synapse of what ``feed`` gives); ``gate`` is (T,)."""

    feed: Feed
    synapse: Synapse
    norm: Norm
    gate: np.ndarray

    @property
    def source(self) -> str | None:
        """The earlier layer whose spikes come in; never None in a checked model."""
        return self.feed.source

    @property
    def shape(self) -> Shape:
        """Shape of what is added."""
        return self.synapse.output(self.feed.shape)


Shortcut = CurrentShortcut | SpikeShortcut | SynapseShortcut


@dataclass(frozen=True)
class Layer:
    """One layer; ``gate`` is (T,), all ones without AGMM; ``neuron`` is None in the readout.

    feed : Feed; a linear layer that does not say takes the layer before, or the network's input
    shortcuts : what is added to the current, in order; none in the readout
    """

    name: str
    synapse: Synapse
    norm: Norm
    gate: np.ndarray
    neuron: Neuron | None
    feed: Feed = Feed(None, None, _UNSAID)
    shortcuts: tuple[Shortcut, ...] = ()

    def __post_init__(self) -> None:
        if self.feed.shape is _UNSAID:
            object.__setattr__(self, "feed", Feed(None, None, Shape(self.synapse.weight.shape[1])))

    @property
    def shape(self) -> Shape:
        """Shape of the layer's output, its neurons (channel, row, column)."""
        return self.synapse.output(self.feed.shape)


@dataclass(frozen=True)
class Model:
    """A whole network: hidden layers with neurons, then exactly one readout without."""

    name: str
    timesteps: int
    input: Input
    layers: tuple[Layer, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        # Only the first layer may take the network's input, so no source means the layer before.
        layers = [replace(layer, feed=replace(layer.feed, source=self.layers[index].name))
                  if layer.feed.source is None else layer
                  for index, layer in enumerate(self.layers[1:])]
        object.__setattr__(self, "layers", (*self.layers[:1], *layers))


def _coefficients(weight: np.ndarray, binary: bool) -> np.ndarray:
    return (np.where(weight >= 0, 1, -1) if binary else weight).astype(np.int8)
