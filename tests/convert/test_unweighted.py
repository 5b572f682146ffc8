"""Neurons that take spikes or the input as they are, and spikes that pass a block by without."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.convert.converting import EVENTS, convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear, stirred
from tests.convert.toy import Fire
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def test_neurons_that_encode_the_input():
    """A vector, a map and a signal; normalised or not, each with thresholds of its own or one."""
    for shape, each, norm in (((6,), (6,), None), ((2, 4, 4), (2, 1, 1), nn.BatchNorm2d(2)),
                              ((2, 8), (2, 1), None)):
        size = torch.Size(shape).numel()
        for neuron in (Fire(7.0), Fire(torch.rand(each) * 9 + 1)):
            norms = [stirred(norm, 0)] if norm else []
            for part in norms:
                part.weight.data.abs_()
            for coding in ({}, {**EVENTS, "bits": 3}):
                net = nn.Sequential(*norms, neuron, nn.Flatten(), BinaryLinear(size, 3))
                first = convert(net, shape, **coding)["layers"][0]
                assert first["weight"].tolist() == [[[[1]]]] * shape[0]


@for_each("pool", [nn.AvgPool2d(2), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 1), nn.Identity()])
def test_neurons_behind_spikes(pool):
    places = pool(torch.zeros(1, 3, 4, 4)).numel()
    net = nn.Sequential(BinaryConv2d(2, 3, 3), Fire(), pool, Fire(0.4), nn.Flatten(),
                        BinaryLinear(places, 3))
    convert(net, (2, 6, 6))


class Block(nn.Module):
    """A stem, and a convolution that spikes pass by."""

    def __init__(self, past, stride=2, channels=8):
        super().__init__()
        self.stem, self.fire = BinaryConv2d(1, 4, 3, padding=1), Fire()
        self.conv, self.last = BinaryConv2d(4, channels, 3, stride, 1), Fire()
        self._past = past

    def forward(self, x):
        spikes = self.fire(self.stem(x))
        return self.last(self.conv(spikes) + self._past(self, spikes)).flatten(1)


def test_shortcuts_without_weights():
    """ResNet's option A: every second place, and channels of zeros."""
    def thin(net, spikes):
        return functional.pad(spikes[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))

    for side in (6, 7):
        layers = convert(Block(thin), (1, side, side), readout="spike_count")["layers"]
        assert layers[-1]["type"] == "linear" and len(layers) == 2
    wide = Block(lambda net, spikes: functional.pad(spikes, (0, 0, 0, 0, 0, 4)), stride=1)
    convert(wide, (1, 6, 6), readout="spike_count")
    half = Block(lambda net, spikes: spikes[:, :, ::2], channels=4, stride=(2, 1))
    convert(half, (1, 6, 6), readout="spike_count")
    both = Block(lambda net, spikes: functional.pad(spikes, (1, 1, 0, 0, 2, 2)))
    refused("makes more channels of currents, or a wider border too", both, (1, 6, 6),
            readout="spike_count")
    refused("takes a part of a value", Block(lambda net, spikes: spikes[:, :, 1::2, ::2]),
            (1, 6, 6), readout="spike_count")
