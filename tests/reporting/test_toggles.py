"""Bits that change in adders, registers and memories, against changes one by one."""

from itertools import pairwise

import numpy as np

from bsnn_hw.reference.network import run
from bsnn_hw.reporting.toggles import stored, toggled
from tests.for_each import for_each_in


def ones(value, width):
    return bin(int(value) & (1 << width) - 1).count("1")


def in_order_of_steps(values, raster):
    """Of (N, T, neurons) each row in turn, a list of ``width`` integers."""
    for each in values.reshape(-1, values.shape[2]):
        places = dict(zip(zip(*raster.locate(np.arange(raster.shape.size)), strict=True), each,
                          strict=True))
        for row in range(raster.rows):
            yield [places.get((row, bit), 0) for bit in range(raster.width)]


def by_rows(values, raster, width):
    rows = list(in_order_of_steps(values, raster))
    return sum(ones(int(one) ^ int(two), width) for before, after in pairwise(rows)
               for one, two in zip(before, after, strict=True))


def check_neurons(bundle):
    """Membranes and spikes of every layer, row after row over all samples."""
    layout, trace = bundle.design.layout, run(bundle.network, bundle.inputs[:3])
    found = toggled(layout, bundle.inputs[:3], trace)
    assert len(found) == len(bundle.network.layers)
    for block, bounds, seen, each in zip(layout.layers, layout.hidden_bounds, trace.hidden, found,
                                         strict=False):
        raster = block.neurons.raster
        assert each.membranes == by_rows(seen.charged, raster, bounds.charged.width) > 0
        assert each.spikes == by_rows(seen.sent.astype(int), raster, 1) > 0


def test_neurons(events_bundle):
    check_neurons(events_bundle)


def test_neurons_of_maps(maps_bundle):
    check_neurons(maps_bundle)


def test_sums(events_bundle):
    """Of fully connected layers, from their weights; the readout's over all timesteps at once where
    its gains are constant."""
    network, layout = events_bundle.network, events_bundle.design.layout
    inputs = events_bundle.inputs[:3]
    trace = run(network, inputs)
    came = [inputs, *(layer.fired for layer in trace.hidden)]
    found = toggled(layout, inputs, trace)
    for layer, block, given, each in zip(network.layers, layout.blocks, came, found, strict=True):
        connected = layer.synapse.weights.astype(int) * layer.synapse.connected[:, None]
        sums = given.astype(int) @ connected.T
        if layer is network.readout and network.readout.constant_gain:
            sums = sums.sum(axis=1, keepdims=True)
        assert each.sums == by_rows(sums, block.synapses.geometry.raster, block.synapses.sum_width)
    assert found[-1].membranes is found[-1].spikes is found[-1].potentials is None


def test_potentials(events_bundle):
    """Of every neuron, in one sample: each stored value beside the one before."""
    network, layout = events_bundle.network, events_bundle.design.layout
    trace = run(network, events_bundle.inputs[:1])
    found = toggled(layout, events_bundle.inputs[:1], trace)
    for layer, bounds, seen, each in zip(network.hidden, layout.hidden_bounds, trace.hidden,
                                         found, strict=False):
        wanted = 0
        for neuron in range(layer.shape.size):
            before = 0
            for timestep in range(network.timesteps):
                last = timestep == network.timesteps - 1
                leak = 0 if last else int(layer.neuron.leak[
                    timestep + 1, neuron // layer.shape.positions])
                settled = int(seen.settled[0, timestep, neuron])
                after = settled * leak >> layer.neuron.leak_bits
                wanted += ones(before ^ after, bounds.carried.width)
                before = after
        assert each.potentials == wanted


@for_each_in("bundles", "bundle")
def test_what_is_stored(bundle):
    """Nothing at an inference's end, and no leak makes a potential larger."""
    trace = run(bundle.network, bundle.inputs)
    for layer, seen in zip(bundle.network.hidden, trace.hidden, strict=True):
        kept = stored(layer, seen)
        assert kept.shape == seen.settled.shape and not kept[:, -1].any()
        assert np.abs(kept).max() <= np.abs(seen.settled).max() + 1
