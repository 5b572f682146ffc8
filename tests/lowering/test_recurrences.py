"""Recurrent layers in integers: bounds, precision, and against plain integers and real numbers."""

import functools
from dataclasses import replace

import numpy as np
import torch

from bsnn_hw.ir.bounds import step_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.store import equal, read, save
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run as run_real
from bsnn_hw.reference.network import run
from evidence.random_models import random_inputs
from evidence.random_recurrences import random_recurrences
from tests.for_each import for_each, quick
from tests.lowering.plain import same_as_plain, within_bounds

SEEDS = range(24)


@functools.cache
def lowered(seed):
    document = random_recurrences(seed)
    inputs = random_inputs(seed, document, 5)
    model = describe(document, "random")
    return model, lower(model, inputs if seed % 2 else None, PrecisionRequest()).network, inputs


@quick(2, wide=None)
@for_each("seed", SEEDS)
def test_matches_plain_integers(seed):
    _, network, inputs = lowered(seed)
    assert same_as_plain(network, inputs)


@quick(6, wide=None)
@for_each("seed", SEEDS)
def test_nothing_leaves_its_bounds(seed):
    _, network, inputs = lowered(seed)
    assert within_bounds(network, inputs)


def test_the_first_timestep_has_no_spikes_back():
    _, network, _ = lowered(0)
    layer = next(layer for layer in network.hidden if layer.recurrences)
    kept = tuple(each for each in layer.shortcuts if each.back)
    alone = step_bounds(replace(layer, shortcuts=kept), 1)[0][0]
    with_it = step_bounds(layer, 1)[0][0]
    assert all(np.array_equal(one, two) for one, two in zip(alone, with_it, strict=True))


def test_multiples_of_the_unit_are_exact():
    """Signs, integer biases and thresholds that are powers of two: no spike differs."""
    generator = torch.Generator().manual_seed(5)
    signs = [torch.randn(size, generator=generator) for size in ((12, 8), (12, 12), (4, 12))]
    neuron = {"type": "lif", "leak": 0.5, "threshold": 2.0, "reset": "soft", "comparison": ">"}
    model = describe({
        "format": "bsnn-hw/model", "version": 1, "name": "dyadic", "timesteps": 6,
        "input": {"coding": "events", "shape": [8]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight": signs[0], "neuron": neuron, "shortcuts": [
                {"kind": "recurrent", "weight": signs[1], "bias": torch.ones(12)}]},
            {"name": "fc2", "type": "linear", "weight": signs[2],
             "neuron": {"type": "readout"}}]}, "dyadic")
    inputs = np.random.default_rng(0).integers(0, 2, (40, 6, 8)).astype(np.uint8)
    network = lower(model, None, PrecisionRequest(fraction_bits=8, leak_bits=4)).network
    assert np.array_equal(run(network, inputs).hidden[0].fired, run_real(model, inputs).spikes[0])


def test_kept_as_json(tmp_path):
    _, network, _ = lowered(1)
    assert any(layer.recurrences for layer in network.hidden)
    save(tmp_path / "network.json", network)
    assert equal(read(tmp_path / "network.json"), network)
    assert problem(network) is None
