"""Bounds of convolutions, pooling and joins: they hold, and are reached where they can be."""

import itertools

import numpy as np
import torch
from joined_example import example
from random_maps import random_inputs, random_network

from bsnn_hw.ir.bounds import (
    Interval,
    accumulator_bounds,
    current_bounds,
    hidden_bounds,
    network_bounds,
    neuron_bounds,
)
from bsnn_hw.ir.network import (
    Comparison,
    Conv,
    CurrentShortcut,
    NeuronSpec,
    Pool,
    PoolKind,
    Reset,
    Shape,
    SynapseShortcut,
)
from bsnn_hw.reference import synapse
from bsnn_hw.reference.network import currents, joined, run
from tests.for_each import for_each, quick


def test_accumulator_by_hand():
    """The whole kernel counts, a sum's window too, a maximum's does not."""
    weights = np.array([[[[1, 1, -1]]], [[[-1, -1, -1]]], [[[1, 1, 1]]]], np.int8)
    conv = Conv(weights, np.array([True, True, False]), Shape(1, 1, 2), padding=(0, 1))
    for pool, factor in ((None, 1), (Pool(PoolKind.MAX, 2, 3), 1), (Pool(PoolKind.SUM, 2, 3), 6)):
        low, high = accumulator_bounds(conv, 5, pool)
        assert low.tolist() == [-5 * factor, -15 * factor, 0]
        assert high.tolist() == [10 * factor, 0, 0]
        assert low.dtype == high.dtype == np.int64


def spec(gain, bias):
    return NeuronSpec(0, 0, np.zeros(1, np.int64), np.array([bias]), np.array([[9] * len(bias)]),
                      Reset.HARD, Comparison.AT_LEAST, np.array([gain]))


def test_gains_of_any_sign_by_hand():
    acc = np.array([-1, -1, -1]), np.array([4, 4, 4])
    (current, charged, settled, *_), = neuron_bounds(spec([2, -2, 0], [1, 1, 1]), *acc)
    assert [ends.tolist() for ends in current] == [[-1, -7, 1], [9, 3, 1]]
    assert [ends.tolist() for ends in charged] == [[-1, -7, 1], [9, 3, 1]]
    assert [ends.tolist() for ends in settled] == [[-1, -7, 1], [8, 3, 1]]  # at 9 it fires
    extra = [(np.array([-10, 0, 5], object), np.array([-9, 1, 6], object))]
    (current, *_), = neuron_bounds(spec([2, -2, 0], [1, 1, 1]), *acc, extra)
    assert [ends.tolist() for ends in current] == [[-11, -7, 6], [0, 4, 7]]


def test_shortcuts_by_hand():
    """a = 1 * acc + 1 and 0 - 1, b = 2 * acc + 2 + a and its negative; see joined_example."""
    (first, second, third), _ = network_bounds(example())
    assert first.acc == Interval(-1, 1)
    assert first.current == Interval(-1, 2)  # the second channel is disconnected: -1
    assert first.shortcuts == ()
    assert second.shortcuts == (first.current,)
    assert second.current == Interval(-4 - 2 - 1, 4 + 2 + 2)
    # One spike; and two channels of windows of two, four of them in a kernel.
    assert third.shortcuts == (Interval(0, 1), Interval(0, 8))


def test_a_layer_alone_is_as_in_the_network():
    network = example()
    carried = [current_bounds(network.hidden[0], 1)]
    got = hidden_bounds(network.hidden[1], 1, carried)
    assert got == network_bounds(network)[0][1]


@quick(8, wide=None)
@for_each("seed", range(60))
def test_hold_for_random_inputs(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, wide=seed % 4 == 0)
    samples = random_inputs(network, rng, 40)
    hidden, readout = network_bounds(network)
    trace = run(network, samples)
    spikes, whole = {-1: torch.as_tensor(samples)}, {}
    for number, (layer, bounds) in enumerate(zip(network.hidden, hidden, strict=True)):
        source, seen = number - layer.back, trace.hidden[number]
        acc = synapse.sums(layer.synapse, spikes[source], network.timesteps,
                           1 if number else network.input.max_value, layer.pool,
                           network.features(source))
        whole[number] = currents(layer, acc, joined(layer, number, spikes, whole,
                                                    network.features))
        spikes[number] = torch.as_tensor(seen.fired)
        inside(bounds.acc, acc)
        inside(bounds.current, whole[number])
        inside(bounds.charged, seen.charged)
        inside(bounds.settled, seen.settled)
        for interval, shortcut in zip(bounds.shortcuts, layer.shortcuts, strict=True):
            other = number - shortcut.back
            if isinstance(shortcut, CurrentShortcut):
                assert interval == hidden[other].current
                inside(interval, whole[other])
            elif isinstance(shortcut, SynapseShortcut):
                inside(interval, synapse.sums(shortcut.synapse, spikes[other], network.timesteps,
                                              1, shortcut.pool, network.features(other)))
            else:
                assert interval == Interval(0, 1)
    inside(readout.score, trace.scores)


def inside(interval, values):
    assert interval.low <= int(values.min())
    assert int(values.max()) <= interval.high


@for_each("seed", range(20))
def test_the_first_layer_reaches_its_bounds(seed):
    """Of an image that the kernel covers in one place, every input is tried."""
    rng = np.random.default_rng(seed)
    kernel = tuple(map(int, rng.integers(1, 4, 2)))
    weights = rng.choice(np.array([-1, 1], np.int8), (2, 1, *kernel))
    conv = Conv(weights, np.array([True, seed % 2 == 0]), Shape(1, *kernel))
    images = np.array(list(itertools.product((0, 1), repeat=conv.fan_in)))
    sums = synapse.convolve(conv, torch.as_tensor(images), 1)
    low, high = accumulator_bounds(conv, 1)
    assert sums.min(dim=0).values.tolist() == low.tolist()
    assert sums.max(dim=0).values.tolist() == high.tolist()
