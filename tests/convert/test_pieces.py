"""Spikes of several layers side by side (torch.cat), some of a layer's, and sums normalised."""

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


class Branches(nn.Module):
    """Two branches behind a stem, what is made of their spikes, and a last layer with neurons."""

    def __init__(self, forward, channels=6, side=6, *, spiking=True):
        super().__init__()
        self.stem, self.fire = BinaryConv2d(2, 4, 3, padding=1), Fire()
        self.a, self.fire_a = BinaryConv2d(4, 2, 1), Fire()
        self.b, self.fire_b = BinaryConv2d(4, 4, 3, padding=1), Fire(0.5)
        self.norm = stirred(nn.BatchNorm2d(5), 0)
        self.conv, self.fire_c = BinaryConv2d(channels, 5, 3, padding=1), Fire()
        self.fc = BinaryLinear(5 * side**2, 3)
        self.last = Fire() if spiking else nn.Identity()
        self._forward = forward

    def forward(self, x):
        stem = self.fire(self.stem(x))
        return self._forward(self, stem, self.fire_a(self.a(stem)), self.fire_b(self.b(stem)))

    def end(self, spikes):
        return self.last(self.fc(spikes.flatten(1)))


def both(a, b):
    return torch.cat([a, b], dim=1)


def counted(module, **options):
    return convert(module, (2, 6, 6), **{"readout": "spike_count", **options})


FOLLOWED = {
    "convolution": (lambda net, s, a, b: net.end(net.fire_c(net.conv(both(a, b)))), 6, 6),
    "normalised": (lambda net, s, a, b: net.end(net.fire_c(net.norm(net.conv(both(a, b))))), 6, 6),
    "scaled": (lambda net, s, a, b: net.end(net.fire_c(0.5 * net.conv(2 * both(a, b)) + 1)), 6, 6),
    "pooled": (lambda net, s, a, b: net.end(net.fire_c(net.conv(
        nn.functional.max_pool2d(both(a, b), 2)))), 6, 3),
    "averaged": (lambda net, s, a, b: net.end(net.fire_c(net.conv(
        nn.functional.avg_pool2d(both(a, b), 2)))), 6, 3),
    "with the stem": (lambda net, s, a, b: net.end(net.fire_c(net.conv(
        torch.cat([s, both(a, b)], -3)))), 10, 6),
    "once more": (lambda net, s, a, b: net.end(net.fire_c(net.conv(
        torch.cat([a, b, a], 1)))), 8, 6),
    "halves": (lambda net, s, a, b: net.end(net.fire_c(net.conv(
        both(b.chunk(2, 1)[1], s.split([1, 3], dim=1)[0])))), 3, 6),
    "of both": (lambda net, s, a, b: net.end(net.fire_c(net.conv(both(a, b)[:, 1:4]))), 3, 6),
    "narrowed": (lambda net, s, a, b: net.end(net.fire_c(net.conv(b.narrow(1, 0, 3)))), 3, 6)}


@for_each("forward", sorted(FOLLOWED))
def test_spikes_side_by_side(forward):
    counted(Branches(*FOLLOWED[forward]))


def test_flattened():
    """A linear layer of maps side by side, and of parts of them."""
    def linear(channels, cut):
        module = Branches(lambda net, s, a, b: net.end(cut(both(a, b))), 6)
        module.fc = BinaryLinear(channels * 36, 3)
        return module

    document = counted(linear(6, lambda x: x))
    assert [each["kind"] for each in document["layers"][-1]["shortcuts"]] == ["linear"]
    counted(linear(3, lambda x: x[:, 1:4]))
    counted(linear(3, lambda x: x.flatten(1)[:, 36:144]))


def test_currents_in_halves():
    """Each half is a layer of its own weights, its bias and norm with it."""
    def forward(net, s, a, b):
        first, second = net.norm(net.conv(both(a, b)))[:, :4].chunk(2, dim=1)
        return net.end(torch.cat([net.fire_c(first), net.fire_d(second)], 1))

    module = Branches(forward)
    module.fire_d, module.fc = Fire(0.5), BinaryLinear(144, 3)
    layers = counted(module)["layers"]
    assert sorted(len(layer["weight"]) for layer in layers) == [2, 2, 2, 3, 4, 4]
    assert all("weight_bits" not in layer for layer in layers)


def test_sums_of_currents_that_are_normalised():
    """The others get the norm's factor, the first its shift."""
    def forward(net, s, a, b):
        return net.end(net.fire_c(net.norm(net.conv(both(a, b)) + net.other(s)) * 0.5))

    module = Branches(forward)
    module.other = BinaryConv2d(4, 5, 1)
    counted(module)


def test_what_cannot_be_side_by_side():
    readout = Branches(lambda net, s, a, b: net.end(both(a, b)), spiking=False)
    readout.fc = BinaryLinear(216, 3)
    refused(r"module 'fc': adds currents of several layers, or takes spikes of several \(torch.cat",
            readout, (2, 6, 6))
    currents = Branches(lambda net, s, a, b: net.end(net.fire_c(both(net.a(s), net.b(s)))))
    currents.fc = BinaryLinear(216, 3)
    refused("not what torch.cat puts side by side; give each its own neurons", currents, (2, 6, 6),
            readout="spike_count")
    for cut, message in (
            (lambda x: x[:, ::2], "takes channels that do not lie side by side"),
            (lambda x: x[:, :, :3], "takes a part of a value; only single timesteps can be taken, "
             "and channels that lie side by side"),
            (lambda x: x.chunk(2, 2)[0], "splits an axis other than the channels'"),
            (lambda x: torch.cat([x, x], 2), "along another axis than timesteps or channels")):
        refused(message, Branches(lambda net, s, a, b, by=cut: net.end(net.fire_c(net.conv(by(b)))),
                                  4), (2, 6, 6), readout="spike_count")


def test_groups_of_what_stands_side_by_side():
    """ShuffleNet's halves: weights of groups with zeros between them."""
    for channels, cut in ((6, lambda a, b: both(a, b)), (2, lambda a, b: b[:, 2:])):
        module = Branches(lambda net, s, a, b, by=cut: net.end(net.fire_c(net.conv(by(a, b)))))
        module.conv = BinaryConv2d(channels, 6, 3, padding=1, groups=2)
        module.fc = BinaryLinear(216, 3)
        counted(module)


def test_sums_of_currents_that_are_flattened():
    def forward(net, s, a, b):
        return net.end(net.fire_c((net.conv(both(a, b)) + net.other(s)).flatten(1)))

    module = Branches(forward)
    module.other = BinaryConv2d(4, 5, 1)
    counted(module)
