"""Joined layers: the second normal form by hand, its corner cases, and how bits are chosen."""

from dataclasses import replace

import numpy as np
import pytest
from interleaved import interleaved
from map_models import random_model
from models import LIF, inputs, norm

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.lowering.graph import INPUT, Graph
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.lowering.samples import enough
from bsnn_hw.model import real
from bsnn_hw.model.description import (
    Coding,
    Comparison,
    Conv2d,
    CurrentShortcut,
    Feed,
    Input,
    Layer,
    Linear,
    Model,
    Neuron,
    Pooling,
    PoolingKind,
    Reset,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick

POINT = Shape(2, 1, 1)


def dense(name, source, gate, neuron=LIF, shortcuts=(), **bn):
    """Two neurons that see both of the layer before, one with +1 and +1, one with +1 and -1."""
    synapse = Linear(np.array([[1.0, 1.0], [1.0, -1.0]]), np.zeros(2))
    return Layer(name, synapse, norm(2, **bn), np.asarray(gate, float), neuron,
                 Feed(source, None, POINT), tuple(shortcuts))


def network(*layers, coding=Coding.EVENTS, bits=1):
    readout = dense("out", layers[-1].name, [1.0] * len(layers[0].gate), None)
    return Model("joins", len(layers[0].gate), Input(coding, 2, bits), (*layers, readout),
                 ("x", "y"))


def lowered(model, fraction_bits=3, leak_bits=4, calibration=None):
    net = lower(model, calibration, PrecisionRequest(fraction_bits=fraction_bits,
                                                     leak_bits=leak_bits)).network
    assert problem(net) is None
    return net


def test_constants_by_hand():
    """The lowest threshold is 1.5 / 0.5 = 3: the unit is 2 / 2**3."""
    first = dense("a", None, [1.0, 2.0], Neuron(0.3, 1.5, Reset.HARD, Comparison.AT_LEAST, 0.5),
                  gamma=[0.5, -1.0], beta=[0.25, 0.2])
    branch = SynapseShortcut(Feed("a", None, POINT), Linear(-np.eye(2), np.ones(2)),
                             norm(2, gamma=[0.0, 0.5]), np.array([1.0, 0.5]))
    second = dense("b", "a", [1.0, 1.0], replace(LIF, threshold=3.1, comparison=Comparison.ABOVE),
                   [CurrentShortcut("a"), SpikeShortcut("a", 0.75), branch], beta=[0.0, 1.0])
    net = lowered(network(first, second))
    one, two = net.hidden
    assert one.neuron.gain.tolist() == [[2, -4], [4, -8]]  # gate * a * 4, weights as they were
    assert one.synapse.weights.tolist() == [[1, 1], [1, -1]]
    assert one.neuron.bias.tolist() == [[1, 1], [2, 2]]  # 1 and 0.8, 2 and 1.6: half up
    assert one.neuron.threshold.tolist() == [[6, 6], [12, 12]]  # H[0] is at most 5
    assert one.neuron.shared_leak.tolist() == [0, 5]  # 0.3 * 16 = 4.8, whatever the gates
    assert one.neuron.fraction_bits == two.neuron.fraction_bits == 3
    spikes, synapses = two.shortcuts[1:]
    assert spikes.gain.tolist() == [[3, 3], [3, 3]]
    assert synapses.gain.tolist() == [[0, 2], [0, 1]]
    assert synapses.synapse.connected.tolist() == [False, True]
    # sign(-0.0) is +1; the bias of the branch, 0.5 * 1 behind its gate, is in the layer's own.
    assert synapses.synapse.weights.tolist() == [[-1, 1], [1, -1]]
    assert two.neuron.bias.tolist() == [[0, 4 + 2], [0, 4 + 1]]
    assert two.neuron.threshold[0].tolist() == [12, 12]  # 12.4 rounds down for >


def test_a_scale_of_zero_is_a_gain_of_zero():
    model = network(dense("a", None, [1.0], gamma=[0.0, 1.0], beta=[2.0, 0.0]),
                    dense("b", "a", [1.0], shortcuts=[CurrentShortcut("a")]))
    net = lowered(model)
    assert net.hidden[0].synapse.connected.tolist() == [False, True]
    assert net.hidden[0].neuron.gain.tolist() == [[0, 8]]
    samples = np.array([[[x, y]] for x in (0, 1) for y in (0, 1)], np.uint8)
    for some, other in zip(real.run(model, samples).spikes, run(net, samples).hidden, strict=True):
        assert np.array_equal(some, other.fired)


@for_each("comparison", list(Comparison))
@for_each("reset", list(Reset))
def test_thresholds_beyond_reach_become_the_nearest_that_says_the_same(reset, comparison):
    """The group's unit is that of a threshold of 1; another's of 2**40 is never reached."""
    far = Neuron(0.5, 2.0 ** 40, reset, comparison)
    model = network(dense("a", None, [1.0] * 3), dense("b", "a", [1.0] * 3, far,
                                                       [CurrentShortcut("a")]))
    net = lowered(model)
    assert not run(net, inputs(model, 20)).hidden[1].fired.any()
    bounds = network_bounds(net)[0][1]
    assert bounds.threshold.high <= bounds.charged.high + 1
    assert bounds.threshold.width < 16


@for_each("gamma", [1e20, 1e300])
def test_too_wide(gamma):
    model = network(dense("a", None, [1.0]),
                    dense("b", "a", [1.0], shortcuts=[CurrentShortcut("a")], gamma=gamma))
    message = r"layer 'b': potentials and scores must fit 48 bits, not \d+; its BatchNorm"
    for calibration in (None, inputs(model, 4)):
        with pytest.raises(InputError, match=message):
            lower(model, calibration)


def test_infinities_of_both_signs_are_too_wide():
    branch = SynapseShortcut(Feed("a", None, POINT), Linear(np.eye(2), np.zeros(2)),
                             norm(2, beta=-1e308), np.array([10.0]))
    model = network(dense("a", None, [1.0]),
                    dense("b", "a", [10.0], shortcuts=[branch], beta=1e308))
    with pytest.raises(InputError, match="layer 'b': potentials and scores must fit 48 bits"):
        lower(model)


def test_groups():
    a, c = dense("a", None, [1.0]), dense("c", "b", [1.0], shortcuts=[CurrentShortcut("a")])
    b = dense("b", "a", [1.0])
    d = dense("d", "c", [1.0], shortcuts=[SpikeShortcut("a")])
    graph = Graph(network(a, b, c, d))
    assert graph.groups == ((0, 2), (3,))
    assert graph.sources(0) == [INPUT]
    assert graph.sources(2) == [1, 0]
    assert [graph.last_use(number) for number in range(5)] == [3, 2, 3, 4, 4]
    # A layer between the layers of a group is lowered for itself.
    net = lowered(graph.model, calibration=inputs(graph.model, 9))
    assert [layer.name for layer in net.hidden] == ["a", "b", "c", "d"]
    assert [layer.neuron.gain is None for layer in net.hidden] == [False, True, False, False]


def test_two_groups_that_meet_are_one():
    layers = [dense("a", None, [1.0]), dense("b", "a", [1.0])]
    layers.append(dense("c", "b", [1.0], shortcuts=[CurrentShortcut("b")]))
    layers.append(dense("d", "c", [1.0], shortcuts=[CurrentShortcut("a")]))
    layers.append(dense("e", "d", [1.0], shortcuts=[CurrentShortcut("c"), CurrentShortcut("d")]))
    assert Graph(network(*layers)).groups == ((0, 1, 2, 3, 4),)


@for_each("calibrated", [False, True])
def test_any_layer_of_a_group_names_its_bits(calibrated):
    model = network(dense("a", None, [1.0]), dense("b", "a", [1.0]),
                    dense("c", "b", [1.0], shortcuts=[CurrentShortcut("a")]))
    samples = inputs(model, 9) if calibrated else None
    for name in ("a", "c"):
        result = lower(model, samples, PrecisionRequest(fraction_bits=2, per_layer={name: 7}))
        assert [each.fraction_bits for each in result.precision] == [7, 2, 7, 2]
    lower(model, samples, PrecisionRequest(per_layer={"a": 7, "c": 7}))
    with pytest.raises(InputError, match="fraction bits: layers a, c join their currents and must "
                                         "be given the same, not 7, 6"):
        lower(model, samples, PrecisionRequest(per_layer={"a": 7, "c": 6}))


@quick(1, wide=3)
@for_each("seed", range(6))
def test_a_lower_tolerance_takes_more_bits(seed):
    model = random_model(seed, depth=5)
    samples = inputs(model, 60, seed)
    groups = [number for group in Graph(model).groups for number in group]
    some, most = (lower(model, samples, PrecisionRequest(tolerance=tolerance)).precision
                  for tolerance in (0.3, 0.0))
    for number in groups:
        assert some[number].fraction_bits <= most[number].fraction_bits
        assert some[number].mismatch <= 0.3


def test_without_samples_the_smallest_synapse_decides():
    def bits(gamma):
        model = network(dense("a", None, [1.0], gamma=gamma),
                        dense("b", "a", [1.0], shortcuts=[CurrentShortcut("a")]))
        return lower(model).precision[0].fraction_bits

    assert [bits(gamma) for gamma in (4.0, 1.0, 0.25, 0.24, 1e-9)] == [6, 6, 8, 9, 16]


def test_an_average_is_a_sum_of_smaller_scale():
    pool = Pooling(PoolingKind.AVG, (2, 2))
    conv = Layer("a", Conv2d(np.ones((1, 1, 1, 1)), np.zeros(1)), norm(1), np.ones(1), LIF,
                 Feed(None, None, Shape(1, 4, 4)))
    readout = Layer("out", Linear(np.ones((1, 4)), np.zeros(1)), norm(1), np.ones(1), None,
                    Feed("a", pool, Shape(1, 2, 2)))
    model = Model("m", 1, Input(Coding.EVENTS, 16, shape=Shape(1, 4, 4)), (conv, readout), ("x",))
    net = lowered(model)
    assert net.readout.pool == Pool(PoolKind.SUM, 2, 2)
    assert net.input.shape == Shape(1, 4, 4)
    trace = run(net, np.ones((1, 1, 16), np.uint8))
    assert trace.scores[0, 0] * net.readout.scale == 4.0


def test_samples_of_large_maps_are_left_out():
    feed = Feed(None, None, Shape(1, 100, 100))
    conv = Layer("a", Conv2d(np.ones((64, 1, 3, 3)), np.zeros(64), (1, 1), (1, 1)), norm(64),
                 np.ones(4), LIF, feed)
    readout = Layer("out", Linear(np.ones((1, 64)), np.zeros(1)), norm(1), np.ones(4), None,
                    Feed("a", Pooling(PoolingKind.SUM, (100, 100)), Shape(64)))
    model = Model("m", 4, Input(Coding.DIRECT, 10000, 1, shape=feed.shape), (conv, readout), ("x",))
    assert len(enough(Graph(model), np.zeros((512, 10000), np.uint8))) == 39
    larger = replace(model, timesteps=4 * 64)  # but one is
    assert len(enough(Graph(larger), np.zeros((512, 10000), np.uint8))) == 1
    small = network(dense("a", None, [1.0]))
    assert len(enough(Graph(small), np.zeros((10 ** 6, 1, 2), np.uint8))) == 10 ** 6


@quick(2, wide=28)
@for_each("measured", [False, True])
@for_each("seed", range(30))
def test_groups_that_interleave(seed, measured):
    """A layer between those of a group adds a current from before it."""
    model = interleaved(seed)
    found = Graph(model).groups
    assert any(one[0] < other[0] < one[-1] for one in found for other in found)
    samples = np.random.default_rng(seed).integers(0, 2, (24, model.timesteps, 3), np.uint8)
    request = PrecisionRequest(0.0) if measured else PrecisionRequest(fraction_bits=6, leak_bits=6)
    net = lower(model, samples if measured else None, request).network
    assert problem(net) is None
    wanted, got = real.run(model, samples), run(net, samples)
    for some, other in zip(wanted.spikes, got.hidden, strict=True):
        assert np.array_equal(some, other.fired)
    assert np.array_equal(wanted.classes, got.classes)
