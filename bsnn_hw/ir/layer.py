"""A network's layers: synapses, what shortcuts add, and neurons or scores (docs/ir.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.maps import Pool, Shape
from bsnn_hw.ir.neuron import NeuronSpec
from bsnn_hw.ir.synapse import Dense, Synapse

__all__ = ["CurrentShortcut", "Hidden", "JoinKind", "Peak", "Readout", "Shortcut", "SpikeJoin",
           "SpikeShortcut", "Summand", "SynapseShortcut", "backs", "summed",
           "synapse_shortcuts"]


@dataclass(frozen=True)
class Summand:
    """Spikes of a further layer, added to those that come into a synapse.

    back : int, more than that of the synapse; pool : of these spikes, before they are added
    """

    back: int
    pool: Pool | None = None


class JoinKind(enum.Enum):
    """Which spikes leave a layer, of its own neurons' and of another's."""

    AND = "and"  # where both fire
    IAND = "iand"  # the other's, where its own neuron is silent
    INHIBIT = "inhibit"  # its own, where the other is silent


@dataclass(frozen=True)
class SpikeJoin:
    """Joins a layer's spikes with those of an earlier layer of the same shape, at the same t,
    behind its neurons.

    back : int, 1 or more; pool : a maximum, of the earlier layer's spikes
    """

    kind: JoinKind
    back: int
    pool: Pool | None = None


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

    back : int, 1 or more, or 0 for a recurrence: the layer's own spikes of the timestep before,
        none at t = 0
    pool : of the spikes, before the synapse; gain : int64 (T, channels)
    summands : as in `Hidden`, of no recurrence
    """

    back: int
    synapse: Synapse
    gain: np.ndarray
    pool: Pool | None = None
    summands: tuple[Summand, ...] = ()

    @property
    def recurrent(self) -> bool:
        """Whether the layer's own spikes come in, a timestep later."""
        return self.back == 0


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
    summands : spikes that are added to those that come in, of the earliest layer first
    join : of the spikes that leave the layer, or None
    """

    name: str
    synapse: Synapse
    neuron: NeuronSpec
    back: int = 1
    pool: Pool | None = None
    shortcuts: tuple[Shortcut, ...] = ()
    current_pool: Pool | None = None
    gate: SampleGate | None = None
    summands: tuple[Summand, ...] = ()
    join: SpikeJoin | None = None

    @property
    def shape(self) -> Shape:
        """The neurons' map."""
        shape = self.synapse.shape
        return shape if self.current_pool is None else self.current_pool.shape(shape)

    @property
    def recurrences(self) -> tuple[SynapseShortcut, ...]:
        """The shortcuts that bring the layer's own spikes of the timestep before."""
        return tuple(each for each in self.shortcuts
                     if isinstance(each, SynapseShortcut) and each.recurrent)

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
    back, pool, summands : as in `Hidden`
    """

    name: str
    synapse: Dense
    gain: np.ndarray
    bias: np.ndarray
    scale: float
    back: int = 1
    pool: Pool | None = None
    peak: Peak | None = None
    summands: tuple[Summand, ...] = ()

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


def summed(part: Hidden | Readout | SynapseShortcut) -> tuple[int, ...]:
    """How many layers before each of those stands whose spikes are added up, in order; the last of
    them gives its name to what comes in."""
    return (*(each.back for each in part.summands), part.back)


def synapse_shortcuts(layer: Hidden | Readout) -> tuple[SynapseShortcut, ...]:
    """The shortcuts of a layer that have synapses, recurrences among them."""
    return tuple(each for each in layer.shortcuts if isinstance(each, SynapseShortcut))


def backs(layer: Hidden | Readout) -> list[int]:
    """How many layers before each layer stands that this one takes anything of; its own ``back``
    first, and 0 for a recurrence."""
    joined = [layer.join.back] if isinstance(layer, Hidden) and layer.join else []
    return [layer.back, *(each.back for each in layer.shortcuts), *joined,
            *(each.back for part in (layer, *synapse_shortcuts(layer)) for each in part.summands)]
