"""What an inference does, counted on samples by the reference, and an estimate of its energy.

The energy is that of arithmetic and memories alone, at published figures of a 45 nm process; an
FPGA's clock tree, wiring and leakage come on top and are not known here. It compares networks with
each other, not with a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed, pool_positions
from bsnn_hw.ir.network import Network
from bsnn_hw.layout.blocks import Layer, Output, Synapses
from bsnn_hw.layout.build import Layout
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.cycles import passes, walk

__all__ = ["ADD", "BIT", "CHANGE", "FLOAT", "MULTIPLY", "SOURCE", "Counts", "addition",
           "byte_energy", "count", "dense_energy", "engines", "full_energy", "product",
           "weight_words"]

SOURCE = ("M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
          "figure 1.1.9, 45 nm at 0.9 V")
ADD = {8: 0.03, 32: 0.1}  # pJ of an integer addition, by its bits
MULTIPLY = {8: 0.2, 32: 3.1}  # pJ of an integer product, by the bits of both factors
BIT = 10 / 64  # pJ per bit from or to a memory of 8 KiB: 10 pJ for 64 bits
CHANGE = ADD[32] / 16  # pJ per bit that changes: in an addition of random numbers half of 32 do
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


def addition(bits: int) -> float:
    """pJ of an integer addition, on the line through the published ones."""
    return _line(bits, *ADD.items())


def product(bits: int, others: int) -> float:
    """pJ of an integer product, on the line through the published ones over bits times bits."""
    return _line(bits * others, *((side**2, energy) for side, energy in MULTIPLY.items()))


def _line(at: float, one: tuple[float, float], two: tuple[float, float]) -> float:
    return one[1] + (at - one[0]) * (two[1] - one[1]) / (two[0] - one[0])


def count(layout: Layout, activity: Activity) -> tuple[Counts, ...]:
    """What every layer does, the readout last, at ``activity``."""
    return tuple(_layer(layout, activity, number) for number in range(len(activity)))


def _layer(layout: Layout, activity: Activity, number: int) -> Counts:
    network, layer = layout.network, layout.network.layers[number]
    fed = list(engines(layout, activity, number))
    operations = [_operations(*each) for each in fed]
    # A row of sums is read and written in every cycle of an engine, in the bank of each place.
    rows = [_cycles(engine, feed) * engine.geometry.parallel * engine.geometry.places
            for engine, feed in fed]
    weight_bits = sum(weight_words(*each) * each[0].geometry.word_weights * each[0].weight_bits
                      for each in fed)
    sum_bits = sum(2 * row * engine.sum_width
                   for (engine, _), row in zip(fed, rows, strict=True))
    sum_bits += _held_bits(layout.blocks[number])
    gate_bits, gate_energy = _gate(layout, activity, number)
    weight_bits += gate_bits
    steps = float(passes(network, number) * layer.shape.size)
    step_bits, step_energy = _step(layout, number)
    added = sum(done * addition(engine.sum_width)
                for (engine, _), done in zip(fed, operations, strict=True))
    connections = sum(_connections(engine.geometry) for engine, _ in fed)
    return Counts(
        layer.name, activity[number].events, sum(operations), connections * network.timesteps,
        connections, steps, weight_bits, sum_bits + steps * step_bits,
        added + gate_energy + (weight_bits + sum_bits) * BIT,
        steps * (step_energy + step_bits * BIT))


def engines(layout: Layout, activity: Activity,
             number: int) -> Iterator[tuple[Synapses, Feed]]:
    """The engines of a layer, each with what it is fed."""
    block, seen = layout.blocks[number], activity[number]
    yield block.synapses, seen.feed
    beside = block.shortcuts if isinstance(block, Layer) else ()
    for each, feed in zip(beside, seen.shortcuts, strict=True):
        if isinstance(each, Synapses) and feed is not None:
            yield each, feed


def _held_bits(block: Layer | Output) -> int:
    """Bits of sums that are handed over to units of neurons, read here and written there."""
    held = block.neurons.held if isinstance(block, Layer) else None
    if held is None:
        return 0
    return 2 * held.timesteps // held.walks * held.summed.shape.size * held.sum_width


def _gate(layout: Layout, activity: Activity, number: int) -> tuple[float, float]:
    """Bits of weights that the gate of each sample reads, and pJ of its sums."""
    block = layout.blocks[number]
    if not isinstance(block, Layer) or block.gate is None:
        return 0.0, 0.0
    gate, engine, feed = block.gate, block.synapses, activity[number].feed
    sums = _operations(engine, feed) / engine.geometry.raster.shape.channels
    return (weight_words(engine, feed) / engine.geometry.event_folds * gate.weight_bits,
            sums * addition(gate.total_width))


def _operations(engine: Synapses, feed: Feed) -> float:
    """Mean pairs of an event and a neuron that it reaches."""
    at = sum(pool_positions(each.totals, each.window).sum(axis=(0, 1)) for each in feed.streams)
    return float((at * engine.geometry.fan_out).sum()) / len(feed.events)


def weight_words(engine: Synapses, feed: Feed) -> float:
    """Mean words of weights that are read for an event."""
    geometry = engine.geometry
    return _operations(engine, feed) / geometry.event_channels * geometry.event_folds


def _connections(geometry: Geometry) -> float:
    """Pairs of an input and a neuron that it reaches."""
    return float(geometry.fan_out.sum()) * geometry.source.shape.channels


def _cycles(engine: Synapses, feed: Feed) -> float:
    return sum(float(walk(engine.geometry, each).sum(axis=1).mean())
               for each in feed.streams) * engine.geometry.event_folds


def _step(layout: Layout, number: int) -> tuple[float, float]:
    """Bits of memory and pJ of arithmetic of one neuron step."""
    network = layout.network
    if number == len(network.hidden):
        bounds = layout.readout_bounds
        gain = int(np.abs(network.readout.gain).max()).bit_length() + 1
        return bounds.acc.width, addition(bounds.score.width) + product(bounds.acc.width, gain)
    neuron, bounds_of = network.hidden[number].neuron, layout.hidden_bounds[number]
    charged, settled = bounds_of.charged.width, bounds_of.settled.width
    floored = neuron.floor is not None
    energy = (3 + floored) * addition(charged)  # bias, potential and comparisons
    if neuron.remembers:
        energy += product(settled, neuron.leak_bits)
    synaptic = bounds_of.synaptic.current.width if bounds_of.synaptic else 0
    if synaptic:
        energy += addition(synaptic) + product(synaptic, neuron.leak_bits)
    gate, gate_bounds = network.hidden[number].gate, bounds_of.gate
    if gate is not None and gate_bounds is not None:
        energy += product(gate_bounds.own.width, gate.width)
    if neuron.gain is not None:
        gain = int(np.abs(neuron.gain).max()).bit_length() + 1
        energy += product(bounds_of.acc.width, gain)
    kept = 2 * (settled + synaptic + neuron.rests) if neuron.remembers else 0
    constants = charged + bounds_of.threshold.width + floored * settled
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


def byte_energy(counts: Sequence[Counts]) -> float:
    """pJ of a network of the same shape in integers of 8 bits, run once without time: a product, an
    addition to a sum of 32 bits and a weight from memory for each connection."""
    return sum(each.connections for each in counts) * (MULTIPLY[8] + ADD[32] + 8 * BIT)
