"""Signals, (channels, length): convolutions and pooling, as maps of a height of 1."""

import pytest
import torch
from torch import nn

from tests.convert.converting import EVENTS, convert
from tests.convert.signs import BinaryLinear, signs, stirred
from tests.convert.toy import Fire
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


class BinaryConv1d(nn.Conv1d):
    """Signs times a power of two."""

    def forward(self, x):
        return nn.functional.conv1d(x, signs(self.weight, 0.25), self.bias, self.stride,
                                    self.padding, self.dilation, self.groups)


def net(*parts, length=20):
    features = nn.Sequential(*parts, nn.Flatten())
    for part in features.modules():
        part.training = False
    width = features(torch.zeros(1, 2, length)).shape[1]
    for part in features.modules():
        if isinstance(part, Fire):
            part.v = None
    return nn.Sequential(*features, BinaryLinear(width, 3))


@for_each("geometry, bits", [
    ({}, None), ({"stride": 2, "padding": 2}, None), ({"dilation": 3, "groups": 2}, None),
    ({"padding": "same"}, None), ({"padding": "same", "dilation": 2}, None)])
def test_convolutions_of_signals(geometry, bits):
    for coding in ({}, EVENTS):
        module = net(BinaryConv1d(2, 4, 3, **geometry), stirred(nn.BatchNorm1d(4), 0), Fire(),
                     BinaryConv1d(4, 4, 3), Fire(torch.rand(4, 1) + 0.5))
        layers = convert(module, (2, 20), **coding)["layers"]
        assert layers[0]["weight"].shape == (4, 2 // geometry.get("groups", 1), 1, 3)
        assert layers[0].get("weight_bits") == bits


@for_each("pool", [nn.MaxPool1d(2), nn.AvgPool1d(2), nn.MaxPool1d(3, 2, 1), nn.AvgPool1d(4, 2, 1),
                   nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(3)])
def test_windows_of_signals(pool):
    """Behind neurons, in front of a convolution and of a linear layer, and of currents."""
    convert(net(BinaryConv1d(2, 4, 3), Fire(), pool, BinaryConv1d(4, 4, 2), Fire()), (2, 20))
    convert(net(BinaryConv1d(2, 4, 3), Fire(), pool), (2, 20))
    if getattr(pool, "padding", 0) in (0, (0,)):
        convert(net(BinaryConv1d(2, 4, 3), pool, Fire()), (2, 20))


class Block(nn.Module):
    """Joins that a signal passes by."""

    def __init__(self):
        super().__init__()
        self.conv1, self.fire1 = BinaryConv1d(2, 4, 3, padding=1), Fire()
        self.conv2, self.fire2 = BinaryConv1d(4, 4, 3, padding=1), Fire()
        self.conv3, self.fire3 = BinaryConv1d(8, 4, 3, padding=1), Fire()
        self.fc = BinaryLinear(4, 3)

    def forward(self, x):
        spikes = self.fire1(self.conv1(x))
        more = self.fire2(self.conv2(spikes) + spikes)
        return self.fc(self.fire3(self.conv3(torch.cat([spikes, more], 1))).mean(-1))


def test_residuals_and_means_of_signals():
    convert(Block(), (2, 12))


def test_signals_over_time_in_one_forward():
    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Block()

        def forward(self, x):
            return torch.stack([self.body(frame) for frame in x]).mean(0)

    convert(Sequence(), (2, 12), readout=None, sequence=True, **EVENTS)
