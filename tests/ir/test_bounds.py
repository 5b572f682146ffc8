"""Bounds against every input of tiny networks: they hold, and with T = 1 they are reached."""

import itertools

import numpy as np
import torch
from networks import random_inputs, random_network

from bsnn_hw.ir.bounds import Interval, accumulator_bounds, network_bounds
from bsnn_hw.ir.check import leak_width, problem
from bsnn_hw.ir.network import Coding, Dense
from bsnn_hw.reference import synapse
from bsnn_hw.reference.network import run
from tests.for_each import for_each


@for_each("low, high, width", [
    (0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-2, 2, 3), (-3, 0, 3), (-4, 3, 3), (5, 7, 4),
    (-9, -5, 5), (-(1 << 70), 0, 71), (0, (1 << 70) - 1, 71)])
def test_width(low, high, width):
    assert Interval(low, high).width == width
    assert -(1 << width - 1) <= low <= high < 1 << width - 1


def every_input(network):
    """All samples: 2**(values * bits) of them."""
    direct = network.input.coding is Coding.DIRECT
    shape = (network.input.size,) if direct else (network.timesteps, network.input.size)
    levels = range(network.input.max_value + 1)
    flat = list(itertools.product(levels, repeat=int(np.prod(shape))))
    return np.array(flat, np.uint8).reshape(-1, *shape)


def assert_inside(interval, values, what):
    assert interval.low <= values.min(), what
    assert values.max() <= interval.high, what


def assert_holds(network, samples):
    hidden, readout = network_bounds(network)
    trace, values, value = run(network, samples), samples, network.input.max_value
    for bounds, layer, seen in zip(hidden, network.hidden, trace.hidden, strict=True):
        accs = synapse.sums(layer.synapse, torch.as_tensor(values), network.timesteps,
                            value).numpy()
        spec = layer.neuron
        before = np.concatenate([np.zeros_like(seen.settled[:, :1]), seen.settled[:, :-1]], axis=1)
        carried = (before * spec.leak) >> spec.leak_bits
        assert_inside(bounds.acc, accs, "acc")
        assert_inside(bounds.current, (accs << spec.fraction_bits) + spec.bias, "current")
        assert_inside(bounds.charged, seen.charged, "charged")
        assert_inside(bounds.settled, seen.settled, "settled")
        assert_inside(bounds.carried, carried, "carried")
        assert_inside(bounds.threshold, spec.threshold, "threshold")
        product = before * spec.leak
        assert max(abs(int(product.min())), abs(int(product.max()))) < 1 << leak_width(bounds, spec)
        values, value = seen.fired, 1
    assert_inside(readout.score, trace.scores, "score")
    return hidden, trace


@for_each("timesteps", [1, 2, 3])
@for_each("seed", range(15))
def test_hold_for_every_sequence_of_events(seed, timesteps):
    assert_holds(*everything(seed, Coding.EVENTS, (3, 3, 2, 2), timesteps))


@for_each("seed", range(15))
def test_hold_for_many_timesteps(seed):
    network = random_network(seed, Coding.DIRECT, (4, 4, 3, 2), 8)
    assert_holds(network, random_inputs(network, 300, seed))


@for_each("seed", range(25))
def test_are_reached_with_one_timestep(seed):
    network, samples = everything(seed, Coding.EVENTS, (6, 4, 2), 1)
    hidden, trace = assert_holds(network, samples)
    charged, settled = trace.hidden[0].charged, trace.hidden[0].settled
    assert (hidden[0].charged.low, hidden[0].charged.high) == (charged.min(), charged.max())
    spec = network.hidden[0].neuron
    if spec.fraction_bits == 0:  # else H misses some integers next to the threshold
        assert hidden[0].settled.high >= settled.max()
        assert hidden[0].settled.low == settled.min()


def everything(seed, coding, sizes, timesteps):
    network = random_network(seed, coding, sizes, timesteps)
    assert problem(network) is None
    return network, every_input(network)


def test_accumulator_by_hand():
    weights = np.array([[1, 1, -1], [-1, -1, -1], [1, 1, 1]], np.int8)
    low, high = accumulator_bounds(Dense(weights, np.array([True, True, False])), 15)
    assert (low.tolist(), high.tolist()) == ([-15, -45, 0], [30, 0, 0])


def test_readout_of_constant_gain_gathers_all_timesteps():
    network = random_network(0, Coding.EVENTS, (4, 3, 2), 5)
    readout = network.readout
    readout.gain[:] = 2
    readout.synapse.connected[:] = True
    _, bounds = network_bounds(network)
    counts = readout.synapse.weights.sum(axis=1)
    assert bounds.acc.high - bounds.acc.low >= 5 * abs(int(counts[0]))
    readout.gain[0] = 1
    assert network_bounds(network)[1].acc.width <= bounds.acc.width


@for_each("low", range(-9, 10))
def test_width_is_the_smallest(low):
    for high in range(low, 10):
        bits = next(n for n in range(1, 8) if -(1 << n - 1) <= low and high < 1 << n - 1)
        assert Interval(low, high).width == bits
