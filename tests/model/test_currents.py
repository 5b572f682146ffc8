"""Currents on maps: by hand, exact sums, pooling, and joins."""

import numpy as np
import torch

from bsnn_hw.model import currents, real
from bsnn_hw.model.description import (
    Comparison,
    Conv2d,
    CurrentShortcut,
    Feed,
    Input,
    Layer,
    Linear,
    Model,
    Neuron,
    Norm,
    Pooling,
    PoolingKind,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from tests.for_each import for_each


def identity(channels):
    return Norm(np.ones(channels), np.zeros(channels), np.zeros(channels), np.ones(channels), 0.0)


IF = Neuron(1.0, 2.0, Reset.HARD, Comparison.AT_LEAST)


def test_a_residual_block_by_hand():
    """Signs of a 1x3 kernel are (+, -, +) and the rows of the input 1 2 0 3."""
    ones = np.ones(1)
    weight = np.array([1.0, -1.0, 1.0]).reshape(1, 1, 1, 3)
    entry = Input(real.Coding.DIRECT, 4, 2, shape=Shape(1, 1, 4))
    conv = Conv2d(weight, np.zeros(1), padding=(0, 1))
    line = Shape(1, 1, 4)
    one = Layer("one", conv, identity(1), ones, IF, Feed(None, None, line))
    two = Layer("two", conv, identity(1), ones, IF, Feed("one", None, line), (
        CurrentShortcut("one"), SpikeShortcut("one", 0.25),
        SynapseShortcut(Feed("one", None, line), Conv2d(-np.ones((1, 1, 1, 1)), np.ones(1)),
                        identity(1), np.array([2.0]))))
    pair = Pooling(PoolingKind.AVG, (1, 2))
    last = Layer("out", Linear(np.array([[1.0, -1.0]]), np.zeros(1)), identity(1), ones, None,
                 Feed("two", pair, Shape(1, 1, 2)))
    trace = real.run(Model("hand", 1, entry, (one, two, last), ("0",)), np.array([[1, 2, 0, 3]]))
    # X = (-1 + 2, 1 - 2 + 0, 2 - 0 + 3, 0 - 3)
    assert trace.membranes[0].tolist() == [[[1.0, -1.0, 0.0, -3.0]]]
    assert trace.spikes[0].tolist() == [[[False, False, True, False]]]
    # Of its spike (0, +1, -1, +1), the current (1, -1, 5, -3), a quarter, and 2 * (1 - spike).
    assert trace.membranes[1].tolist() == [[[0.0, 0.0, 0.0, 0.0]]]
    assert trace.spikes[1].tolist() == [[[True, True, True, False]]]
    assert trace.scores.tolist() == [[0.5]]


def test_charge_of_the_residual_block_by_hand():
    line, conv = Shape(1, 1, 4), Conv2d(np.array([1.0, -1.0, 1.0]).reshape(1, 1, 1, 3), np.zeros(1),
                                        padding=(0, 1))
    layer = Layer("two", conv, identity(1), np.ones(1), IF, Feed("one", None, line), (
        CurrentShortcut("one"), SpikeShortcut("one", 0.25)))
    fired = {"one": torch.tensor([[[False, False, True, False]]])}
    given = {"one": torch.tensor([[[1.0, -1.0, 5.0, -3.0]]]).double()}
    own = real.currents(layer, real.sums(layer, fired["one"]))
    assert own.tolist() == [[[0.0, 1.0, -1.0, 1.0]]]
    assert real.join(layer, own, fired, given).tolist() == [[[1.0, 0.0, 4.25, -2.0]]]


@for_each("kind, wanted, divisor", [
    (PoolingKind.MAX, [[1, 0]], 1), (PoolingKind.SUM, [[3, 0]], 1), (PoolingKind.AVG, [[3, 0]], 4)])
def test_pooling_by_hand(kind, wanted, divisor):
    rule = Pooling(kind, (2, 2))
    spikes = torch.tensor([[1, 1, 0, 0], [0, 1, 0, 0]], dtype=torch.bool)[None, None]
    assert currents.pooled(spikes, rule).int()[0, 0].tolist() == wanted
    assert rule.divisor == divisor


@for_each("kind", PoolingKind)
def test_windows_need_not_be_square(kind):
    spikes = torch.tensor([[1, 0, 0, 0], [0, 0, 1, 1]], dtype=torch.bool)[None, None]
    found = currents.pooled(spikes, Pooling(kind, (1, 2)))[0, 0].tolist()
    assert found == [[1, 0], [0, 1 if kind is PoolingKind.MAX else 2]]


@for_each("seed", range(4))
def test_float32_sums_are_those_of_integers(seed):
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(8, 16, 3, 3))
    shape = Shape(16, 12, 12)
    layer = Layer("a", Conv2d(weight, np.zeros(8), (1, 2), (1, 1)), identity(8), np.ones(1), IF,
                  Feed("b", None, shape))
    values = torch.from_numpy(rng.integers(0, 256, (20, 1, shape.size)))
    wanted = torch.nn.functional.conv2d(
        values.reshape(20, 16, 12, 12), torch.from_numpy(np.where(weight >= 0, 1, -1)),
        stride=(1, 2), padding=1)
    found = real.sums(layer, values)
    assert found.dtype == torch.float32
    assert torch.equal(found.long(), wanted.reshape(20, 1, -1))


def test_sums_beyond_float32_are_exact():
    layer = Layer("a", Linear(np.ones((1, 70_000)), np.zeros(1)), identity(1), np.ones(1), None)
    values = torch.full((1, 1, 70_000), 255, dtype=torch.uint8)
    values[0, 0, 0] = 254
    assert real.sums(layer, values).tolist() == [[[70_000 * 255 - 1.0]]]


def test_a_model_without_feeds_is_a_chain():
    layers = [Layer(name, Linear(np.ones((2, 2)), np.zeros(2)), identity(2), np.ones(1), neuron)
              for name, neuron in (("a", IF), ("b", IF), ("c", None))]
    model = Model("chain", 1, Input(real.Coding.DIRECT, 2), tuple(layers), ("0", "1"))
    assert [layer.feed.source for layer in model.layers] == [None, "a", "b"]
    assert {layer.feed.shape for layer in model.layers} == {model.input.shape} == {Shape(2)}


@for_each("part", [Linear(np.array([[-2.0, 0.0, 3.0]]), np.zeros(1)),
                                  Conv2d(np.array([[[[-2.0, -0.0, 3.0]]]]), np.zeros(1))])
def test_coefficients(part):
    assert part.coefficients.ravel().tolist() == [-1, 1, 1] and part.reach == 3
    whole = type(part)(part.weight, part.bias, weight_bits=8)
    assert whole.coefficients.ravel().tolist() == [-2, 0, 3] and whole.reach == 3 * 127
