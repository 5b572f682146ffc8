"""Bits that change in a layer's adders and registers, as the reference has them.

An adder works on a row of neurons after the other: at each neuron step its result takes the place
of that of the row before, whichever sample and timestep that was.  A memory of potentials has a
place for each neuron, with a bit that says who rests.  What adders give between the steps is not
here: it depends on which events come together.  Synaptic currents and the engines of shortcuts are
left aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from bsnn_hw.ir.network import Hidden
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.build import Layout
from bsnn_hw.reference.network import LayerTrace, Trace, accumulated, given_spikes

__all__ = ["Toggles", "stored", "toggled"]


@dataclass(frozen=True)
class Toggles:
    """Bits of one layer that change while samples follow each other; None where it has no such.

    sums : of the synaptic sums that the neurons take
    membranes : of the potentials that are charged
    spikes : of the words of spikes that leave the layer
    potentials : in the memory of potentials
    """

    sums: int
    membranes: int | None = None
    spikes: int | None = None
    potentials: int | None = None


def toggled(layout: Layout, inputs: np.ndarray, trace: Trace) -> tuple[Toggles, ...]:
    """Of every layer, the readout last, over all samples.

    trace : of ``inputs``, with potentials
    """
    spikes = given_spikes(layout.network, inputs, trace)
    return (*(_hidden(layout, number, spikes, seen) for number, seen in enumerate(trace.hidden)),
            Toggles(_sums(layout, len(trace.hidden), spikes,
                          layout.output.synapses.geometry.raster)))


def _hidden(layout: Layout, number: int, spikes: Mapping[int, torch.Tensor],
            seen: LayerTrace) -> Toggles:
    layer, bounds = layout.network.hidden[number], layout.hidden_bounds[number]
    neurons = layout.layers[number].neurons
    kept = (_changes(_in_a_row(layer, stored(layer, seen)), bounds.carried.width)
            + _changes(_in_a_row(layer, _resting(layer, seen)), 1))
    summed = neurons.held.units if neurons.held else (
        layout.layers[number].synapses.geometry.raster)
    return Toggles(_sums(layout, number, spikes, summed),
                   _by_rows(seen.charged, neurons.raster, bounds.charged.width),
                   _by_rows(seen.sent, neurons.words, 1),
                   kept if layer.neuron.remembers else None)


def _sums(layout: Layout, number: int, spikes: Mapping[int, torch.Tensor],
          raster: Raster) -> int:
    """Of the main engine's sums as the neurons take them, as many bits wide as they are there."""
    network, engine = layout.network, layout.blocks[number].synapses
    sums = accumulated(network, number, spikes).numpy()
    if number == len(network.hidden) and network.readout.constant_gain:
        sums = sums.sum(axis=1, keepdims=True)
    return _by_rows(sums, raster, engine.sum_width)


def stored(layer: Hidden, trace: LayerTrace) -> np.ndarray:
    """What each neuron leaves in its memory, int64 (N, T, neurons): the leaked potential that the
    next timestep starts from, and 0 at the inference's end, unless the next one starts from it."""
    leak = np.repeat(layer.neuron.leak, layer.shape.size // layer.neuron.leak.shape[-1], axis=-1)
    kept = np.zeros_like(trace.settled)
    kept[:, :-1] = trace.settled[:, :-1] * leak[1:] >> layer.neuron.leak_bits
    if layer.neuron.carries:
        kept[:, -1] = trace.settled[:, -1] * leak[0] >> layer.neuron.leak_bits
    return kept


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


def _by_rows(values: np.ndarray, raster: Raster, width: int) -> int:
    """Bits that differ from row to row of ``values`` (N, T, neurons), in the order in which the
    neurons step; the first has none before it, and where a row has no neuron is a 0."""
    rows = np.zeros((values.shape[0] * values.shape[1], raster.rows, raster.width), np.int64)
    rows[:, *raster.locate(np.arange(raster.shape.size))] = values.reshape(len(rows), -1)
    flat = rows.reshape(-1, raster.width)
    return _differing(flat[1:] ^ flat[:-1], width)


def _changes(values: np.ndarray, width: int) -> int:
    """Bits that differ from one of the values (N, T, neurons) to the next along T, from 0 on."""
    before = np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], axis=1)
    return _differing(values ^ before, width)


def _differing(changes: np.ndarray, width: int) -> int:
    """Ones among the low ``width`` bits."""
    return int(np.bitwise_count(changes.astype(np.uint64) & np.uint64((1 << width) - 1)).sum())
