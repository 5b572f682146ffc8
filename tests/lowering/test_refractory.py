"""Neurons that rest after a spike, in integers: bounds, corner cases, and against plain integers
and real numbers."""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Comparison, Reset
from bsnn_hw.ir.store import equal, read, save
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Coding, Neuron
from bsnn_hw.model.real import run as run_real
from bsnn_hw.reference.network import run
from evidence.random_models import random_inputs
from evidence.random_refractory import random_refractory
from evidence.random_streams import random_resets
from tests.lowering.models import inputs, layer, network
from tests.reference.networks import execute

SEEDS = range(24)
FEW_AND_ALL = [SEEDS[:3], pytest.param(SEEDS, marks=pytest.mark.wide)]
RESTING = Neuron(0.5, 1.0, Reset.HARD, Comparison.AT_LEAST, refractory=True)


def lowered(seed):
    document = random_refractory(seed)
    samples = random_inputs(seed, document, 6)
    model = describe(document, "random")
    chosen = seed % 2 or any("saturate" in each["neuron"] for each in document["layers"])
    found = lower(model, samples if chosen else None, PrecisionRequest()).network
    return found, samples, random_resets(seed, 6) if model.stateful else np.ones(6, bool)


def one_layer(neuron, weight=((1.0, -1.0),), gate=(1.0,) * 4, coding=Coding.EVENTS, **bn):
    neurons = len(weight)
    return network(layer("a", weight, neuron, gate, **bn),
                   layer("out", np.ones((1, neurons)), gate=[1.0] * len(gate)), coding=coding)


def folded(model, bits=4, leak_bits=8):
    found = lower(model, None, PrecisionRequest(fraction_bits=bits, leak_bits=leak_bits)).network
    assert problem(found) is None
    return found


@pytest.mark.parametrize("seeds", FEW_AND_ALL, ids=len)
def test_matches_plain_integers_within_bounds_and_as_json(tmp_path, seeds):
    spikes = rests = 0
    for seed in seeds:
        found, samples, resets = lowered(seed)
        save(tmp_path / "network.json", found)
        assert equal(read(tmp_path / "network.json"), found), f"seed {seed}"
        trace, state = run(found, samples, resets=resets if found.stateful else None), {}
        for index, sample in enumerate(samples):
            if resets[index]:
                state.clear()
            layers, scores, _ = execute(found, sample, state)
            for seen, steps in zip(trace.hidden, layers, strict=True):
                assert seen.charged[index].tolist() == [[h for h, _, _ in row] for row in steps]
                assert seen.fired[index].tolist() == [[s for _, s, _ in row] for row in steps]
            assert trace.scores[index].tolist() == scores, f"seed {seed}"
        for seen, bounds, each in zip(trace.hidden, network_bounds(found)[0], found.hidden,
                                      strict=True):
            for values, interval in ((seen.charged, bounds.charged),
                                     (seen.settled, bounds.settled)):
                assert interval.low <= values.min() and values.max() <= interval.high, seed
            if each.neuron.refractory and each.synapse.connected.any():
                spikes += int(seen.fired.sum())
                rests += int((seen.fired[:, :-1] & ~seen.fired[:, 1:]).sum())
    assert spikes > rests > 20 * len(seeds)


def test_multiples_of_the_unit_are_exact():
    for comparison in Comparison:
        for second in (0.0, 0.25):
            neuron = replace(RESTING, comparison=comparison, current_leak=second)
            rng = np.random.default_rng(3)
            model = network(layer("a", rng.normal(size=(12, 8)), neuron, [1.0] * 6),
                            layer("b", rng.normal(size=(6, 12)), neuron, [1.0] * 6),
                            layer("out", rng.normal(size=(3, 6)), gate=[1.0] * 6),
                            coding=Coding.EVENTS)
            samples = inputs(model, 40)
            found = folded(model, bits=12, leak_bits=2)
            for real, whole in zip(run_real(model, samples).spikes, run(found, samples).hidden,
                                   strict=True):
                assert np.array_equal(real, whole.fired), comparison


def test_calibration_looks_at_neurons_that_rest():
    rng = np.random.default_rng(4)
    neuron = replace(RESTING, leak=0.83, threshold=1.7)
    model = network(layer("a", rng.normal(size=(12, 8)), neuron, [1.0] * 6),
                    layer("out", rng.normal(size=(3, 12)), gate=[1.0] * 6), coding=Coding.EVENTS)
    samples = inputs(model, 200)
    found = lower(model, samples, PrecisionRequest(tolerance=0.0))
    wanted = run_real(model, samples).spikes[0]
    assert np.array_equal(run(found.network, samples).hidden[0].fired, wanted)
    assert not (wanted[:, :-1] & wanted[:, 1:]).any()


# Corner cases of docs/ir.md

def test_bounds_by_hand():
    """Inputs add 0 or 1 to a bias of 2, F = 0, half kept, and H of 3 fires: H is 2 or 3, then 0 or
    1 + 2 = 3 at least, which fires, and 1 + 3 at most."""
    found = folded(one_layer(replace(RESTING, threshold=3.0), ((1.0,),), (1.0,) * 3, beta=2.0),
                   bits=0)
    bounds, = network_bounds(found)[0]
    assert (bounds.charged.low, bounds.charged.high) == (0, 4)
    plain = replace(found.hidden[0], neuron=replace(found.hidden[0].neuron, refractory=False))
    bounds, = network_bounds(replace(found, hidden=(plain,)))[0]
    assert (bounds.charged.low, bounds.charged.high) == (2, 4)


def test_a_neuron_that_always_fires_does_so_every_other_timestep():
    """Constants say it: it is disconnected, and H stays 0."""
    model = one_layer(RESTING, ((1.0, -1.0), (1.0, -1.0)), beta=np.array([50.0, 0.0]))
    found = folded(model)
    assert found.hidden[0].synapse.connected.tolist() == [False, True]
    samples = inputs(model, 20)
    trace = run(found, samples).hidden[0]
    assert trace.fired[..., 0].astype(int).tolist() == [[1, 0, 1, 0]] * 20
    assert np.array_equal(trace.fired, run_real(model, samples).spikes[0])
    assert not trace.charged[..., 0].any()


def test_nobody_rests_where_no_neuron_is_connected():
    for beta in (-5.0, 0.6, 50.0):
        model = one_layer(RESTING, gamma=0.0, beta=beta)
        found, samples = folded(model), inputs(model, 5)
        assert not found.hidden[0].neuron.refractory
        assert np.array_equal(run(found, samples).hidden[0].fired,
                              run_real(model, samples).spikes[0])


def test_one_timestep_remembers_nothing():
    spec = folded(one_layer(RESTING, gate=(1.0,))).hidden[0].neuron
    assert not spec.rests and not spec.remembers
    assert replace(spec, stateful=True).rests and replace(spec, stateful=True).remembers


def test_a_soft_reset_is_refused():
    found = folded(one_layer(replace(RESTING, refractory=False, reset=Reset.SOFT)))
    spec = replace(found.hidden[0].neuron, refractory=True)
    wrong = replace(found, hidden=(replace(found.hidden[0], neuron=spec),))
    assert problem(wrong) == "layer 'a': refractory neurons must have a hard reset"
