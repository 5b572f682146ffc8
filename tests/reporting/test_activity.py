"""Counts against a count of every pair of an event and a neuron, one by one."""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Conv, Dense
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.reference.network import run
from bsnn_hw.reporting import facts
from bsnn_hw.reporting.activity import (
    BIT,
    addition,
    byte_energy,
    count,
    dense_energy,
    full_energy,
    product,
)
from bsnn_hw.reporting.facts import gather
from tests.for_each import for_each_in
from tests.reference.gates import with_gates


def pairs(synapse, events):
    """Pairs of an event and a neuron that it reaches; ``events`` (..., inputs), counts."""
    if isinstance(synapse, Dense):
        return int(events.sum()) * synapse.neurons
    assert isinstance(synapse, Conv)
    shape, out, found = synapse.source, synapse.shape, 0
    maps = events.reshape(-1, shape.channels, shape.height, shape.width).sum(axis=(0, 1))
    for y in range(shape.height):
        for x in range(shape.width):
            reached = sum(1 for oy in range(out.height) for ox in range(out.width)
                          if 0 <= y + synapse.padding[0] - oy * synapse.stride[0]
                          < synapse.kernel[0]
                          and 0 <= x + synapse.padding[1] - ox * synapse.stride[1]
                          < synapse.kernel[1])
            found += int(maps[y, x]) * reached * out.channels
    return found


@for_each_in("bundles", "bundle")
def test_synaptic_operations_are_pairs(bundle):
    trace = run(bundle.network, bundle.inputs)
    activity = measure_activity(bundle.network, bundle.inputs, trace)
    for counts, layer, seen in zip(count(bundle.design.layout, activity), bundle.network.layers,
                                   activity, strict=True):
        wanted = pairs(layer.synapse, seen.feed.counts)
        for shortcut, feed in zip(getattr(layer, "shortcuts", ()), seen.shortcuts, strict=True):
            if feed is not None:
                wanted += pairs(shortcut.synapse, feed.counts)
        assert counts.operations * len(bundle.inputs) == pytest.approx(wanted)
        assert counts.name == layer.name


def test_everything_on_is_dense(events_bundle):
    """Where every input spikes in every timestep, operations are those of the dense network, in
    the first layer."""
    network = events_bundle.network
    inputs = np.ones((2, network.timesteps, network.input.size), np.uint8)
    activity = measure_activity(network, inputs, run(network, inputs))
    first, *_ = count(events_bundle.design.layout, activity)
    assert first.operations == first.dense == first.connections * network.timesteps


def test_a_gate_reads_its_weights_and_multiplies_every_current(events_bundle):
    plain, rng = events_bundle.network, np.random.default_rng(3)
    network = with_gates(rng, plain, share=1)
    activity = measure_activity(plain, events_bundle.inputs, run(plain, events_bundle.inputs))
    without, with_gate = (count(build_layout(each, events_bundle.schedule), activity)[0]
                          for each in (plain, network))
    gate, bounds = network.hidden[0].gate, network_bounds(network)[0][0].gate
    folds = -(-plain.hidden[0].shape.size // 4)
    words = without.weight_bits / folds / 4  # of 4 parallel neurons' weights, a bit each
    assert with_gate.weight_bits - without.weight_bits == pytest.approx(
        words * gate.weight_bits)
    assert with_gate.event_energy > without.event_energy
    factor = product(bounds.own.width, gate.width)
    assert with_gate.step_energy - without.step_energy > 0.9 * without.steps * factor


def test_a_floor_is_one_more_comparison(events_bundle):
    network, trace = events_bundle.network, run(events_bundle.network, events_bundle.inputs)
    activity = measure_activity(network, events_bundle.inputs, trace)
    first, *others = network.hidden
    bounds = network_bounds(network)[0][0]
    floor = np.full_like(first.neuron.threshold, bounds.settled.low)  # that changes no width
    first = replace(first, neuron=replace(first.neuron, floor=floor))
    plain, floored = (count(build_layout(each, events_bundle.schedule), activity)[0] for each in (
        network, replace(network, hidden=(first, *others))))
    bits = bounds.settled.width  # of the constant
    assert floored.step_energy - plain.step_energy == pytest.approx(
        plain.steps * (addition(bounds.charged.width) + BIT * bits))


def test_silence_costs_the_steps_alone(events_bundle):
    network = events_bundle.network
    inputs = np.zeros((2, network.timesteps, network.input.size), np.uint8)
    activity = measure_activity(network, inputs, run(network, inputs))
    first, *_ = counts = count(events_bundle.design.layout, activity)
    assert first.operations == first.event_energy == first.weight_bits == 0
    assert first.steps == network.timesteps * network.hidden[0].shape.size
    assert first.energy == first.step_energy > 0
    assert dense_energy(counts) > 0 and full_energy(network, counts) > byte_energy(counts) > 0


def test_the_page_says_what_the_estimate_is(direct_bundle, monkeypatch):
    monkeypatch.setattr(facts, "front", lambda *_: None)
    energy = gather(direct_bundle.folder, direct_bundle.design, direct_bundle.inputs, "x").energy
    assert "Horowitz" in energy.source and energy.events.endswith(" nJ")
    assert dict(energy.assumptions)["an addition of 8-bit integers"] == "0.03 pJ"
    assert dict(energy.assumptions)["a product of 32-bit integers"] == "3.1 pJ"


def test_published_figures_lie_on_the_lines():
    assert [addition(8), addition(32)] == pytest.approx([0.03, 0.1])
    assert [product(8, 8), product(32, 32), product(4, 16)] == pytest.approx([0.2, 3.1, 0.2])
    assert addition(20) == pytest.approx(0.065)
    assert 0 < addition(1) < addition(2) and 0 < product(1, 1)
