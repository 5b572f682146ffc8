"""The integer network: the model that PyTorch executes and the RTL executes (docs/ir.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from bsnn_hw.ir.gate import SampleGate

__all__ = ["Coding", "Comparison", "Conv", "CurrentShortcut", "Dense", "Hidden", "Input", "Network",
           "NeuronSpec", "Peak", "Pool", "PoolKind", "Readout", "Reset", "Shape", "Shortcut",
           "SpikeShortcut", "Synapse", "SynapseShortcut", "largest_weight"]


def largest_weight(weight_bits: int) -> int:
    """Largest weight of so many bits, and without its sign the lowest: 1, 1, 3, ... 127."""
    return max(1, (1 << weight_bits - 1) - 1)


class Coding(enum.Enum):
    """How a sample enters the circuit."""

    DIRECT = "direct"  # graded events (address, value), once per inference
    EVENTS = "events"  # address-events, per timestep


class Reset(enum.Enum):
    """What firing does to the membrane potential."""

    HARD = "hard"  # becomes 0
    SOFT = "soft"  # loses `NeuronSpec.reset_by`


class Comparison(enum.Enum):
    """When a neuron fires."""

    AT_LEAST = ">="
    ABOVE = ">"

    @property
    def excess(self) -> int:
        """LSB above the threshold of the smallest potential that fires: 0 or 1."""
        match self:
            case Comparison.AT_LEAST:
                return 0
            case Comparison.ABOVE:
                return 1
            case _:
                assert_never(self)


class PoolKind(enum.Enum):
    """What the spikes of one window become."""

    MAX = "max"  # one spike where any neuron of the window fired: an OR
    SUM = "sum"  # as many spikes as fired, all at the window's place


@dataclass(frozen=True)
class Shape:
    """A feature map; neuron (c, y, x) has the index ``(c * height + y) * width + x``.  What has no
    map is (n, 1, 1)."""

    channels: int
    height: int = 1
    width: int = 1

    @property
    def positions(self) -> int:
        """Places of the map."""
        return self.height * self.width

    @property
    def size(self) -> int:
        """Neurons."""
        return self.channels * self.positions


@dataclass(frozen=True)
class Pool:
    """Windows of ``height`` x ``width``; what is beyond the last one that fits is not used.

    step : (vertical, horizontal), from window to window where they do not lie side by side; only
        with MAX, as is ``padding``, silent places around the map, less than the step
    """

    kind: PoolKind
    height: int
    width: int
    step: tuple[int, int] | None = None
    padding: tuple[int, int] = (0, 0)

    @property
    def stride(self) -> tuple[int, int]:
        """From window to window."""
        return self.step or (self.height, self.width)

    @property
    def tiles(self) -> bool:
        """Whether windows lie side by side, the first in the map's corner."""
        return self.stride == (self.height, self.width) and self.padding == (0, 0)

    def shape(self, source: Shape) -> Shape:
        """The map of the windows; sides below 1 where none fits."""
        height, width = ((side + 2 * padding - across) // step + 1
                         for side, padding, across, step in zip(
                             (source.height, source.width), self.padding,
                             (self.height, self.width), self.stride, strict=True))
        return Shape(source.channels, height, width)

    @property
    def open(self) -> tuple[int, int]:
        """How many windows hold a place at most, (down, across)."""
        (down, right) = self.stride
        return -(-self.height // down), -(-self.width // right)

    def used(self, source: Shape) -> Shape:
        """The part of the map that windows side by side cover."""
        windows = self.shape(source)
        return Shape(source.channels, windows.height * self.height, windows.width * self.width)


@dataclass(frozen=True)
class Input:
    """What enters: ``size`` values of ``bits`` bits, unsigned (1 bit for events).

    scale, offset : float: the real-valued input was ``scale * integer + offset``; for people, who
        must turn pixels into integers, not for arithmetic
    shape : Shape of ``size`` values, None where there is no map
    """

    coding: Coding
    size: int
    bits: int
    scale: float = 1.0
    offset: float = 0.0
    shape: Shape | None = None

    @property
    def max_value(self) -> int:
        """Largest value of one event."""
        return (1 << self.bits) - 1

    @property
    def features(self) -> Shape:
        """``shape``, flat where there is no map."""
        return self.shape or Shape(self.size)


@dataclass(frozen=True)
class Dense:
    """Synapses of a fully connected layer: ``acc[n] = sum_i weights[n, i] * s[i]``.

    weights : int8 (neurons, fan_in), each -1 or +1, or with 2 ``weight_bits`` and more from
        -`largest_weight` to `largest_weight`
    connected : bool (neurons,); where False, ``acc`` is 0 (a BatchNorm scale of zero)
    weight_bits : int, 1..8
    """

    weights: np.ndarray
    connected: np.ndarray
    weight_bits: int = 1

    @property
    def fan_in(self) -> int:
        """Number of inputs of a neuron."""
        return int(self.weights.shape[1])

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return int(self.weights.shape[0])

    @property
    def shape(self) -> Shape:
        """The neurons, a channel each."""
        return Shape(self.neurons)


@dataclass(frozen=True)
class Conv:
    """Synapses of a convolution, zero-padded: with (sy, sx) = stride, (py, px) = padding::

        acc[c, y, x] = sum_{i, ky, kx} weights[c, i, ky, kx] * s[i, y*sy + ky - py, x*sx + kx - px]

    weights : int8 (channels out, channels in, kernel height, kernel width), as in `Dense`
    connected : bool (channels out,); where False, ``acc`` is 0
    source : Shape of the map that comes in, behind any pooling
    weight_bits : int, 1..8
    """

    weights: np.ndarray
    connected: np.ndarray
    source: Shape
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    weight_bits: int = 1

    @property
    def kernel(self) -> tuple[int, int]:
        """(height, width)."""
        return self.weights.shape[2], self.weights.shape[3]

    @property
    def fan_in(self) -> int:
        """Number of inputs: of the layer, as a neuron has only those that its kernel covers."""
        return self.source.size

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.shape.size

    @property
    def shape(self) -> Shape:
        """The map that goes out."""
        height, width = (
            (side + 2 * padding - kernel) // stride + 1 for side, padding, kernel, stride in zip(
                (self.source.height, self.source.width), self.padding, self.kernel, self.stride,
                strict=True))
        return Shape(self.weights.shape[0], height, width)


Synapse = Dense | Conv


@dataclass(frozen=True)
class NeuronSpec:
    """The neuron step, once per neuron and timestep, the constants per output channel::

        H[t] = floor(V[t-1] * leak[t] / 2**leak_bits) + current[t]
        fired[t] = H[t] >= threshold[t]        (or >)
        V[t] = 0 if fired[t] else H[t]         (hard)
        V[t] = H[t] - reset_by[t] * fired[t]   (soft)

        current[t] = (acc[t] << fraction_bits) + bias[t]               without gain
        current[t] = acc[t] * gain[t] + bias[t] + all shortcuts' [t]   with gain

    A gate that the sample makes (`Hidden.gate`) multiplies what stands before the shortcuts.
    Without a gain everything is in units of 2**-fraction_bits of a count.  With one, a count is
    worth ``gain``, and ``fraction_bits`` only tells how fine the unit is.

    fraction_bits, leak_bits : int, 0 or more
    leak : int64 (T, channels), 0 or more, or (T,), the same for all; leak[0] is 0, since V starts
        at 0
    bias, threshold : int64 (T, channels)
    gain : int64 (T, channels), of any sign, or None; layers that take part in a join have one
    reset_by : int64 (T, channels), what a soft reset subtracts, the threshold if not said; None
        with a hard reset
    """

    fraction_bits: int
    leak_bits: int
    leak: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    reset: Reset
    comparison: Comparison
    gain: np.ndarray | None = None
    reset_by: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.leak.ndim == 1:
            rows = self.leak[:, None].repeat(self.threshold.shape[1], axis=1)
            object.__setattr__(self, "leak", rows)
        match self.reset:
            case Reset.HARD:
                object.__setattr__(self, "reset_by", None)
            case Reset.SOFT:
                if self.reset_by is None:
                    object.__setattr__(self, "reset_by", self.threshold)
            case _:
                assert_never(self.reset)

    @property
    def shared_leak(self) -> np.ndarray | None:
        """``leak`` (T,) where it is the same for all channels, else None."""
        return self.leak[:, 0] if (self.leak == self.leak[:, :1]).all() else None

    @property
    def next_leak(self) -> np.ndarray:
        """``leak`` of the timestep after each, (T, channels): what is multiplied before V is kept.
        After the last nothing is kept, and it repeats the first."""
        return np.concatenate([self.leak[1:], self.leak[1:2]])

    @property
    def separate_reset_by(self) -> np.ndarray | None:
        """``reset_by`` where it is a table of its own, None where thresholds say it."""
        same = self.reset_by is None or np.array_equal(self.reset_by, self.threshold)
        return None if same else self.reset_by


@dataclass(frozen=True)
class CurrentShortcut:
    """Adds the whole current of an earlier layer of the same shape, at the same t; both have a
    gain and the same unit.

    back : int, how many layers before the one that adds, 1 or more
    """

    back: int


@dataclass(frozen=True)
class SpikeShortcut:
    """Adds ``gain[t, c] * fired[t]`` of an earlier layer of the same shape.

    back : int, 1 or more; gain : int64 (T, channels)
    """

    back: int
    gain: np.ndarray


@dataclass(frozen=True)
class SynapseShortcut:
    """Adds ``gain[t, c] * acc[t]`` of further synapses; its bias is in the layer's own.

    back : int, 1 or more; pool : of the spikes, before the synapse; gain : int64 (T, channels)
    """

    back: int
    synapse: Synapse
    gain: np.ndarray
    pool: Pool | None = None


Shortcut = CurrentShortcut | SpikeShortcut | SynapseShortcut


@dataclass(frozen=True)
class Hidden:
    """A spiking layer.

    back : int: the layer so many before gives the spikes, or the network's input stands there
    pool : of the spikes that come in, before the synapse
    shortcuts : further parts of the current, in order; only with a gain
    current_pool : of the sums of a convolution, MAX: neurons get the largest acc of each window;
        only without a gain
    gate : a factor that the sample makes, or None
    """

    name: str
    synapse: Synapse
    neuron: NeuronSpec
    back: int = 1
    pool: Pool | None = None
    shortcuts: tuple[Shortcut, ...] = ()
    current_pool: Pool | None = None
    gate: SampleGate | None = None

    @property
    def shape(self) -> Shape:
        """The neurons' map."""
        shape = self.synapse.shape
        return shape if self.current_pool is None else self.current_pool.shape(shape)

    @property
    def gate_synapse(self) -> Synapse:
        """The one output channel whose sum over the map is the gate's total."""
        assert self.gate is not None
        return replace(self.synapse, weights=self.gate.weights[None], connected=np.ones(1, bool),
                       weight_bits=self.gate.weight_bits)


@dataclass(frozen=True)
class Peak:
    """A readout's score that is the largest value over time of a membrane, which starts at 0::

        U[t] = floor(U[t-1] * leak / 2**leak_bits) + gain[t] * acc[t] + bias[t]

    leak : int64 (classes,), 0 or more; bias : int64 (T, classes)
    """

    leak: np.ndarray
    leak_bits: int
    bias: np.ndarray


@dataclass(frozen=True)
class Readout:
    """The last layer: ``score[c] = bias[c] + sum_t gain[t, c] * acc[t, c]``, or a `Peak`; no spike.

    gain : int64 (T, classes); bias : int64 (classes,), 0 where there is a peak, which has its own
    scale : float: score * scale is the real-valued score; for people, not for arithmetic
    back, pool : as in `Hidden`
    """

    name: str
    synapse: Dense
    gain: np.ndarray
    bias: np.ndarray
    scale: float
    back: int = 1
    pool: Pool | None = None
    peak: Peak | None = None

    @property
    def shape(self) -> Shape:
        """The classes, a channel each."""
        return self.synapse.shape

    @property
    def shortcuts(self) -> tuple[Shortcut, ...]:
        """None: a readout joins nothing."""
        return ()

    @property
    def constant_gain(self) -> bool:
        """True if the gain is the same in every timestep and only their sum counts: one pass per
        inference is enough."""
        return self.peak is None and bool((self.gain == self.gain[0]).all())


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
    def layers(self) -> tuple[Hidden | Readout, ...]:
        """All layers, the readout last."""
        return (*self.hidden, self.readout)

    def features(self, number: int) -> Shape:
        """What layer ``number`` gives, -1 being the input."""
        return self.hidden[number].shape if number >= 0 else self.input.features
