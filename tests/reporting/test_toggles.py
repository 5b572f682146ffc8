"""Bits that change in memories of potentials, against changes one by one."""

import numpy as np

from bsnn_hw.reference.network import run
from bsnn_hw.reporting.toggles import stored, toggled
from tests.for_each import for_each_in


def test_by_hand(events_bundle):
    """Of every neuron, in one sample: each stored value beside the one before."""
    network, layout = events_bundle.network, events_bundle.design.layout
    trace = run(network, events_bundle.inputs[:1])
    found = toggled(layout, trace)
    assert len(found) == len(network.hidden)
    for layer, bounds, seen, count in zip(network.hidden, layout.hidden_bounds, trace.hidden,
                                          found, strict=True):
        mask, wanted = (1 << bounds.carried.width) - 1, 0
        for neuron in range(layer.shape.size):
            before = 0
            for timestep in range(network.timesteps):
                last = timestep == network.timesteps - 1
                leak = 0 if last else int(layer.neuron.leak[
                    timestep + 1, neuron // layer.shape.positions])
                settled = int(seen.settled[0, timestep, neuron])
                after = settled * leak >> layer.neuron.leak_bits
                wanted += bin((before ^ after) & mask).count("1")
                before = after
        assert count == wanted


@for_each_in("bundles", "bundle")
def test_what_is_stored(bundle):
    """Nothing at an inference's end, and no leak makes a potential larger."""
    trace = run(bundle.network, bundle.inputs)
    for layer, seen in zip(bundle.network.hidden, trace.hidden, strict=True):
        kept = stored(layer, seen)
        assert kept.shape == seen.settled.shape and not kept[:, -1].any()
        assert np.abs(kept).max() <= np.abs(seen.settled).max() + 1
