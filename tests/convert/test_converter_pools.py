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
