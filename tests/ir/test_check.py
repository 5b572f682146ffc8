"""What keeps a network from holding together, found before anything runs."""

from dataclasses import replace

import numpy as np
from joined_example import conv, example
from random_maps import random_network

from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import (
    Conv,
    CurrentShortcut,
    Peak,
    Pool,
    PoolKind,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from tests.for_each import for_each


def with_layer(number, **changes):
    network = example()
    hidden = list(network.hidden)
    hidden[number] = replace(hidden[number], **changes)
    return replace(network, hidden=tuple(hidden))


def with_peak(leak, leak_bits, bias=0):
    network = example()
    readout, zero = network.readout, 0 * network.readout.bias
    return replace(network, readout=replace(readout, bias=zero + bias, peak=Peak(
        np.array(leak), leak_bits, 0 * readout.gain)))


@for_each("seed", range(60))
def test_random_networks_hold_together(seed):
    assert problem(random_network(np.random.default_rng(seed))) is None


GAIN = np.array([[1, 1]])
UNGAINED = replace(example().hidden[0].neuron, gain=None)
POINT = Conv(np.ones((2, 2, 1, 1), np.int8), np.ones(2, bool), Shape(2, 2, 2))


@for_each("network, message", [
    (example(), None),
    (with_layer(0, pool=Pool(PoolKind.MAX, 1, 1)), "layer 'a': the first layer must take the"),
    (with_layer(0, back=2), "layer 'a': the first layer must take the network's input"),
    (with_layer(0, shortcuts=(CurrentShortcut(1),)), "layer 'a': the first layer must take the"),
    (with_layer(1, back=2), "layer 'b': back must lead to an earlier layer"),
    (with_layer(1, back=0), "layer 'b': back must lead to an earlier layer"),
    (with_layer(1, shortcuts=(CurrentShortcut(2),)), "layer 'b': back must lead to an earlier"),
    (with_layer(0, neuron=UNGAINED), "layer 'b': the shortcut from 'a' needs a gain in the layer, "
                                     "and in that one"),
    (with_layer(1, neuron=UNGAINED), "layer 'b': the shortcut from 'a' needs a gain in the layer"),
    (with_layer(1, synapse=replace(POINT, weight_bits=3)), None),
    (with_layer(0, synapse=replace(example().hidden[0].synapse, weight_bits=8)), None),
    (with_layer(2, shortcuts=(SynapseShortcut(1, replace(POINT, weight_bits=2), GAIN),)), None),
    (with_layer(2, shortcuts=()), "layer 'b': a later layer must use it"),
    (with_layer(1, synapse=replace(POINT, stride=(2, 1))),
     "layer 'b': the shortcut from 'a' must have the shape 2 x 1 x 2 of the layer, not 2 x 2 x 2"),
    (with_layer(1, synapse=replace(POINT, stride=(0, 1))), "layer 'b': the kernel must fit"),
    (with_layer(1, synapse=replace(POINT, padding=(1, 0))), "layer 'b': padding must be less than"),
    (with_layer(1, synapse=conv(Shape(2, 2, 2)), shortcuts=()), None),
    (with_layer(1, synapse=Conv(np.ones((2, 2, 3, 1), np.int8), np.ones(2, bool), Shape(2, 2, 2)),
                shortcuts=()), "layer 'b': the kernel must fit the padded map"),
    (with_layer(1, synapse=replace(POINT, weights=POINT.weights[:, :1])),
     "layer 'b': the kernel must be for a map of 2 x 2 x 2, not of 2 x 2 x 2 with 1 channels"),
    (with_layer(1, synapse=replace(POINT, weights=POINT.weights[:, :1], groups=2)), None),
    (with_layer(1, synapse=replace(POINT, groups=2)),
     "layer 'b': the kernel must be for a map of 2 x 2 x 2, not of 2 x 2 x 2 with 4 channels"),
    (with_layer(1, synapse=replace(POINT, weights=np.ones((3, 1, 1, 1), np.int8),
                                   connected=np.ones(3, bool), groups=2)),
     "layer 'b': groups must divide the 3 channels out, not 2"),
    (with_layer(1, pool=Pool(PoolKind.SUM, 2, 1)), "layer 'b': fan_in must be 4"),
    (with_layer(1, pool=Pool(PoolKind.SUM, 3, 1)), "layer 'b': windows of 3 x 1 must fit a map"),
    (with_layer(1, pool=Pool(PoolKind.SUM, 2, 2, (1, 1))),
     "layer 'b': windows of 2 x 2 whose spikes"),
    (with_layer(1, pool=Pool(PoolKind.MAX, 2, 2, (1, 1), (1, 0))),
     "layer 'b': padding of windows must be less than their size and stride"),
    (with_layer(1, current_pool=Pool(PoolKind.SUM, 1, 2)), "layer 'b': current_pool must be a max"),
    (with_layer(1, current_pool=Pool(PoolKind.MAX, 3, 2)), "layer 'b': current_pool: windows of 3"),
    (with_layer(1, current_pool=Pool(PoolKind.MAX, 1, 2)),
     "layer 'b': current_pool must stand in a layer without gain and shortcuts"),
    (with_peak([1], 0), None),
    (with_peak([-1], 0), "layer 'out': a peak's leak must not be negative"),
    (with_peak([1], 0, 3), "layer 'out': a peak's leak must not be negative, and bias be 0"),
    (with_peak([1], 62), "layer 'out': potentials and scores must fit 64 bits"),
    (with_layer(2, shortcuts=(SpikeShortcut(1, GAIN << 60), SpikeShortcut(1, GAIN << 61))), None),
    (with_layer(2, shortcuts=(SpikeShortcut(1, GAIN << 62), SpikeShortcut(1, GAIN << 62))),
     "layer 'c': potentials and scores must fit 64 bits, not 65"),
])
def test_first_problem(network, message):
    found = problem(network)
    if message is None:
        assert found is None
    else:
        assert found.startswith(message)
