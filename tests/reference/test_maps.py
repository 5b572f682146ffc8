"""Convolutions, pooling and shortcuts in torch: by hand, and against plain Python integers."""

from dataclasses import replace

import numpy as np
import torch
from networks import execute
from random_maps import random_inputs, random_network

from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Conv,
    CurrentShortcut,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Pool,
    PoolKind,
    Readout,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.reference.network import run
from bsnn_hw.reference.pool import pooled
from bsnn_hw.reference.synapse import convolve, sums
from tests.for_each import for_each, quick


def conv(weights, source, stride=(1, 1), padding=(0, 0), connected=None):
    weights = np.array(weights, np.int8)
    return Conv(weights, np.array(connected or [True] * len(weights)), source, stride, padding)


def test_convolution_by_hand():
    """A corner of ones under a kernel that is 2 high and 1 wide, +1 above -1."""
    image = torch.tensor([[1, 2, 0,
                           3, 4, 5]])
    layer = conv([[[[1], [-1]]]], Shape(1, 2, 3))
    assert convolve(layer, image, 5).tolist() == [[1 - 3, 2 - 4, 0 - 5]]
    padded = conv([[[[1], [-1]]]], Shape(1, 2, 3), (2, 2), (1, 0))
    assert padded.shape == Shape(1, 2, 2)
    # Rows -1 and 0, then rows 1 and 2; columns 0 and 2.
    assert convolve(padded, image, 5).tolist() == [[-1, 0, 3, 5]]


def test_channels_lie_one_behind_the_other():
    layer = conv([[[[1]], [[1]]], [[[1]], [[-1]]], [[[1]], [[1]]]], Shape(2, 1, 2),
                 connected=[True, True, False])
    got = sums(layer, torch.tensor([[[1, 0, 1, 1]]]), 1, 1)
    assert got.tolist() == [[[2, 1, 0, -1, 0, 0]]]


def test_groups_by_hand():
    """Two groups of a channel in and two out."""
    layer = replace(conv([[[[1]]], [[[-1]]], [[[1]]], [[[-1]]]], Shape(2, 1, 2)), groups=2)
    got = sums(layer, torch.tensor([[[1, 2, 3, 0]]]), 1, 3)
    assert got.tolist() == [[[1, 2, -1, -2, 3, 0, -3, 0]]]


@for_each("kind, wanted", [
    (PoolKind.MAX, [1, 1, 0, 1]), (PoolKind.SUM, [4, 1, 0, 2])])
def test_pooling_by_hand(kind, wanted):
    spikes = torch.tensor([[True, True, False, True,
                            True, True, False, False,
                            False, False, True, False,
                            False, False, True, False]])
    assert pooled(Pool(kind, 2, 2), Shape(1, 4, 4), spikes).tolist() == [wanted]


def test_windows_that_are_not_square():
    values = torch.arange(12).reshape(1, 1, 12)
    got = pooled(Pool(PoolKind.SUM, 1, 3), Shape(2, 2, 3), values)
    assert got.tolist() == [[[3, 12, 21, 30]]]


def joined(*shortcuts, gain=2):
    """Two layers of two channels at one place; all spikes of the first are joined again."""
    def layer(name, **more):
        spec = NeuronSpec(0, 0, np.zeros(1, np.int64), np.array([[1, -1]]), np.array([[3, 3]]),
                          Reset.SOFT, Comparison.AT_LEAST, np.array([[gain, -gain]]))
        return Hidden(name, Dense(np.ones((2, 2), np.int8), np.ones(2, bool)), spec, **more)

    readout = Readout("out", Dense(np.ones((1, 2), np.int8), np.ones(1, bool)), np.array([[1]]),
                      np.array([0]), 1.0)
    return Network("two", 1, Input(Coding.EVENTS, 2, 1),
                   (layer("a"), layer("b", shortcuts=tuple(shortcuts))), readout, ("only",))


@for_each("shortcuts, charged", [
    # Both events: the first layer is charged to 2*2 + 1 and -2*2 - 1, only the first fires.
    ((), [3, -3]),
    ((CurrentShortcut(1),), [8, -8]),
    ((SpikeShortcut(1, np.array([[-7, 9]])),), [-4, -3]),
    ((SynapseShortcut(1, Dense(np.array([[-1, 1], [-1, -1]], np.int8), np.ones(2, bool)),
                      np.array([[4, 5]])),), [-1, -8]),
    ((CurrentShortcut(1), SpikeShortcut(1, np.array([[10, 0]])), CurrentShortcut(1)), [23, -13]),
])
def test_shortcuts_by_hand(shortcuts, charged):
    trace = run(joined(*shortcuts), np.ones((1, 1, 2), np.uint8))
    assert trace.hidden[0].charged.ravel().tolist() == [5, -5]
    assert trace.hidden[1].charged.ravel().tolist() == charged


@quick(12, wide=72)
@for_each("seed", range(140))
def test_matches_plain_integers(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, wide=seed >= 120)
    samples = random_inputs(network, rng, 2)
    trace = run(network, samples)
    for index, sample in enumerate(samples):
        layers, scores, decision = execute(network, sample)
        for layer, steps in zip(trace.hidden, layers, strict=True):
            got = [list(zip(*each, strict=True)) for each in zip(
                layer.charged[index].tolist(), layer.fired[index].tolist(),
                layer.settled[index].tolist(), strict=True)]
            assert got == steps, f"sample {index}"
        assert trace.scores[index].tolist() == scores
        assert trace.classes[index] == decision


def test_random_networks_have_every_kind():
    networks = [random_network(np.random.default_rng(seed)) for seed in range(120)]
    layers = [layer for network in networks for layer in network.layers]
    shortcuts = [each for layer in layers for each in layer.shortcuts]
    for kind in (CurrentShortcut, SpikeShortcut, SynapseShortcut):
        assert sum(isinstance(each, kind) for each in shortcuts) > 10
    for kind in PoolKind:
        assert sum(layer.pool is not None and layer.pool.kind is kind for layer in layers) > 10
    convs = [layer.synapse for layer in layers if isinstance(layer.synapse, Conv)]
    assert {kernel for each in convs for kernel in each.kernel} == {1, 2, 3, 4, 5}
    assert {stride for each in convs for stride in each.stride} == {1, 2, 3}
    assert {padding for each in convs for padding in each.padding} == {0, 1, 2}
    assert sum(layer.back > 1 for layer in layers) > 10
    assert sum(layer.shape.positions == 1 for network in networks for layer in network.hidden) > 10


def test_batches_change_nothing(monkeypatch):
    rng = np.random.default_rng(7)
    network = random_network(rng, depth=5)
    samples = random_inputs(network, rng, 40)  # of 16 samples and more NNPACK would take over
    one = run(network, samples)
    monkeypatch.setattr("bsnn_hw.reference.network.PIECE", 1)
    two = run(network, samples, potentials=False)
    assert np.array_equal(one.scores, two.scores)
    for some, other in zip(one.hidden, two.hidden, strict=True):
        assert np.array_equal(some.fired, other.fired)
        assert other.charged.size == other.settled.size == 0


@for_each("channels", [64, 300])
def test_sums_stay_exact_beyond_float32(channels):
    """255 in 257 channels, 16 x 16 taps: 2**24 and a little, where float32 drops ones."""
    source = Shape(channels, 16, 16)
    image = torch.full((1, source.size), 255)
    image[0, 0] = 254
    got = convolve(conv(np.ones((1, channels, 16, 16)), source), image, 255)
    assert got.tolist() == [[255 * source.size - 1]]


def test_a_disconnected_channel_hears_its_shortcuts():
    network = joined(CurrentShortcut(1))
    second = network.hidden[1]
    silent = replace(second, synapse=replace(second.synapse, connected=np.zeros(2, bool)))
    network = replace(network, hidden=(network.hidden[0], silent))
    trace = run(network, np.ones((1, 1, 2), np.uint8))
    assert trace.hidden[1].charged.ravel().tolist() == [1 + 5, -1 - 5]
