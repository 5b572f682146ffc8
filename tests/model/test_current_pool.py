"""Pooling of currents in front of the neurons: what it computes, and every refusal."""

import numpy as np
import torch

from bsnn_hw.model import real
from bsnn_hw.model.check import describe
from bsnn_hw.model.composed import composed, weight_bits
from bsnn_hw.model.description import Conv2d, Pooling, PoolingKind, Shape
from tests.for_each import for_each
from tests.model.refusals import problems_of, put, refused


def line(kind, threshold=2.0, **pool):
    """A row of six pixels, signs + -, gamma -1 and 2, and windows of currents."""
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "line", "timesteps": 1,
        "input": {"coding": "direct", "shape": [1, 1, 6], "bits": 3, "scale": 1.0, "offset": 0.0},
        "layers": [
            {"name": "conv", "type": "conv2d",
             "weight": torch.tensor([0.5, -0.5]).reshape(1, 1, 1, 2).repeat(2, 1, 1, 1),
             "norm": {"gamma": torch.tensor([-1.0, 2.0]), "beta": torch.zeros(2),
                      "mean": torch.zeros(2), "var": torch.ones(2), "eps": 0.0},
             "current_pool": {"kind": kind, "size": [1, 2], **pool},
             "neuron": {"type": "if", "threshold": threshold, "reset": "hard",
                        "comparison": ">="}},
            {"name": "out", "type": "linear", "weight": torch.tensor([[0.5] * 4, [-0.5] * 4]),
             "neuron": {"type": "readout"}}]}


@for_each("kind, currents", [
    # sums 1, -3, 4, 0, -1: their windows are (1, -3) and (4, 0), and the last one is left
    ("max", [3.0, 0.0, 2.0, 8.0]), ("avg", [1.0, -2.0, -2.0, 4.0]), ("sum", [2.0, -4.0, -4.0, 8.0]),
])
def test_windows_by_hand(kind, currents):
    model = describe(line(kind, threshold=1e6))
    assert model.layers[0].summed == Shape(2, 1, 5)
    assert model.layers[0].shape == Shape(2, 1, 2)
    trace = real.run(model, np.array([[3, 2, 5, 1, 1, 2]]))
    assert trace.membranes[0].tolist() == [[currents]]


def test_windows_that_overlap():
    document = line("avg", stride=1, threshold=1e6)
    document["layers"][1]["weight"] = torch.tensor([[0.5] * 8, [-0.5] * 8])
    trace = real.run(describe(document), np.array([[3, 2, 5, 1, 1, 2]]))
    assert trace.membranes[0].tolist() == [[[1.0, -0.5, -2.0, 0.5, -2.0, 1.0, 4.0, -1.0]]]


def test_windows_of_one_change_nothing():
    document = line("max")
    document["layers"][0]["current_pool"] = {"kind": "max", "size": 1}
    document["layers"][1]["weight"] = torch.tensor([[0.5] * 10, [-0.5] * 10])
    assert describe(document).layers[0].current_pool is None


@for_each("kind, most", [("sum", 6.4e306), ("avg", 1.28e307), ("max", 1.28e307)])
def test_a_window_s_sum_stays_finite(kind, most):
    """A sum is of two signs of 7, times gamma; the window of a sum has two of them."""
    document = line(kind)
    gamma = document["layers"][0]["norm"]["gamma"] = torch.tensor([1.0, most], dtype=torch.float64)
    assert describe(document).layers[0].current_pool.kind.value == kind
    gamma[1] *= 1.01
    refused(document, "currents must be finite, .* leave the range of float64; rescale the layer")


@for_each("seed", range(20))
def test_a_wider_kernel_sums_the_same(seed):
    rng = np.random.default_rng(seed)
    kernel, stride, size, step = rng.integers(1, 4, (4, 2)).tolist()
    conv = Conv2d(rng.choice([-1.0, 1.0], (2, 3, *kernel)), np.zeros(2), tuple(stride))
    pool = Pooling(PoolingKind.SUM, tuple(size), tuple(step))
    maps = torch.as_tensor(rng.integers(0, 4, (1, 3, 16, 15)).astype(float))
    sums = torch.nn.functional.conv2d(maps, torch.as_tensor(conv.weight), stride=stride)
    wanted = torch.nn.functional.avg_pool2d(sums, size, step, divisor_override=1)
    steps = [a * b for a, b in zip(stride, step, strict=True)]
    got = torch.nn.functional.conv2d(maps, torch.as_tensor(composed(conv, pool).astype(float)),
                                     stride=steps)
    assert torch.equal(got, wanted)


@for_each("weights, bits", [
    ([1, -1], 1), ([1, 0], 2), ([2, 1], 3), ([3], 3), ([-4, 1], 4), ([127], 8), ([128], 9)])
def test_bits_of_weights(weights, bits):
    assert weight_bits(np.array(weights)) == bits


@for_each("path, value, words", [
    ("layers.0.current_pool.kind", "min", ["current_pool.kind must be one of 'max', 'avg', 'sum'"]),
    ("layers.0.current_pool.size", [2, 2], ["layer 'conv': current_pool size [2, 2] must fit the "
                                            "map of the layer's currents, 2 x 1 x 5"]),
    ("layers.0.current_pool.stride", [1, 1], ["current_pool stride must be size where kind is "
                                              "'max'", "'avg' takes any stride"]),
    ("layers.0.current_pool.padding", 1, ["current_pool unknown key 'padding'"]),
    ("layers.1.current_pool", {"kind": "avg", "size": 2}, [
        "layer 'out': current_pool must be absent but in a convolution with neurons"]),
    ("layers.0.shortcuts", [{"kind": "spikes", "from": "conv"}], [
        "kind 'max' is refused in a layer with shortcuts", "accepted are 'avg' and 'sum'"]),
])
def test_refusals(path, value, words):
    document = line("max")
    put(document, path, value)
    found = "\n".join(problems_of(document))
    assert all(word in found for word in words), found


def wide(kind, side, size, **layer):
    document = line(kind, threshold=1.0)
    document["input"]["shape"] = [1, side, side]
    windows = ((side - 1) // size) ** 2
    document["layers"][0] |= {"weight": torch.full((1, 1, 2, 2), 0.5), "norm": None,
                              "current_pool": {"kind": kind, "size": size}, **layer}
    document["layers"][1]["weight"] = torch.ones(2, windows) * torch.tensor([[0.5], [-0.5]])
    return document


def test_averages_whose_kernel_would_be_too_large():
    heavy = {"weight": torch.full((1, 1, 2, 2), 127, dtype=torch.int8), "weight_bits": 8}
    (found,) = problems_of(wide("avg", 8, 2, **heavy))
    assert found.startswith("layer 'conv': current_pool adds up weights to 508, and weights of 8 "
                            "bits hold at most 127")
    (found,) = problems_of(wide("sum", 80, 64))
    assert found.startswith("layer 'conv': current_pool makes a kernel of 65 x 65")
    describe(wide("max", 80, 64))


def test_the_largest_current_is_not_carried_on():
    document = line("max")
    join = document["layers"][0] | {
        "name": "joined", "weight": torch.full((2, 2, 1, 1), 0.5), "current_pool": None,
        "shortcuts": [{"kind": "current", "from": "conv"}]}
    document["layers"].insert(1, join)
    (found,) = problems_of(document)
    assert found.startswith("layer 'joined': shortcuts[0].from must not be layer 'conv', whose "
                            "neurons get the largest current of a window each")
    put(document, "layers.0.current_pool.kind", "avg")
    describe(document)
