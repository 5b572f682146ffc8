"""Convolutions that give the classes, and what is averaged over their maps or over time."""

import pytest
import torch
from torch import nn

from tests.convert.converting import convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear, stirred
from tests.convert.toy import Fire
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def headed(*head, side=6):
    return nn.Sequential(BinaryConv2d(1, 4, 3, padding=1), Fire(), *head), (1, side, side)


@for_each("geometry, bits", [
    ({"kernel_size": 6}, None), ({"kernel_size": 3}, 2),
    ({"kernel_size": 3, "padding": 1, "stride": 2, "groups": 2}, 2),
    ({"kernel_size": (6, 2), "dilation": (1, 5)}, 2)])
def test_convolutions_as_last_layers(geometry, bits):
    """Of spikes that are counted, and of currents; normalised or not, with a threshold each."""
    for tail, readout in (([Fire(torch.rand(4, 1, 1) + 0.5)], "spike_count"), ([], "sum"),
                          ([stirred(nn.BatchNorm2d(4), 0)], "mean")):
        module, shape = headed(BinaryConv2d(4, 4, **geometry), *tail, nn.Flatten())
        last = convert(module, shape, readout=readout)["layers"][-1]
        assert last["type"] == "linear" and last.get("weight_bits") == bits
        assert not last.keys() & {"stride", "padding", "groups", "dilation"}


@for_each("pool", [nn.AdaptiveAvgPool2d(1), nn.AvgPool2d(2), nn.AvgPool2d(3, 1),
                   nn.LPPool2d(1, 4)])
def test_averages_of_the_last_currents(pool):
    for norms in ([], [stirred(nn.BatchNorm2d(3), 1)]):
        for kernel in (1, 3):
            last = BinaryConv2d(4, 3, kernel, padding=kernel // 2)
            module, shape = headed(last, *norms, pool, nn.Flatten(), side=4)
            layer = convert(module, shape, readout="mean")["layers"][-1]
            assert "current_pool" not in layer
            module, shape = headed(last, *norms, pool, Fire(), nn.Flatten(), side=4)
            convert(module, shape, readout="spike_count")


class Over(nn.Module):
    """A forward that takes spikes of maps over time and over places, as it is told."""

    def __init__(self, taken):
        super().__init__()
        self.conv1, self.fire1 = BinaryConv2d(1, 4, 3), Fire()
        self.conv2, self.fire2 = BinaryConv2d(4, 6, 3), Fire()
        self.norm, self.fc = stirred(nn.BatchNorm1d(6), 0), BinaryLinear(6, 5)
        self.conv3 = BinaryConv2d(6, 5, 2)
        self._taken = taken

    def forward(self, x):
        record = [self.fire2(self.conv2(self.fire1(self.conv1(x)))) for _ in range(3)]
        return self._taken(self, torch.stack(record))


VOTES = {
    "places, then time": lambda net, x: x.mean((3, 4)).mean(0),
    "time, then places": lambda net, x: x.sum(0).mean([-2, -1]),
    "flattened": lambda net, x: x.flatten(3).sum(-1).mean(0),
    "kept": lambda net, x: x.mean(0).mean((2, 3), keepdim=True).flatten(1),
    "pooled": lambda net, x: nn.functional.adaptive_avg_pool2d(x.mean(0), 1).flatten(1)}
READ = {
    "mean of places": lambda net, x: net.fc(x.mean((-2, -1)).mean(0)),
    "sum over time": lambda net, x: net.fc(x.mean((-2, -1)).sum(0)),
    "mean over time first": lambda net, x: net.fc(x.mean(0).sum((2, 3))),
    "normalised": lambda net, x: net.fc.forward(x.mean((3, 4)).mean(0)) * 0.5,
    "convolution": lambda net, x: net.conv3(x.mean(0)).mean((2, 3)),
    "maxima": lambda net, x: net.fc(x.amax((3, 4)).mean(0))}


@for_each("taken", sorted(VOTES))
def test_spikes_of_a_map_vote(taken):
    document = convert(Over(VOTES[taken]), (1, 6, 6), readout=None)
    assert document["readout"] == {"type": "spike_count", "group": 4}


@for_each("taken", sorted(READ))
def test_layers_behind_a_mean_over_time(taken):
    convert(Over(READ[taken]), (1, 6, 6), readout=None)


def test_a_normalisation_behind_a_sum_over_time():
    for reduce in (lambda x: x.sum(0), lambda x: x.mean(0)):
        convert(Over(lambda net, x, by=reduce: net.norm(net.norm(by(x).mean((2, 3)) @ torch.ones(
            6, 6, dtype=x.dtype)))), (1, 6, 6), readout=None)


def test_a_last_convolution_of_two_branches():
    """SqueezeNet's end: spikes side by side, a convolution, neurons, averages of their maps."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.fire = BinaryConv2d(1, 4, 3), Fire()
            self.a, self.fire_a = BinaryConv2d(4, 2, 1), Fire()
            self.b, self.fire_b = BinaryConv2d(4, 3, 3, padding=1), Fire()
            self.conv, self.last = BinaryConv2d(5, 3, 1), Fire(torch.rand(3, 1, 1) + 0.5)

        def forward(self, x):
            stem = self.fire(self.stem(x))
            both = torch.cat([self.fire_a(self.a(stem)), self.fire_b(self.b(stem))], 1)
            return self.last(self.conv(both)).mean((2, 3))

    document = convert(Net(), (1, 6, 6), readout="spike_count")
    assert document["layers"][-1]["shortcuts"][0]["kind"] == "linear"
    assert document["readout"]["group"] == 16


def test_last_layers_that_are_refused():
    module, shape = headed(BinaryConv2d(4, 3, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    refused("gives the largest currents of windows as scores", module, shape)
    last = BinaryConv2d(4, 3, 3, padding=1)
    last.weight.data.fill_(1.0)
    module, shape = headed(last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), side=16)
    convert(module, shape)
    refused("computes with what was taken over time already", Over(
        lambda net, x: net.fc(x.amax(0).mean((2, 3)))), (1, 6, 6), readout=None)
