"""The integer network: the model that PyTorch executes and the RTL executes (docs/ir.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

__all__ = ["Coding", "Comparison", "Dense", "Hidden", "Input", "Network", "NeuronSpec",
           "Readout", "Reset"]


class Coding(enum.Enum):
    """How a sample enters the circuit."""

    DIRECT = "direct"  # graded events (address, value), once per inference
    EVENTS = "events"  # address-events, per timestep


class Reset(enum.Enum):
    """What firing does to the membrane potential."""

    HARD = "hard"  # becomes 0
    SOFT = "soft"  # loses the threshold


class Comparison(enum.Enum):
    """When a neuron fires."""

    AT_LEAST = ">="
    ABOVE = ">"


@dataclass(frozen=True)
class Input:
    """What enters: ``size`` values of ``bits`` bits, unsigned (1 bit for events).

    scale, offset : float: the real-valued input was ``scale * integer + offset``; for people, who
        must turn pixels into integers, not for arithmetic
    """

    coding: Coding
    size: int
    bits: int
    scale: float = 1.0
    offset: float = 0.0

    @property
    def max_value(self) -> int:
        """Largest value of one event."""
        return (1 << self.bits) - 1


@dataclass(frozen=True)
class Dense:
    """Binary synapses of a fully connected layer: ``acc[n] = sum_i weights[n, i] * s[i]``.

    weights : int8 (neurons, fan_in), each -1 or +1
    connected : bool (neurons,); where False, ``acc`` is 0 (a BatchNorm scale of zero)
    """

    weights: np.ndarray
    connected: np.ndarray

    @property
    def fan_in(self) -> int:
        """Number of inputs of a neuron."""
        return self.weights.shape[1]

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.weights.shape[0]


@dataclass(frozen=True)
class NeuronSpec:
    """The neuron step, once per neuron and timestep, in units of 2**-fraction_bits::

        H[t] = floor(V[t-1] * leak[t] / 2**leak_bits) + (acc[t] << fraction_bits) + bias[t]
        fired[t] = H[t] >= threshold[t]        (or >)
        V[t] = 0 if fired[t] else H[t]         (hard)
        V[t] = H[t] - threshold[t] * fired[t]  (soft)

    fraction_bits, leak_bits : int, 0 or more
    leak : int64 (T,), 0 or more; leak[0] is 0, since V starts at 0
    bias, threshold : int64 (T, neurons)
    """

    fraction_bits: int
    leak_bits: int
    leak: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    reset: Reset
    comparison: Comparison


@dataclass(frozen=True)
class Hidden:
    """A spiking layer."""

    name: str
    synapse: Dense
    neuron: NeuronSpec


@dataclass(frozen=True)
class Readout:
    """The last layer: ``score[c] = bias[c] + sum_t gain[t, c] * acc[t, c]``; no spike.

    gain : int64 (T, classes); bias : int64 (classes,)
    scale : float: score * scale is the real-valued score; for people, not for arithmetic
    """

    name: str
    synapse: Dense
    gain: np.ndarray
    bias: np.ndarray
    scale: float

    @property
    def constant_gain(self) -> bool:
        """True if the gain is the same in every timestep: one pass per inference is enough."""
        return bool((self.gain == self.gain[0]).all())


@dataclass(frozen=True)
class Network:
    """``hidden`` layers in order, then ``readout``; the class is the largest score's index,
    the lowest on a tie."""

    name: str
    timesteps: int
    input: Input
    hidden: tuple[Hidden, ...]
    readout: Readout
    classes: tuple[str, ...]
