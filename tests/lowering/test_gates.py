"""Gates that samples make: their integers against the real-valued layer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from map_models import random_model as random_maps
from models import LIF, inputs, layer, network, random_model
from test_against_real import refused

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import gate_total_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Coding
from bsnn_hw.lowering.fold import counting
from bsnn_hw.lowering.gate import GateBits, fold_gated, mean_of
from bsnn_hw.lowering.gate_precision import _fewest
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model import real
from bsnn_hw.model.currents import currents
from bsnn_hw.reference.gate import factors
from bsnn_hw.reference.network import run
from bsnn_hw.reference.synapse import sums
from tests.for_each import for_each, quick

FINEST = GateBits(8, 10, 12)


def own_gates(model):
    """``model``, every layer's gate that of the sample, the constants its alpha."""
    return replace(model, layers=(*(replace(each, own_gate=True) for each in model.layers[:-1]),
                                  model.layers[-1]))


def random_gated(seed, **options):
    if seed % 2:
        return own_gates(random_model(seed, **options))
    return own_gates(random_maps(seed, joined=False, **options))


def samples_of(model, count, seed):
    values = inputs_of_map(model, count, seed) if model.layers[0].synapse.weight.ndim == 4 else (
        inputs(model, count, seed))
    return torch.as_tensor(values.astype(np.int64))


def inputs_of_map(model, count, seed):
    shape = (count, model.input.size)
    if model.input.coding is Coding.EVENTS:
        shape = (count, model.timesteps, model.input.size)
    return np.random.default_rng(seed).integers(0, 1 << model.input.bits, shape)


def test_inputs_count_against_the_current_that_fires_with_the_largest_factor(monkeypatch):
    """A threshold of 1 and factors of up to 8: what is nothing beside 1/8 has no influence."""
    given = []

    def seen(layer, channel, least, max_value):
        given.append(least)
        return counting(layer, channel, least, max_value)

    monkeypatch.setattr("bsnn_hw.lowering.gate.counting", seen)
    first = replace(layer("a", np.ones((2, 2)), LIF, [8.0, 2.0]), own_gate=True)
    model = network(first, layer("out", np.ones((1, 2)), gate=[1.0, 1.0]), bits=4)
    fold_gated(first, model.input, max_value=15, fraction_bits=4, leak_bits=8)
    assert given == [1 / 8]


@pytest.mark.wide
@for_each("bits", [GateBits(3, 3, 4), GateBits(8, 10, 12), GateBits(2, 0, 1)])
@for_each("seed", range(20))
def test_factors_are_off_by_no_more_than_rounding_explains(seed, bits):
    """Half of an interval of the table, half a step for each unit that comes in, half an LSB."""
    model = random_gated(seed)
    first, most = model.layers[0], (1 << model.input.bits) - 1
    values = samples_of(model, 50, seed)
    mean = mean_of(first, model.input)
    layer = fold_gated(first, model.input, max_value=most, fraction_bits=4, leak_bits=8, bits=bits)
    wanted = real_gate(model, layer, values)
    got = factors(layer, values, model.timesteps, most, model.input.shape).numpy()
    gate = layer.gate
    step = np.abs(mean.weights).max() / ((1 << bits.weights - 1) - 1)
    reach = sums(replace(layer.gate_synapse, weights=np.ones_like(layer.gate_synapse.weights)),
                 values, model.timesteps, most).sum(dim=2).numpy()
    off = 0.25 * step * ((1 << gate.shift) / 2 + 0.5 * reach)
    allowed = first.gate * (off + 4e-4) + 0.5001 * 2.0 ** -gate.factor_bits
    top = (1 << bits.factor) - 1.5  # the largest factor may be one more than its bits hold
    allowed += np.where(got >= top, 2.0 ** -gate.factor_bits, 0)
    assert (np.abs(got * 2.0 ** -gate.factor_bits - wanted) <= allowed).all()


def real_gate(model, layer, values):
    """alpha times the sigmoid of the mean of Y, (N, T)."""
    first = replace(model.layers[0], own_gate=False, gate=np.ones(model.timesteps))
    weights = torch.as_tensor(first.synapse.coefficients)
    synapse = replace(layer.synapse, weights=weights.numpy(),
                      connected=np.ones(len(weights), bool))
    accs = sums(synapse, values, model.timesteps, (1 << model.input.bits) - 1)
    means = currents(first, accs, model.input).mean(dim=2)
    return model.layers[0].gate * torch.sigmoid(means).numpy()


@quick(3, wide=19)
@for_each("coding", list(Coding))
@for_each("seed", range(20))
def test_fine_integers_change_few_spikes(seed, coding):
    model = random_gated(seed, coding=coding)
    values = samples_of(model, 60, seed).numpy()
    request = PrecisionRequest(fraction_bits=12, leak_bits=12, gate_bits=FINEST)
    lowered = lower(model, values, request)
    assert problem(lowered.network) is None
    wanted, got = real.run(model, values).spikes[0], run(lowered.network, values).hidden[0].fired
    assert (wanted != got).sum() <= max(2, 0.02 * wanted.sum())
    assert lowered.precision[0].mismatch == (wanted != got).sum() / max(1, wanted.sum())


@quick(0, wide=2)
@for_each("seed", range(6))
def test_a_lower_tolerance_takes_more_bits(seed):
    model = random_gated(seed, timesteps=4)
    values = samples_of(model, 150, seed).numpy()
    found = [lower(model, values, PrecisionRequest(tolerance=share, classes=1.0)).precision[0]
             for share in (1.0, 0.03)]
    assert found[0].gate == GateBits(2, 0, 1) or found[0].mismatch <= 1
    assert found[1].mismatch <= max(0.03, found[0].mismatch)
    wide, narrow = (each.gate.weights + each.gate.index + each.gate.factor for each in found[::-1])
    assert wide >= narrow


@for_each("seed", range(10))
def test_what_is_given_is_taken_and_without_samples_the_usual(seed):
    model = random_gated(seed)
    given = GateBits(3, 2, 5)
    assert lower(model, None, PrecisionRequest(gate_bits=given)).precision[0].gate == given
    gate = lower(model).network.hidden[0].gate
    assert (gate.weight_bits, gate.width) == (6, 8) and gate.index_bits <= 6


def test_a_mean_that_no_input_moves_is_the_constant_gate():
    """Two neurons of opposite weights: E is 0, g is alpha / 2, and ties stay ties."""
    weights = np.array([[1.0, 1, -1, 1], [-1, -1, 1, -1]])
    constant = network(layer("a", weights, LIF, gate=[1.0, 0.5]),
                       layer("out", np.ones((2, 2)), gate=[1.0, 1.0]))
    first = replace(constant.layers[0], own_gate=True, gate=2 * constant.layers[0].gate)
    own = replace(constant, layers=(first, constant.layers[1]))
    values = inputs(own, 300)
    request = PrecisionRequest(fraction_bits=8, leak_bits=8)
    lowered = lower(own, None, request).network
    assert lowered.hidden[0].gate.entries == 1
    got, wanted = run(lowered, values), run(lower(constant, None, request).network, values)
    assert (got.hidden[0].fired == wanted.hidden[0].fired).all()
    assert (got.hidden[0].fired == real.run(own, values).spikes[0]).all()


@quick(1, wide=11)
@for_each("timesteps", [None, 40])
@for_each("coding", list(Coding))
@for_each("seed", range(12))
def test_extreme_parameters_are_right_or_refused(seed, coding, timesteps):
    model = own_gates(random_model(seed, coding=coding, timesteps=timesteps, extreme=True))
    values = inputs(model, 8, seed)
    with refused("must fit 48 bits"):
        assert problem(lower(model).network) is None
    with refused("must fit 48 bits"):
        assert problem(lower(model, values).network) is None


def test_a_product_beyond_64_bits_is_refused():
    """Currents of 54 bits times factors of 12: a small alpha leaves potentials that fit 48."""
    fan_in = 1 << 13
    first = layer("a", np.ones((1, fan_in)), replace(LIF, threshold=1.0), gate=[1e-3])
    whole = own_gates(network(first, layer("out", [[1.0]], gate=[1.0])))
    model = replace(whole, input=replace(whole.input, bits=8))
    request = PrecisionRequest(fraction_bits=32, gate_bits=FINEST)
    with pytest.raises(InputError, match="factor must fit 64 bits, not 66; give fewer fraction"):
        lower(model, None, request)
    narrower = replace(request, fraction_bits=30)
    assert problem(lower(model, None, narrower).network) is None


@pytest.mark.wide
@for_each("seed", range(12))
def test_channels_that_count_nothing(seed):
    """gamma 0 in some or all channels: they fire on their bias alone, times the gate."""
    rng = np.random.default_rng(seed)
    gamma = rng.choice([0.0, 1.0, -0.5], 5) if seed else np.zeros(5)
    first = layer("a", rng.normal(size=(5, 4)), replace(LIF, leak=0.5), gate=[1.5, 1.0, 0.7],
                  gamma=gamma, beta=rng.normal(size=5) + 1)
    model = own_gates(network(first, layer("out", np.ones((2, 5)), gate=np.ones(3))))
    values = inputs(model, 200)
    request = PrecisionRequest(fraction_bits=10, leak_bits=10, gate_bits=FINEST)
    got = run(lower(model, values, request).network, values).hidden[0].fired
    wanted = real.run(model, values).spikes[0]
    assert (got != wanted).mean() < 0.01


@for_each("seed", range(6))
@for_each("span", [1, 2, 5, 8, 9])
def test_intervals_of_a_table_are_no_wider_than_its_totals_need(seed, span):
    """Means without an end: all totals that there can be, in 2 to the ``span`` intervals."""
    model = random_gated(seed)
    first, most = model.layers[0], (1 << model.input.bits) - 1
    bits = GateBits(6, span, 8)
    layer = fold_gated(first, model.input, max_value=most, fraction_bits=4, leak_bits=8, bits=bits,
                       means=(-1e12, 1e12))
    reach = gate_total_bounds(layer.synapse, layer.gate.weights, most)
    totals, covered = reach.high - reach.low + 1, layer.gate.table.shape[1] << layer.gate.shift
    assert covered >= totals and covered < 2 * max(totals, 1)
    assert layer.gate.shift == 0 or layer.gate.table.shape[1] == 1 << span
    assert layer.gate.offset >= -reach.low and reach.high + layer.gate.offset < covered


def test_the_fewest_bits_by_halving():
    def measure(bits):
        return 1 / bits

    assert _fewest([1, 2, 4, 8], measure, 2.0) == 1
    assert _fewest([1, 2, 4, 8], measure, 0.5) == 2
    assert _fewest([1, 2, 4, 8], measure, 0.2) == 8
    assert _fewest([1, 2, 4, 8], measure, 0.0) == 8  # which changes no more than the last
    assert _fewest([3], measure, 0.0) == 3
    assert _fewest([1, 2, 4], lambda bits: 0.3, 0.0) == 1
