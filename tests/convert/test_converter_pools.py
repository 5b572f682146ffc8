"""The converter: pooling of currents, before the neuron and in sums."""

import pytest
import torch
from torch import nn

from tests.convert.converting import convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


@for_each("pool", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AvgPool2d(3, 2), nn.LPPool2d(1, 2)])
@for_each("norm_first", [True, False])
def test_pooling_in_front_of_the_neuron(pool, norm_first):
    norm = nn.BatchNorm2d(2).eval()
    norm.weight.data = torch.tensor([-0.7, 0.5] if norm_first else [0.7, 0.5])
    norm.running_mean += 0.0 if isinstance(pool, nn.LPPool2d) else 0.25
    between = [norm, pool] if norm_first else [pool, norm]
    wide = isinstance(pool, nn.AvgPool2d) and pool.kernel_size == 3
    side = 2 if wide else 3  # of the windows' map
    net = nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), *between, Fire(), nn.Flatten(),
                        BinaryLinear(2 * side * side, 3))
    document = convert(net, (1, 6, 6))
    written = document["layers"][0]["current_pool"]
    assert written["size"] == ([3, 3] if wide else [2, 2])
    assert written.get("stride", [2, 2]) == [2, 2]
    assert document["recipe"]["converted"]["spikes_differ"] == 0


@for_each("pool", [nn.MaxPool2d(1, 2), nn.AvgPool2d(1, 2), nn.LPPool2d(1, 1, 2)])
def test_windows_of_one_place_that_skip_others(pool):
    """What remains is every second place, whatever the kind."""
    for parts in ([Fire(), pool], [pool, Fire()]):
        net = nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), *parts,
                            BinaryConv2d(2, 2, 3, padding=1), Fire(), nn.Flatten(),
                            BinaryLinear(8, 3))
        document = convert(net, (1, 4, 4))
        first, second, _ = document["layers"]
        written = first.get("current_pool") or second["pool"]
        assert (written["size"], written["stride"]) == ([1, 1], [2, 2])
        assert document["recipe"]["converted"]["spikes_differ"] == 0


class Joined(nn.Module):
    """Two convolutions of the same spikes, joined in any order, each of them pooled or not."""

    def __init__(self, pools, swapped):
        super().__init__()
        self.first, self.fire = BinaryConv2d(1, 2, 3, padding=1), Fire()
        self.parts = nn.ModuleList(
            nn.Sequential(BinaryConv2d(2, 2, 1, stride=1 if pooled else 2),
                          nn.AvgPool2d(2) if pooled else nn.Identity()) for pooled in pools)
        self.last, self.fc, self.swapped = Fire(), BinaryLinear(8, 3), swapped

    def forward(self, x):
        spikes = self.fire(self.first(x))
        left, right = (part(spikes) for part in self.parts)
        whole = right + left if self.swapped else left + right
        return self.fc(self.last(whole).flatten(1))


@for_each("pools", [(True, False), (False, True)])
@for_each("swapped", [True, False])
def test_a_pooled_current_in_any_place_of_a_sum(pools, swapped):
    document = convert(Joined(pools, swapped), (1, 4, 4))
    second = document["layers"][1]
    assert second["current_pool"] == {"kind": "avg", "size": [2, 2]}
    assert [each["kind"] for each in second["shortcuts"]] == ["conv2d"]
    assert document["recipe"]["converted"]["spikes_differ"] == 0


def test_two_pooled_currents():
    refused("must join currents or spikes, not a second current that is pooled: pool spikes",
            Joined((True, True), swapped=False), (1, 4, 4))


def test_pooling_whose_order_matters():
    norm = nn.BatchNorm2d(2).eval()
    norm.weight.data = torch.tensor([-0.7, 0.5])
    head = [Fire(), nn.Flatten(), BinaryLinear(8, 3)]
    refused("module '0': normalises or scales the largest currents by a negative factor",
            nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), norm, *head),
            (1, 4, 4))
    norm.running_mean += 1
    refused("module '0': shifts sums of currents",
            nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), nn.LPPool2d(1, 2), norm, *head),
            (1, 4, 4))
    refused("network: layer 'layer_0': current_pool unknown key 'padding'",
            nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), nn.MaxPool2d(2, padding=1), Fire(),
                          nn.Flatten(), BinaryLinear(18, 3)), (1, 4, 4))


@for_each("pool, written", [
    (nn.MaxPool2d(2, ceil_mode=True), {"kind": "max", "size": [2, 2]}),
    (nn.AvgPool2d(3, ceil_mode=True), {"kind": "avg", "size": [3, 3]}),
    (nn.AdaptiveMaxPool2d(3), {"kind": "max", "size": [2, 2]}),
    (nn.AdaptiveMaxPool2d((1, 2)), {"kind": "max", "size": [6, 3]})])
def test_windows_that_cover_the_map(pool, written):
    """Rounding up and adapting change nothing there."""
    for behind in (True, False):
        parts = [Fire(), pool] if behind else [pool, Fire()]
        places = pool(torch.zeros(1, 1, 6, 6)).numel()
        net = nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), *parts, nn.Flatten(),
                            BinaryLinear(2 * places, 3))
        first, last = convert(net, (1, 6, 6))["layers"]
        assert (last["pool"] if behind else first["current_pool"]) == written


def test_windows_that_do_not():
    for pool, message in ((nn.MaxPool2d(4, ceil_mode=True), "pool unknown key 'ceil_mode'"),
                          (nn.AdaptiveMaxPool2d(4), "by windows of several sizes")):
        refused(message, nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), Fire(), pool, nn.Flatten(),
                                       BinaryLinear(8, 3)), (1, 6, 6))
    refused("calls torch's adaptive_max_pool2d_with_indices", nn.Sequential(
        BinaryConv2d(1, 2, 3), Fire(), nn.AdaptiveMaxPool2d(1, return_indices=True)), (1, 6, 6),
        output=0)


@for_each("pad, padding", [(nn.ZeroPad2d(1), [1, 1]), (nn.ZeroPad2d((2, 2, 1, 1)), [1, 2]),
                           (nn.ConstantPad2d(1, 0), [1, 1])])
def test_zeros_around_a_map_are_the_next_convolution_s(pad, padding):
    side, across = 6 + 2 * padding[0], 6 + 2 * padding[1]
    net = nn.Sequential(pad, BinaryConv2d(1, 2, 3), Fire(), pad, BinaryConv2d(2, 2, 3, padding=0),
                        Fire(), nn.Flatten(), BinaryLinear(2 * (2 * side - 10) * (2 * across - 10),
                                                           3))
    layers = convert(net, (1, 6, 6))["layers"]
    assert [layer.get("padding") for layer in layers] == [padding, padding, None]


def test_zeros_and_padding_of_its_own():
    net = nn.Sequential(nn.ZeroPad2d((0, 0, 1, 1)), BinaryConv2d(1, 2, 3, padding=(1, 0)), Fire(),
                        nn.Flatten(), BinaryLinear(64, 3))
    assert convert(net, (1, 6, 6))["layers"][0]["padding"] == [2, 0]


@for_each("pad", [nn.ConstantPad2d(1, 0.5), nn.ReflectionPad2d(1), nn.ZeroPad2d(-1)])
def test_other_borders(pad):
    refused("pads by something else than zeros", nn.Sequential(
        pad, BinaryConv2d(1, 2, 3), Fire()), (1, 6, 6))


def test_zeros_that_no_convolution_takes():
    refused("must take spikes or the input, not a pad", nn.Sequential(
        BinaryConv2d(1, 2, 3), Fire(), nn.ZeroPad2d(1), nn.Flatten(), BinaryLinear(72, 3)),
        (1, 6, 6))


@for_each("pool, kind", [(nn.MaxPool2d(3, 2, 1), "max"), (nn.AvgPool2d(2), "avg"),
                         (nn.AvgPool2d(3, 2, 1), None)])
def test_pooled_spikes_that_pass_a_block_by(pool, kind):
    """As the first block of a spiking ResNet has them: one weight of 1 for each channel."""
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.fire = BinaryConv2d(1, 4, 3, padding=1), Fire()
            self.conv, self.last = BinaryConv2d(4, 4, 3, padding=1), Fire()
            self.fc = BinaryLinear(36, 3)

        def forward(self, x):
            spikes = pool(self.fire(self.stem(x)))
            read = spikes if kind else self.fire.taken
            return self.fc(self.last(self.conv(read) + 0.5 * spikes).flatten(1))

    if kind is None:  # a convolution that pads cannot read windows that overlap
        module = Block()
        module.conv = BinaryConv2d(4, 4, 3, stride=2, padding=1)
        module.fire.register_forward_hook(
            lambda part, args, out: setattr(part, "taken", out))
    else:
        module = Block()
    found, = convert(module, (1, 6, 6))["layers"][1]["shortcuts"]
    assert found["kind"] == "conv2d" and found["groups"] == 4
    assert found.get("pool", {}).get("kind") == kind
