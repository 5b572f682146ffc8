"""Networks of the literature: their layers, and statistics from a single pass."""

import pytest
import torch

from bsnn_hw.nn import (
    CurrentShortcut,
    SpikeShortcut,
    SynapseShortcut,
    calibrate,
    fully_connected,
    narrow_resnet,
    narrow_vgg11,
    resnet19,
    vgg,
    vgg11,
)
from tests.for_each import for_each


def images(batch=2, side=32):
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(0))


def kinds(network):
    return [shortcut.__class__ for layer in network.hidden.values() for shortcut in layer.shortcuts]


def test_resnet19_has_nineteen_layers_of_the_stated_sizes():
    network = resnet19(timesteps=1)
    weights = network.latent_weights()
    shapes = [tuple(weight.shape) for name, weight in weights.items() if "shortcut" not in name]
    assert shapes == [(128, 3, 3, 3), *[(128, 128, 3, 3)] * 6, (256, 128, 3, 3),
                      *[(256, 256, 3, 3)] * 5, (512, 256, 3, 3), *[(512, 512, 3, 3)] * 3,
                      (256, 512), (10, 256)]
    assert kinds(network) == [*[SpikeShortcut] * 3, SynapseShortcut, *[SpikeShortcut] * 2,
                              SynapseShortcut, SpikeShortcut]


def test_resnet19_with_the_current_around_every_convolution():
    network = resnet19("bireal", timesteps=1)
    assert kinds(network).count(CurrentShortcut) == 14
    assert kinds(network).count(SynapseShortcut) == 2


@for_each("join", ["tdbn", "bireal"])
def test_small_resnet_runs(join):
    network = resnet19(join, blocks=(1, 2), channels=(4, 6), neurons=5, shape=(3, 8, 8),
                       timesteps=2)
    output = network(images(3, 8))
    assert [tuple(spikes.shape[2:]) for spikes in output.spikes] == [
        *[(4, 8, 8)] * 3, *[(6, 4, 4)] * 4, (5,)]
    assert output.logits.shape == (3, 10)


def test_a_tdbn_block_adds_the_spikes_that_came_into_it():
    torch.manual_seed(0)
    network = resnet19(blocks=(1,), channels=(4,), neurons=5, shape=(3, 8, 8), timesteps=2).eval()
    first, _, last, _ = network(images(3, 8)).spikes
    block = network.hidden["block1_1"](first, 2)
    current = network.hidden["block1_2"].drive(block.spikes) + first
    assert torch.equal(network.hidden["block1_2"].neuron(current, 2), last)


def test_vgg_pools_between_its_groups():
    network = vgg(timesteps=1)
    assert len(network.latent_weights()) == 15
    small = vgg(((2, 2), (3,)), neurons=4, shape=(3, 8, 8), timesteps=2)
    output = small(images(3, 8))
    assert [tuple(spikes.shape[2:]) for spikes in output.spikes] == [(2, 8, 8), (2, 8, 8),
                                                                     (3, 4, 4), (4,)]


def test_one_pass_sets_the_statistics_of_every_layer():
    torch.manual_seed(0)
    network = resnet19(blocks=(1, 1), channels=(4, 6), neurons=5, shape=(3, 8, 8), timesteps=2)
    calibrate(network.eval(), images(16, 8))
    assert not network.training
    inference = network(images(16, 8))
    training = network.train()(images(16, 8))
    # Unbiased variance against biased: nearly, not exactly, the same currents.
    assert inference.rates.tolist() == pytest.approx(training.rates.tolist(), abs=0.02)
    assert all(rate > 0 for rate in inference.rates[:-1])


def test_calibration_leaves_the_momentum_as_it_was():
    network = fully_connected((6, 5, 3), timesteps=2)
    calibrate(network, torch.rand(8, 6))
    assert network.hidden["fc1"].norm.momentum == 0.1
    assert network.hidden["fc1"].gate.momentum == 0.1
    assert network.training


def test_wrong_join():
    with pytest.raises(ValueError, match=r"Join must be one of .*, not 'sew'"):
        resnet19("sew", timesteps=1)


@for_each("depth", [3, 7, 11, 19])
def test_narrow_networks_have_their_depth(depth):
    network = narrow_resnet(depth, timesteps=2)
    assert sum("shortcut" not in name for name in network.latent_weights()) == depth
    assert network(torch.rand(2, 1, 16, 16)).logits.shape == (2, 10)


def test_vgg11_has_eleven_layers_wide_and_narrow():
    assert len(vgg11(timesteps=1).latent_weights()) == 11
    narrow = narrow_vgg11(timesteps=2)
    assert len(narrow.latent_weights()) == 11
    assert narrow(torch.rand(2, 1, 16, 16)).logits.shape == (2, 10)


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match=r"Depth must be one of \(3, 7, 11, 19\), not 5"):
        narrow_resnet(5, timesteps=1)
