"""The committed examples are what their README says."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bsnn_hw import lower
from bsnn_hw.errors import InputError
from bsnn_hw.layout.timing import leak_shift
from bsnn_hw.model.format import load
from bsnn_hw.model.real import run
from bsnn_hw.nn import data
from tests.for_each import for_each, quick

EXAMPLES = Path(__file__).parents[2] / "examples"


def accuracy(name, samples, labels):
    """Share of right answers of the model file, computed without the training wing."""
    return (run(load(EXAMPLES / name), samples, keep=()).classes == labels).mean()


# With the accuracy on the test set that each must have.
MAPS = [("fashion_mnist_conv.pt", 0.90), ("fashion_mnist_residual.pt", 0.89),
        ("fashion_mnist_conv_int8_ends.pt", 0.915), ("fashion_mnist_patches.pt", 0.90)]


@for_each("name", ["digits_fc.pt", "fashion_mnist_fc.pt"])
def test_models_are_small(name):
    model = load(EXAMPLES / name)
    assert sum(layer.synapse.weight.size for layer in model.layers) <= 120_000
    assert model.timesteps <= 4
    assert (EXAMPLES / name).stat().st_size < 300_000
    stored = torch.load(EXAMPLES / name, weights_only=True)
    assert stored["layers"][0]["weight"].dtype == torch.int8
    assert stored["recipe"]["gate"] == "agmm"


def test_the_one_for_an_ice40_up5k_has_a_leak_that_is_a_shift():
    model = load(EXAMPLES / "fashion_mnist_up5k.pt")
    assert [layer.synapse.weight.shape for layer in model.layers] == [(80, 784), (10, 80)]
    assert model.timesteps == 2
    stored = torch.load(EXAMPLES / "fashion_mnist_up5k.pt", weights_only=True)
    assert (stored["recipe"]["gate"], stored["recipe"]["leak"]) == ("none", 0.5)
    assert stored["recipe"]["test_accuracy"] >= 0.865
    sample = data.load_sample(EXAMPLES / "fashion_mnist_sample.npz")
    assert accuracy("fashion_mnist_up5k.pt", sample.test_x, sample.test_y) >= 0.85


@for_each("name, floor", MAPS)
def test_networks_of_maps_are_small(name, floor):
    model = load(EXAMPLES / name)
    assert model.timesteps == 2
    assert (EXAMPLES / name).stat().st_size < 1 << 20
    stored = torch.load(EXAMPLES / name, weights_only=True)
    assert {layer["weight"].dtype for layer in stored["layers"]} == {torch.int8}
    assert stored["recipe"]["gate"] == "agmm"
    assert stored["recipe"]["test_accuracy"] >= floor


def test_the_one_with_shifts_has_no_leak_that_is_multiplied():
    network = lower(load(EXAMPLES / "fashion_mnist_fc_shift.pt")).network
    neurons = [layer.neuron for layer in network.layers[:-1]]
    assert [leak_shift(each.leak, each.leak_bits) for each in neurons] == [1, 1]
    stored = torch.load(EXAMPLES / "fashion_mnist_fc_shift.pt", weights_only=True)
    assert stored["recipe"]["test_accuracy"] >= 0.8831 - 0.003


def test_eight_bits_stand_at_the_ends_only():
    layers = load(EXAMPLES / "fashion_mnist_conv_int8_ends.pt").layers
    assert [layer.synapse.weight_bits for layer in layers] == [8, 1, 1, 1, 8]
    assert sum(layer.synapse.weight.size for layer in layers) == 458_784


def test_smaller_images():
    stored = torch.load(EXAMPLES / "fashion_mnist_14x14.pt", weights_only=True)
    assert [tuple(layer["weight"].shape) for layer in stored["layers"]] == [
        (256, 196), (96, 256), (10, 96)]
    assert stored["recipe"]["test_accuracy"] >= 0.88
    with np.load(EXAMPLES / "fashion_mnist_14x14_sample.npz") as sample:
        test_x, test_y = sample["test_x"].reshape(512, -1), sample["test_y"]
    assert accuracy("fashion_mnist_14x14.pt", test_x, test_y) >= 0.85


def test_digits_accuracy():
    digits = data.load("digits")
    assert accuracy("digits_fc.pt", digits.test_x, digits.test_y) >= 0.975


def test_fashion_accuracy_on_the_sample():
    sample = data.load_sample(EXAMPLES / "fashion_mnist_sample.npz")
    # Of 512 images one standard deviation is 1.4 points.
    assert accuracy("fashion_mnist_fc.pt", sample.test_x, sample.test_y) >= 0.85


def test_fashion_accuracy_on_the_whole_test_set():
    try:
        clothes = data.load("fashion-mnist")
    except InputError:
        pytest.skip("Fashion-MNIST is not installed")
    assert accuracy("fashion_mnist_fc.pt", clothes.test_x, clothes.test_y) >= 0.88


@quick(1, wide=None)
@for_each("name, floor", MAPS)
def test_accuracy_of_maps_on_the_sample(name, floor):
    sample = data.load_sample(EXAMPLES / "fashion_mnist_sample.npz")
    assert accuracy(name, sample.test_x[:256], sample.test_y[:256]) >= floor - 0.04


@pytest.mark.slow
@for_each("name, floor", MAPS)
def test_accuracy_of_maps_on_the_whole_test_set(name, floor):
    try:
        clothes = data.load("fashion-mnist")
    except InputError:
        pytest.skip("Fashion-MNIST is not installed")
    assert accuracy(name, clothes.test_x, clothes.test_y) >= floor
