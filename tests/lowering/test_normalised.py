"""Inputs with a scale and an offset per channel, in front of padded kernels too."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from map_models import random_model
from models import inputs

from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.store import equal, from_json, to_json
from bsnn_hw.lowering.factors import common_unit
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model import real
from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Coding, Conv2d
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick


def document(threshold=7.0, **changes):
    """Two pixels, a kernel of three ones, an offset of 2: what the border lacks shows."""
    neuron = {"type": "if", "threshold": threshold, "reset": "hard", "comparison": ">="}
    first = {"name": "conv", "type": "conv2d", "weight": torch.ones(1, 1, 1, 3),
             "padding": [0, 1], "neuron": neuron, **changes}
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "border", "timesteps": 1,
        "input": {"coding": "direct", "shape": [1, 1, 2], "bits": 2, "scale": 0.5, "offset": 2.0},
        "layers": [
            {key: value for key, value in first.items() if value is not None},
            {"name": "out", "type": "linear", "weight": torch.ones(1, 2),
             "neuron": {"type": "readout"}}]}


def test_by_hand():
    """Each place sees both pixels, 2 + 0.5 and 2 + 1.5, and a padded 0."""
    model = describe(document())
    samples = np.array([[1, 3]])
    assert real.run(model, samples).membranes[0].tolist() == [[[6.0, 6.0]]]
    network = lower(model, None, PrecisionRequest(fraction_bits=1)).network
    spec = network.hidden[0].neuron
    # Three offsets of 2 are 12 counts of 0.5, two of them 8.
    assert spec.bias.tolist() == [[24]] and spec.border.extra.ravel().tolist() == [-8, -8]
    assert run(network, samples).hidden[0].charged.tolist() == [[[24, 24]]]


def test_as_torch_computes_it():
    torch.manual_seed(2)
    weight = torch.randn(4, 3, 3, 3).double()
    mean, deviation = (torch.tensor(each).double().view(3, 1, 1) for each in (
        (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    first = document(1e6, weight=weight, padding=1, stride=2)["layers"][0]
    model = describe(document() | {
        "input": {"coding": "direct", "shape": [3, 7, 6], "bits": 8,
                  "scale": 1 / 255 / deviation.ravel(), "offset": -(mean / deviation).ravel()},
        "layers": [first,
                   {"name": "out", "type": "linear", "weight": torch.ones(1, 48),
                    "neuron": {"type": "readout"}}]})
    samples = np.random.default_rng(3).integers(0, 256, (5, 126)).astype(np.uint8)
    images = (torch.tensor(samples).double().view(5, 3, 7, 6) / 255 - mean) / deviation
    signs = torch.where(weight >= 0, 1.0, -1.0).double()
    wanted = torch.nn.functional.conv2d(images, signs, stride=2, padding=1).flatten(1)
    assert np.allclose(real.run(model, samples).membranes[0][:, 0], wanted.numpy())


def normalised(seed, dyadic):
    """A random model of maps with offsets, and scales whose shares are whole numbers."""
    model = random_model(seed, coding=Coding.DIRECT, dyadic=dyadic)
    rng, channels = np.random.default_rng(seed), model.input.shape.channels
    offset = rng.integers(-8, 9, channels) / (4 if dyadic else 3)
    scale = model.input.scale * rng.integers(1, 5, channels)
    if not isinstance(model.layers[0].synapse, Conv2d):
        scale = model.input.scale  # in front of a linear layer there is one
    return replace(model, input=replace(model.input, offset=offset, scale=scale))


def assert_same(model, network, samples):
    wanted, got = real.run(model, samples), run(network, samples)
    for layer, some, other in zip(network.hidden, wanted.spikes, got.hidden, strict=True):
        different = np.argwhere(some != other.fired)
        assert not len(different), f"{layer.name}: sample, timestep, neuron {different[0]}"


@quick(4, wide=None)
@for_each("seed", range(24))
def test_dyadic_parameters_agree_exactly_ties_included(seed):
    model = normalised(seed, True)
    network = lower(model, None, PrecisionRequest(fraction_bits=12, leak_bits=8)).network
    assert problem(network) is None
    assert_same(model, network, inputs(model, 20, seed))


@quick(6, wide=None)
@for_each("seed", range(24))
def test_many_bits_change_no_spike(seed):
    model = normalised(seed, False)
    network = lower(model, None, PrecisionRequest(fraction_bits=20, leak_bits=16)).network
    assert_same(model, network, inputs(model, 20, seed))


def test_offsets_in_front_of_a_linear_layer():
    """Without a map every value is a channel, and JSON keeps what it was."""
    flat = document(type="linear", weight=torch.ones(4, 4), padding=None)
    flat["input"] |= {"shape": [2, 1, 2], "offset": torch.tensor([2.0, -1.0])}
    flat["layers"][1]["weight"] = torch.ones(1, 4)
    model = describe(flat)
    samples = np.array([[1, 3, 0, 2]])
    assert real.run(model, samples).membranes[0].tolist() == [[[3.0 + 4 - 2] * 4]]
    network = lower(model, None, PrecisionRequest(fraction_bits=1)).network
    assert network.input.offset == (2.0, 2.0, -1.0, -1.0)
    assert run(network, samples).hidden[0].charged.tolist() == [[[20] * 4]]
    assert equal(from_json(to_json(network)), network)


def test_factors_are_near_the_scales_and_small():
    factors, unit = common_unit(np.array([1.0, 0.5, 0.75]), 8)
    assert (factors.tolist(), unit) == ([4, 2, 3], 0.25)
    scale = 1 / np.array([0.229, 0.224, 0.225])
    factors, unit = common_unit(scale, 8)
    assert factors.max() < 256
    assert np.abs(factors * unit / scale - 1).max() < 1 / 32 / 255
    with pytest.raises(InputError, match="scales must not differ by more than 1023 times"):
        common_unit(np.array([1.0, 5000.0]), 8)


@for_each("changes, message", [
    ({"current_pool": {"kind": "max", "size": [1, 2]}},
     "current_pool kind 'max' is refused in a first layer that pads an input with an offset"),
    ({"type": "linear", "weight": torch.ones(2, 2), "padding": None},
     "type must be 'conv2d' where each channel of the input has a scale of its own")])
def test_what_is_refused(changes, message):
    refused = document(**changes)
    if changes.get("type"):
        refused["input"] |= {"shape": [2, 1, 1], "scale": torch.tensor([1.0, 2.0])}
    with pytest.raises(ModelError, match=message):
        describe(refused)
