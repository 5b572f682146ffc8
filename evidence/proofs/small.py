"""Networks of a few neurons, for proofs of whole layers and of how they follow one another."""

from __future__ import annotations

import numpy as np

from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Conv,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
    Shape,
    Shortcut,
    Synapse,
    SynapseShortcut,
    largest_weight,
)
from bsnn_hw.ir.schedule import LayerPlan, Schedule
from bsnn_hw.layout.build import Layout, build_layout

__all__ = ["TIMESTEPS", "dense", "grouped", "laid_out", "pixels", "recurrence", "small_network",
           "spiking"]

TIMESTEPS = 2


def dense(neurons: int, inputs: int) -> Dense:
    """Signs of a full connection, + and - in turn."""
    signs = np.where(np.indices((neurons, inputs)).sum(axis=0) % 2, -1, 1)
    return Dense(signs.astype(np.int8), np.ones(neurons, bool))


def pixels(source: Shape) -> Conv:
    """A convolution of a map with one channel, place by place."""
    return Conv(np.ones((1, source.channels, 1, 1), np.int8), np.ones(1, bool), source)


def grouped(channels: int, kernel: tuple[int, int], source: Shape, groups: int = 1, *,
            stride: tuple[int, int] = (1, 1), padding: tuple[int, int] = (0, 0),
            weight_bits: int = 1) -> Conv:
    """A convolution to ``channels``, with weights of either sign in no order."""
    rng, largest = np.random.default_rng(9), largest_weight(weight_bits)
    shape = (channels, source.channels // groups, *kernel)
    weights = rng.integers(1, largest + 1, shape) * rng.choice([-1, 1], shape)
    return Conv(weights.astype(np.int8), np.ones(channels, bool), source, stride, padding,
                weight_bits, groups)


def recurrence(neurons: int) -> SynapseShortcut:
    """A layer's own spikes of the timestep before."""
    return SynapseShortcut(0, dense(neurons, neurons), np.ones((TIMESTEPS, neurons), np.int64))


def spiking(name: str, synapse: Synapse, *shortcuts: Shortcut, gained: bool = False,
            second_order: bool = False, **more) -> Hidden:
    """A layer whose membranes keep what they have and fire at 1.

    gained : with gains, as all that take part in a join
    second_order : with synaptic currents, which halve; more : of `Hidden`
    """
    size = (TIMESTEPS, synapse.shape.channels)
    kept = np.ones(size, np.int64)
    kept[0] = 0
    spec = NeuronSpec(0, 1, 2 * kept, bias=np.zeros(size, np.int64),
                      threshold=np.ones(size, np.int64), reset=Reset.HARD,
                      comparison=Comparison.AT_LEAST,
                      gain=np.ones(size, np.int64) if shortcuts or gained else None,
                      current_leak=kept if second_order else None)
    return Hidden(name, synapse, spec, shortcuts=shortcuts, **more)


def small_network(inputs: int | Shape, *hidden: Hidden, classes: int = 1) -> Network:
    """Layers between spikes and scores; ``inputs`` : how many, or their map."""
    shape = inputs if isinstance(inputs, Shape) else None
    size = inputs.size if isinstance(inputs, Shape) else inputs
    readout = Readout("out", dense(classes, hidden[-1].shape.size),
                      np.ones((TIMESTEPS, classes), np.int64), np.zeros(classes, np.int64), 1.0)
    return Network("small", TIMESTEPS, Input(Coding.EVENTS, size, 1, shape=shape), hidden, readout,
                   tuple(map(str, range(classes))))


def laid_out(network: Network, *plans: LayerPlan) -> Layout:
    """With the plans of the hidden layers, and a readout of one lane."""
    return build_layout(network, Schedule((*plans, LayerPlan(1, 1))))
