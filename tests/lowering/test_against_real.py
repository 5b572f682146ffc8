"""The integer network against the real-valued one: exact, or different by a rounding shown."""

from contextlib import contextmanager

import numpy as np
from explained import unexplained
from models import inputs, random_model

from bsnn_hw.errors import InputError
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Coding
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model import real
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick

FINE = PrecisionRequest(fraction_bits=16, leak_bits=16)


def sums(layer, values, timesteps):
    signs = np.where(layer.synapse.weight >= 0, 1.0, -1.0)
    counts = values.astype(float) @ signs.T
    return counts if counts.ndim == 3 else np.repeat(counts[:, None], timesteps, axis=1)


def assert_explained(model, network, samples, fraction_bits, leak_bits):
    """Each layer on the spikes that the integer layer before it emits."""
    trace, values = run(network, samples), samples
    for index, hidden in enumerate(trace.hidden):
        counts = sums(model.layers[index], values, model.timesteps)
        bad = unexplained(model, index, counts, hidden.fired, fraction_bits, leak_bits)
        assert not bad, f"layer {index}: sample, timestep, neuron {bad[0]} of {len(bad)}"
        values = hidden.fired


def assert_same(model, network, samples):
    wanted, got = real.run(model, samples), run(network, samples)
    for index, (some, other) in enumerate(zip(wanted.spikes, got.hidden, strict=True)):
        different = np.argwhere(some != other.fired)
        assert not len(different), f"layer {index}: sample, timestep, neuron {different[0]}"
    return wanted, got


@contextmanager
def refused(reason):
    """Lets an InputError of this reason pass."""
    try:
        yield
    except InputError as error:
        if reason not in str(error):
            raise


@quick(8, wide=None)
@for_each("coding", list(Coding))
@for_each("seed", range(20))
def test_sixteen_bits_change_nothing_beyond_rounding(seed, coding):
    model = random_model(seed, coding=coding)
    network = lower(model, None, FINE).network
    assert problem(network) is None
    samples = inputs(model, 40, seed)
    assert_explained(model, network, samples, 16, 16)
    wanted, got = assert_same(model, network, samples)
    assert np.array_equal(wanted.classes, got.classes)
    assert np.allclose(wanted.scores, got.scores * network.readout.scale, atol=1e-3)


@for_each("bits", [0, 1, 4])
@for_each("seed", range(8))
def test_few_bits_change_what_rounding_explains(seed, bits):
    model = random_model(seed, timesteps=4)
    request = PrecisionRequest(fraction_bits=bits, leak_bits=bits + 2)
    network = lower(model, None, request).network
    assert_explained(model, network, inputs(model, 60, seed), bits, bits + 2)


@for_each("coding", list(Coding))
@for_each("seed", range(20))
def test_dyadic_parameters_agree_exactly_ties_included(seed, coding):
    model = random_model(seed, coding=coding, dyadic=True)
    network = lower(model, None, PrecisionRequest(fraction_bits=12, leak_bits=8)).network
    assert_same(model, network, inputs(model, 40, seed))


@quick(1, wide=9)
@for_each("timesteps", [None, 64])
@for_each("coding", list(Coding))
@for_each("seed", range(10))
def test_extreme_parameters_are_right_or_refused(seed, coding, timesteps):
    model = random_model(seed, coding=coding, timesteps=timesteps, extreme=True)
    samples = inputs(model, 12, seed)
    with refused("must fit 48 bits"):
        network = lower(model, None, FINE).network
        assert problem(network) is None
        assert_explained(model, network, samples, 16, 16)
    with refused("must fit 48 bits"):
        assert problem(lower(model, samples).network) is None
