"""Convolutions, pooling and shortcuts in integers against real numbers."""

import numpy as np
from map_models import random_model
from models import inputs

from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import CurrentShortcut
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model import real
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick


def assert_same(model, network, samples):
    wanted, got = real.run(model, samples), run(network, samples)
    for layer, some, other in zip(network.hidden, wanted.spikes, got.hidden, strict=True):
        different = np.argwhere(some != other.fired)
        assert not len(different), f"{layer.name}: sample, timestep, neuron {different[0]}"
    return wanted, got


@quick(8, wide=49)
@for_each("joined", [False, True])
@for_each("seed", range(40))
def test_dyadic_parameters_agree_exactly_ties_included(seed, joined):
    model = random_model(seed, dyadic=True, joined=joined, wide=seed >= 30)
    network = lower(model, None, PrecisionRequest(fraction_bits=12, leak_bits=8)).network
    assert problem(network) is None
    assert_same(model, network, inputs(model, 20, seed))


@quick(12, wide=None)
@for_each("joined", [False, True])
@for_each("seed", range(30))
def test_many_bits_change_no_spike(seed, joined):
    model = random_model(seed, joined=joined)
    request = PrecisionRequest(fraction_bits=20, leak_bits=16)
    network = lower(model, None, request).network
    assert problem(network) is None
    wanted, got = assert_same(model, network, inputs(model, 20, seed))
    assert np.array_equal(wanted.classes, got.classes)
    assert np.allclose(wanted.scores, got.scores * network.readout.scale, atol=1e-3)


@quick(1, wide=8)
@for_each("seed", range(12))
def test_precision_is_chosen_for_every_layer(seed):
    model = random_model(seed, depth=4)
    samples = inputs(model, 60, seed)
    result = lower(model, samples)
    assert problem(result.network) is None
    assert [layer.name for layer in result.network.layers] == [
        layer.name for layer in model.layers]
    for layer, precision in zip(result.network.hidden, result.precision, strict=False):
        assert (layer.neuron.fraction_bits, layer.neuron.leak_bits) == (
            precision.fraction_bits, precision.leak_bits)
        assert precision.mismatch <= 0.01
    units = [layer.neuron.fraction_bits for number, layer in enumerate(result.network.hidden)
             for shortcut in layer.shortcuts if isinstance(shortcut, CurrentShortcut)
             for other in [result.network.hidden[number - shortcut.back]]
             if other.neuron.fraction_bits != layer.neuron.fraction_bits]
    assert not units
    wanted, got = real.run(model, samples), run(result.network, samples)
    assert (wanted.classes == got.classes).mean() > 0.9
