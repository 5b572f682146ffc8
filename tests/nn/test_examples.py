"""The committed examples are what their README says."""

from pathlib import Path

import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.model.format import load
from bsnn_hw.model.real import run
from bsnn_hw.nn import data

EXAMPLES = Path(__file__).parents[2] / "examples"


def accuracy(name, samples, labels):
    """Share of right answers of the model file, computed without the training wing."""
    return (run(load(EXAMPLES / name), samples, keep=()).classes == labels).mean()


@pytest.mark.parametrize("name", ["digits_fc.pt", "fashion_mnist_fc.pt"])
def test_models_are_small(name):
    model = load(EXAMPLES / name)
    assert sum(layer.synapse.weight.size for layer in model.layers) <= 120_000
    assert model.timesteps <= 4
    assert (EXAMPLES / name).stat().st_size < 300_000
    stored = torch.load(EXAMPLES / name, weights_only=True)
    assert stored["layers"][0]["weight"].dtype == torch.int8
    assert stored["recipe"]["gate"] == "agmm"


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
