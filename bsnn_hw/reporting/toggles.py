"""Bits that change in the memories of potentials, with those that say who rests, and without the
synaptic currents; counted by the reference."""

from __future__ import annotations

import numpy as np

from bsnn_hw.ir.network import Hidden
from bsnn_hw.layout.build import Layout
from bsnn_hw.reference.network import LayerTrace, Trace

__all__ = ["stored", "toggled"]


def stored(layer: Hidden, trace: LayerTrace) -> np.ndarray:
    """What each neuron leaves in its memory, int64 (N, T, neurons): the leaked potential that the
    next timestep starts from, and 0 at the inference's end, unless the next one starts from it."""
    leak = np.repeat(layer.neuron.leak, layer.shape.size // layer.neuron.leak.shape[-1], axis=-1)
    kept = np.zeros_like(trace.settled)
    kept[:, :-1] = trace.settled[:, :-1] * leak[1:] >> layer.neuron.leak_bits
    if layer.neuron.carries:
        kept[:, -1] = trace.settled[:, -1] * leak[0] >> layer.neuron.leak_bits
    return kept


def toggled(layout: Layout, trace: Trace) -> tuple[int, ...]:
    """Of each hidden layer, over all samples of ``trace``; each neuron's memory starts at 0."""
    return tuple(_changes(_in_a_row(layer, stored(layer, seen)), bounds.carried.width)
                 + _changes(_in_a_row(layer, _resting(layer, seen)), 1)
                 for layer, bounds, seen in zip(layout.network.hidden, layout.hidden_bounds,
                                                trace.hidden, strict=True))


def _resting(layer: Hidden, trace: LayerTrace) -> np.ndarray:
    """Which neurons' memories say that they rest, int64 (N, T, neurons)."""
    if not layer.neuron.rests:
        return np.zeros(trace.fired.shape, np.int64)
    rests = trace.fired.astype(np.int64)
    if not layer.neuron.stateful:
        rests[:, -1] = 0
    return rests


def _in_a_row(layer: Hidden, values: np.ndarray) -> np.ndarray:
    """``values`` (N, T, neurons), where an inference starts from the one before as one of all."""
    return values.reshape(1, -1, values.shape[2]) if layer.neuron.stateful else values


def _changes(values: np.ndarray, width: int) -> int:
    """Bits that differ from one of the values (N, T, neurons) to the next along T, from 0 on."""
    before = np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], axis=1)
    changes = values ^ before
    return int(np.bitwise_count(changes.astype(np.uint64) & np.uint64((1 << width) - 1)).sum())
