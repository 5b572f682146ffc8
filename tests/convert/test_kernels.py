"""Weights that take over what pads one side more, and averages that no pooling of a layer is."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bsnn_hw.convert.graph import Input, Pool, Synapse
from bsnn_hw.convert.kernels import evened, over_average
from bsnn_hw.convert.trace import TraceError
from tests.convert.converting import EVENTS, convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def signs(random, *shape):
    return random.choice([-1.0, 1.0], shape)


def test_one_side_more_is_a_wider_kernel():
    """Against torch's own convolution of a padded map, and with as few zeros as can be."""
    random = np.random.default_rng(0)
    for _ in range(300):
        stride, dilation, kernel = (tuple(map(int, random.integers(1, 4, 2))) for _ in range(3))
        sides = [tuple(map(int, random.integers(0, 4, 2))) for _ in range(2)]
        side = int(random.integers(8, 12))
        weight = signs(random, 3, 2, *kernel)
        values = torch.from_numpy(random.integers(0, 3, (2, 2, side, side)).astype(float))
        (top, bottom), (left, right) = sides
        wanted = functional.conv2d(functional.pad(values, (left, right, top, bottom)),
                                   torch.from_numpy(weight), stride=stride, dilation=dilation)
        found, gaps, padding = evened(weight, sides, (side, side), stride, dilation)
        got = functional.conv2d(values, torch.from_numpy(found), stride=stride, padding=padding,
                                dilation=gaps)
        assert torch.equal(got, wanted)
        assert np.count_nonzero(found) == weight.size
        if all(before == after for before, after in sides):
            assert found is weight
    # The stride skips what is behind: nothing is added.
    weight = signs(random, 1, 1, 3, 3)
    assert evened(weight, [(1, 0), (1, 0)], (8, 8), (2, 2), (1, 1))[0] is weight


def averaged(random):
    """A pooling, weights behind it, and what torch makes of both for some values."""
    size, step = (tuple(map(int, random.integers(1, 4, 2))) for _ in range(2))
    padding = tuple(int(random.integers(0, most // 2 + 1)) for most in size)
    side = int(random.integers(9, 14))
    values = torch.from_numpy(random.integers(0, 3, (2, 2, side, side)).astype(float))
    pooled = functional.avg_pool2d(values, size, step, padding, divisor_override=1)
    shape = tuple(pooled.shape[1:])
    pool = Pool(shape, True, Input((2, side, side), True), "sum", size, step, padding, False)
    return values, pooled, pool


def test_sums_of_any_windows_are_weights():
    """Linear layers and convolutions behind windows of any stride and padding, against torch."""
    random, refusals = np.random.default_rng(1), 0
    for _ in range(200):
        values, pooled, pool = averaged(random)
        weight = signs(random, 3, pooled[0].numel())
        flat = over_average(Synapse((3,), True, pool, "fc", weight, None), pool)
        assert flat.source is pool.source
        assert torch.equal(values.flatten(1) @ torch.from_numpy(flat.weight).T,
                           pooled.flatten(1) @ torch.from_numpy(weight).T)
        stride, dilation = (tuple(map(int, random.integers(1, 3, 2))) for _ in range(2))
        padding = tuple(map(int, random.integers(0, 2, 2)))
        weight = signs(random, 3, 2, 2, 2)
        wanted = functional.conv2d(pooled, torch.from_numpy(weight), None, stride, padding,
                                   dilation)
        synapse = Synapse(tuple(wanted.shape[1:]), True, pool, "conv", weight, None, stride,
                          padding, dilation)
        try:
            conv = over_average(synapse, pool)
        except TraceError:
            refusals += 1
            assert padding != (0, 0)
            continue
        assert torch.equal(functional.conv2d(values, torch.from_numpy(conv.weight), None,
                                             conv.stride, conv.padding, conv.dilation), wanted)
    assert 20 < refusals < 150


@for_each("pad, kernel, bits", [
    (nn.ZeroPad2d((0, 1, 0, 1)), 2, 2), (nn.ZeroPad2d((1, 0, 2, 1)), 3, 2),
    (nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.ZeroPad2d((0, 1, 0, 1))), 3, None)])
def test_pads_of_one_side(pad, kernel, bits):
    shape = pad(torch.zeros(1, 1, 6, 6)).shape
    places = (shape[2] - kernel + 1) * (shape[3] - kernel + 1)
    net = nn.Sequential(pad, BinaryConv2d(1, 2, kernel), Fire(), nn.Flatten(),
                        BinaryLinear(2 * places, 3))
    layers = convert(net, (1, 6, 6), offset=-0.5)["layers"]
    assert layers[0].get("weight_bits") == bits


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_the_same_size_of_even_kernels():
    for dilation in (1, 3):
        net = nn.Sequential(BinaryConv2d(1, 2, 4, padding="same"), Fire(),
                            BinaryConv2d(2, 2, (2, 3), padding="same", dilation=dilation), Fire(),
                            nn.Flatten(), BinaryLinear(72, 3))
        convert(net, (1, 6, 6))


def behind(pool, side=10, **options):
    """A convolution behind ``pool`` of spikes, then a linear layer behind the same."""
    places = pool(torch.zeros(1, 1, side, side)).shape
    left = pool(torch.zeros(1, 1, places[2] - 1, places[3] - 1)).numel()
    net = nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), Fire(), pool, BinaryConv2d(2, 2, 2),
                        Fire(), pool, nn.Flatten(), BinaryLinear(2 * left, 3))
    return convert(net, (1, side, side), **options)["layers"]


@for_each("pool", [nn.AvgPool2d(2, 1), nn.AvgPool2d(4, 2, 1), nn.AvgPool2d((2, 4), (2, 1)),
                   nn.LPPool2d(1, 3, 2)])
def test_averages_of_spikes_over_windows_that_overlap(pool):
    layers = behind(pool)
    assert layers[1]["weight_bits"] > 1 and not any("pool" in layer for layer in layers)


def test_averages_of_the_input():
    """Side by side they are wider kernels of signs."""
    for pool, bits in ((nn.AvgPool2d(2), None), (nn.AvgPool2d(2, 1), 4), (nn.LPPool2d(1, 2), None),
                       (nn.MaxPool2d(1, 2), 2)):
        places = pool(torch.zeros(1, 1, 8, 8)).shape[-1]
        for options in ({"offset": -1.0}, EVENTS):
            conv = nn.Sequential(pool, BinaryConv2d(2, 3, 2), Fire(), nn.Flatten(),
                                 BinaryLinear(3 * (places - 1)**2, 3))
            layers = convert(conv, (2, 8, 8), **options)["layers"]
            assert layers[0].get("weight_bits") == bits
            flat = nn.Sequential(pool, nn.Flatten(), BinaryLinear(2 * places**2, 5), Fire(),
                                 BinaryLinear(5, 3))
            convert(flat, (2, 8, 8), **options)


def test_an_average_of_a_maximum():
    layers = behind(nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2)), side=20)
    assert [layer["pool"]["kind"] for layer in layers[1:]] == ["max", "max"]


def test_averages_that_are_none_of_weights():
    refused("divides windows at the border by fewer places", nn.Sequential(
        BinaryConv2d(1, 2, 3, padding=1), Fire(), nn.AvgPool2d(2, 1, 1, count_include_pad=False),
        BinaryConv2d(2, 2, 2), Fire()), (1, 6, 6))
    refused("pads the averages or sums of windows that overlap", nn.Sequential(
        BinaryConv2d(1, 2, 3, padding=1), Fire(), nn.AvgPool2d(3, 2),
        BinaryConv2d(2, 2, 3, padding=1), Fire(), nn.Flatten(), BinaryLinear(8, 3)), (1, 6, 6))
    last = BinaryLinear(169, 3)
    last.weight.data.fill_(1.0)
    refused("windows that are averaged in front of the weights add them up to 144", nn.Sequential(
        BinaryConv2d(1, 1, 3, padding=1), Fire(), nn.AvgPool2d(12, 1), nn.Flatten(), last),
        (1, 24, 24))
