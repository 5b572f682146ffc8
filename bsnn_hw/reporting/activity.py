"""What an inference does, counted on samples by the reference, and an estimate of its energy.

The energy is that of arithmetic and memories alone, at published figures of a 45 nm process; an
FPGA's clock tree, wiring and leakage come on top and are not known here. It compares networks with
each other, not with a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.network import Hidden, Network, Synapse, SynapseShortcut
from bsnn_hw.ir.schedule import Geometry, shortcut_geometries
from bsnn_hw.planning.activity import Activity, Feed, pool_places
from bsnn_hw.planning.cycles import passes, walk

__all__ = ["ADD", "BIT", "FLOAT", "MULTIPLY", "SOURCE", "Counts", "count", "dense_energy",
           "full_energy"]

SOURCE = ("M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
          "figure 1.1.9, 45 nm at 0.9 V")
ADD = 0.1 / 32  # pJ per bit of an integer addition: 0.1 pJ for 32 bits
MULTIPLY = 3.1 / 32**2  # pJ per bit and bit of an integer product: 3.1 pJ for 32 by 32
BIT = 10 / 64  # pJ per bit from or to a memory of 8 KiB: 10 pJ for 64 bits
FLOAT = 3.7 + 0.9  # pJ for a product and an addition of 32-bit floating-point numbers


@dataclass(frozen=True)
class Counts:
    """One layer, mean per inference.

    events : spikes or input values that come in, of all its synapses
    operations : synaptic operations, an event at a neuron each
    dense : operations if every input counted in every timestep; connections : per timestep
    steps : neuron steps
    weight_bits, state_bits : bits read of weights; read and written of sums, potentials
    event_energy, step_energy : pJ, of what events cause and of what neurons do anyway
    """

    name: str
    events: float
    operations: float
    dense: float
    connections: float
    steps: float
    weight_bits: float
    state_bits: float
    event_energy: float
    step_energy: float

    @property
    def energy(self) -> float:
        """pJ."""
        return self.event_energy + self.step_energy


@dataclass(frozen=True)
class _Engine:
    """One synapse and what it is fed."""

    synapse: Synapse
    geometry: Geometry
    feed: Feed
    sum_width: int


def count(design: Design, activity: Activity) -> tuple[Counts, ...]:
    """What every layer does, the readout last, at ``activity``."""
    return tuple(_layer(design, activity, number) for number in range(len(activity)))


def _layer(design: Design, activity: Activity, number: int) -> Counts:
    network, layer = design.network, design.network.layers[number]
    engines = list(_engines(design, activity, number))
    operations = [_operations(engine) for engine in engines]
    # A cycle of an engine reads a weight for each lane and parallel neuron, and a row of sums
    # that it writes again.
    cycles = [_engine_cycles(engine) for engine in engines]
    weight_bits = sum(ran * each.geometry.lanes * each.geometry.parallel * each.synapse.weight_bits
                      for each, ran in zip(engines, cycles, strict=True))
    sum_bits = sum(2 * ran * each.geometry.parallel * each.sum_width
                   for each, ran in zip(engines, cycles, strict=True))
    steps = float(passes(network, number) * layer.synapse.neurons)
    step_bits, step_energy = _step(design, number)
    added = sum(done * each.sum_width * ADD
                for each, done in zip(engines, operations, strict=True))
    connections = sum(_connections(each.synapse, each.geometry) for each in engines)
    return Counts(
        layer.name, activity[number].events, sum(operations), connections * network.timesteps,
        connections, steps, weight_bits, sum_bits + steps * step_bits,
        added + (weight_bits + sum_bits) * BIT, steps * (step_energy + step_bits * BIT))


def _engines(design: Design, activity: Activity, number: int) -> Iterator[_Engine]:
    layer, seen = design.network.layers[number], activity[number]
    if not isinstance(layer, Hidden):
        yield _Engine(layer.synapse, design.geometries[number], seen.feed,
                      design.readout_bounds.acc.width)
        return
    bounds = design.hidden_bounds[number]
    yield _Engine(layer.synapse, design.geometries[number], seen.feed, bounds.acc.width)
    others = shortcut_geometries(design.network, design.schedule)[number]
    for shortcut, geometry, feed, sums in zip(layer.shortcuts, others, seen.shortcuts,
                                              bounds.shortcuts, strict=True):
        if isinstance(shortcut, SynapseShortcut) and geometry is not None and feed is not None:
            yield _Engine(shortcut.synapse, geometry, feed, sums.width)


def _operations(engine: _Engine) -> float:
    """Mean pairs of an event and a neuron that it reaches."""
    feed, samples = engine.feed, len(engine.feed.events)
    if isinstance(engine.geometry, ConvGeometry):
        at = pool_places(feed.totals, feed.window).sum(axis=(0, 1))
        return float((at * engine.geometry.reach).sum()) * engine.geometry.out.channels / samples
    return float(np.count_nonzero(feed.events)) * engine.synapse.neurons / samples


def _connections(synapse: Synapse, geometry: Geometry) -> float:
    """Pairs of an input and a neuron that it reaches."""
    if isinstance(geometry, ConvGeometry):
        shape = geometry.source.shape
        return float(geometry.reach.sum()) * shape.channels * geometry.out.channels
    return float(synapse.fan_in * synapse.neurons)


def _engine_cycles(engine: _Engine) -> float:
    walked = walk(engine.geometry, engine.feed).sum(axis=1).mean()
    return float(walked) * engine.geometry.folds


def _step(design: Design, number: int) -> tuple[float, float]:
    """Bits of memory and pJ of arithmetic of one neuron step."""
    network = design.network
    if number == len(network.hidden):
        bounds = design.readout_bounds
        gain = int(np.abs(network.readout.gain).max()).bit_length() + 1
        return bounds.acc.width, bounds.score.width * (ADD + gain * MULTIPLY)
    neuron, bounds_of = network.hidden[number].neuron, design.hidden_bounds[number]
    charged, settled = bounds_of.charged.width, bounds_of.settled.width
    energy = 3 * charged * ADD  # bias, potential and the comparison
    if network.timesteps > 1:
        energy += settled * neuron.leak_bits * MULTIPLY
    if neuron.gain is not None:
        gain = int(np.abs(neuron.gain).max()).bit_length() + 1
        energy += bounds_of.acc.width * gain * MULTIPLY
    kept = 2 * settled if network.timesteps > 1 else 0
    constants = charged + bounds_of.threshold.width
    return bounds_of.acc.width + kept + constants, energy


def dense_energy(counts: Sequence[Counts]) -> float:
    """pJ of the same integers if every input were worked on in every timestep: what depends on
    events grows as the operations do."""
    return sum(each.event_energy * each.dense / max(each.operations, 1) + each.step_energy
               for each in counts)


def full_energy(network: Network, counts: Sequence[Counts]) -> float:
    """pJ of a network of the same shape in 32-bit floating point, run once without time: a product,
    an addition and a weight from memory for each connection."""
    return sum(each.connections for each in counts) * (FLOAT + 32 * BIT)
