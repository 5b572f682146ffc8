"""Membranes with a floor, in integers: rounding, bounds, corner cases, and against plain integers
and real numbers."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Comparison, Reset
from bsnn_hw.ir.store import equal, read, save
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Coding, Neuron
from bsnn_hw.model.real import run as run_real
from bsnn_hw.reference.network import run
from evidence.random_floors import random_floors
from evidence.random_models import random_inputs
from evidence.random_streams import random_resets
from tests.for_each import for_each
from tests.lowering.models import inputs, layer, network
from tests.reference.networks import execute

SEEDS = range(24)
FEW_AND_ALL = [SEEDS[:4], pytest.param(SEEDS, marks=pytest.mark.wide)]
OPTIONS = list(itertools.product(Reset, Comparison))
FLOORED = Neuron(1.0, 3.0, Reset.HARD, Comparison.AT_LEAST, min_potential=-2.0)


def lowered(seed):
    document = random_floors(seed)
    samples = random_inputs(seed, document, 6)
    model = describe(document, "random")
    chosen = seed % 2 or any("saturate" in each["neuron"] for each in document["layers"])
    found = lower(model, samples if chosen else None, PrecisionRequest()).network
    return found, samples, random_resets(seed, 6) if model.stateful else np.ones(6, bool)


def one_layer(neuron, weight=((1.0, -1.0),), gate=(1.0,) * 4, coding=Coding.EVENTS, **bn):
    neurons = len(weight)
    return network(layer("a", weight, neuron, gate, **bn),
                   layer("out", np.ones((1, neurons)), gate=[1.0] * len(gate)), coding=coding)


def folded(model, bits=0, leak_bits=8):
    found = lower(model, None, PrecisionRequest(fraction_bits=bits, leak_bits=leak_bits)).network
    assert problem(found) is None
    return found


def floor_of(model, **bits):
    floor = folded(model, **bits).hidden[0].neuron.floor
    return None if floor is None else floor.tolist()


@pytest.mark.parametrize("seeds", FEW_AND_ALL, ids=len)
def test_matches_plain_integers_within_bounds_and_as_json(tmp_path, seeds):
    reached = 0
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
                for values, at in ((seen.charged, 0), (seen.fired, 1), (seen.settled, 2)):
                    assert values[index].tolist() == [[each[at] for each in row] for row in steps]
            assert trace.scores[index].tolist() == scores, f"seed {seed}"
        for seen, bounds, each in zip(trace.hidden, network_bounds(found)[0], found.hidden,
                                      strict=True):
            for values, interval in ((seen.charged, bounds.charged),
                                     (seen.settled, bounds.settled)):
                assert interval.low <= values.min() and values.max() <= interval.high, seed
            if each.neuron.floor is not None:
                floor = each.neuron.floor.repeat(each.shape.positions, axis=1)
                assert (seen.settled >= floor).all()
                reached += bool(((seen.settled == floor) & (seen.charged < floor)).any())
    assert reached > len(seeds) // 2


@for_each("reset, comparison", OPTIONS)
@for_each("second", [0.0, 0.25])
def test_multiples_of_the_unit_are_exact(reset, comparison, second):
    neuron = Neuron(0.5, 1.0, reset, comparison, current_leak=second, min_potential=-0.75)
    rng = np.random.default_rng(3)
    model = network(layer("a", rng.normal(size=(12, 8)), neuron, [1.0] * 6),
                    layer("b", rng.normal(size=(6, 12)), replace(
                        neuron, min_potential=-rng.integers(0, 9, 6) / 4), [1.0] * 6),
                    layer("out", rng.normal(size=(3, 6)), gate=[1.0] * 6), coding=Coding.EVENTS)
    samples = inputs(model, 40)
    bare = replace(model, layers=tuple(
        each if each.neuron is None else replace(each, neuron=replace(
            each.neuron, min_potential=None)) for each in model.layers))
    trace, found = run_real(model, samples), run(folded(model, bits=12, leak_bits=2), samples)
    for real, whole in zip(trace.spikes, found.hidden, strict=True):
        assert np.array_equal(real, whole.fired)
    assert not np.array_equal(trace.spikes[1], run_real(bare, samples).spikes[1])


def test_multiples_of_the_unit_are_exact_where_spikes_come_back():
    """Currents that meet have one unit for all channels."""
    rng = np.random.default_rng(5)
    signs = torch.from_numpy(rng.choice([-1.0, 1.0], (10, 8)))
    document = {
        "format": "bsnn-hw/model", "version": 1, "name": "back", "timesteps": 6,
        "input": {"coding": "events", "shape": [8]}, "layers": [
            {"name": "fc1", "type": "linear", "weight": signs, "neuron": {
                "type": "lif", "leak": 0.5, "threshold": 1.5, "reset": "soft", "comparison": ">=",
                "min_potential": torch.from_numpy(-rng.integers(0, 9, 10) / 4)},
             "shortcuts": [{"kind": "recurrent",
                            "weight": torch.from_numpy(rng.choice([-1.0, 1.0], (10, 10)))}]},
            {"name": "fc2", "type": "linear", "weight": signs[:3, :].repeat(1, 2)[:, :10],
             "neuron": {"type": "readout"}}]}
    model = describe(document)
    samples, found = inputs(model, 40), folded(model, bits=4, leak_bits=4)
    assert found.hidden[0].neuron.gain is not None and found.hidden[0].neuron.floor is not None
    assert np.array_equal(run(found, samples).hidden[0].fired, run_real(model, samples).spikes[0])


def test_calibration_looks_at_the_floor():
    rng = np.random.default_rng(4)
    neuron = Neuron(0.83, 1.7, Reset.SOFT, Comparison.AT_LEAST, min_potential=-0.37)
    model = network(layer("a", rng.normal(size=(12, 8)), neuron, [1.0] * 6),
                    layer("out", rng.normal(size=(3, 12)), gate=[1.0] * 6), coding=Coding.EVENTS)
    samples = inputs(model, 200)
    found = lower(model, samples, PrecisionRequest(tolerance=0.0))
    wanted = run_real(model, samples).spikes[0]
    assert np.array_equal(run(found.network, samples).hidden[0].fired, wanted)


# Rounding and corner cases of docs/ir.md

def test_rounding_by_hand():
    """To the nearest, halves up: -2.5 is -2; each gate, and each channel, has its unit."""
    assert floor_of(one_layer(replace(FLOORED, min_potential=-1.25)), bits=1) == [[-2]] * 4
    assert floor_of(one_layer(replace(FLOORED, min_potential=-1.3)), bits=1) == [[-3]] * 4
    assert floor_of(one_layer(replace(FLOORED, min_potential=-1e-3)), bits=1) == [[0]] * 4
    gates = (1.0, 1.0, 0.5, 0.5)
    assert floor_of(one_layer(FLOORED, gate=gates)) == [[-2], [-2], [-4], [-4]]
    model = one_layer(replace(FLOORED, min_potential=np.array([-2.0, -1.0])),
                      ((1.0, -1.0), (1.0, -1.0)), gamma=np.array([1.0, -0.5]))
    assert floor_of(model) == [[-2, -2]] * 4
    assert floor_of(one_layer(replace(FLOORED, input_scale=0.5, threshold=1.5))) is None


def test_bounds_by_hand():
    """Inputs add -1 to 1 to H without a leak: from -2, what is left of -3 is -2 again."""
    bounds, = network_bounds(folded(one_layer(FLOORED)))[0]
    assert (bounds.charged.low, bounds.charged.high) == (-3, 3)
    assert (bounds.settled.low, bounds.settled.high) == (-2, 2)
    bounds, = network_bounds(folded(one_layer(replace(FLOORED, min_potential=None))))[0]
    assert (bounds.charged.low, bounds.settled.low) == (-4, -4)


def test_a_floor_that_nothing_reaches_is_none():
    """Neither in any timestep, nor before the last, whose potential starts nothing, nor in a
    single one, nor of neurons that are constants."""
    assert floor_of(one_layer(replace(FLOORED, min_potential=-4.0))) is None
    assert floor_of(one_layer(replace(FLOORED, min_potential=-3.0))) is None
    assert floor_of(one_layer(replace(FLOORED, min_potential=-2.5), gate=(1.0,) * 3)) is None
    assert floor_of(one_layer(FLOORED, gate=(1.0,), coding=Coding.DIRECT)) is None
    assert floor_of(one_layer(FLOORED, gamma=0.0, beta=-1.0)) is None
    assert floor_of(one_layer(FLOORED)) == [[-2]] * 4


def test_a_channel_that_does_not_reach_its_floor_has_a_higher_one():
    """In V, at most what its potentials are at least: -4, of -1 in each timestep, or 0."""
    model = one_layer(replace(FLOORED, min_potential=np.array([-1.0, -1e9, -1e9])),
                      ((1.0, -1.0),) * 3, gamma=np.array([1.0, 1.0, 0.0]),
                      beta=np.array([0.0, 0.0, 50.0]))
    assert floor_of(model) == [[-1, -4, 0]] * 4


def test_a_soft_reset_by_an_amount_that_was_rounded_ends_at_the_floor():
    """1.5 rounds to 2 and -0.5 to 0, so that 1 is subtracted of H = 1."""
    neuron = Neuron(1.0, 1.0, Reset.SOFT, Comparison.AT_LEAST, reset_by=1.5, min_potential=-0.5)
    spec = folded(one_layer(neuron)).hidden[0].neuron
    assert spec.floor.tolist() == [[0]] * 4 and spec.reset_by.tolist() == [[1]] * 4
    exact = folded(one_layer(neuron), bits=1).hidden[0].neuron
    assert (exact.floor[0, 0], exact.reset_by[0, 0]) == (-1, 3)


def test_a_floor_gives_potentials_without_a_leak_bounds():
    """Of a state that is kept, where a hard reset is above; of a soft one there is no end there."""
    neuron = replace(FLOORED, stateful=True)
    bounds, = network_bounds(folded(one_layer(neuron)))[0]
    assert (bounds.charged.low, bounds.charged.high) == (-3, 3)
    deep = folded(one_layer(replace(neuron, min_potential=-1000.0)))
    assert network_bounds(deep)[0][0].charged.low == -1001
    with pytest.raises(InputError, match=r"the reset is hard and no current negative or the neuron "
                       r"has a floor \(min_potential\)"):
        folded(one_layer(replace(neuron, reset=Reset.SOFT), ((1.0,) * 8,)))


def test_floors_of_neurons_that_no_input_reaches():
    """Of a state that is kept they sink by their bias alone, and no further than their floor; by
    hand, in units of 2**-8 of the threshold."""
    neuron = Neuron(1.0, 1.0, Reset.HARD, Comparison.AT_LEAST, stateful=True, min_potential=-1.0)
    model = one_layer(neuron, ((1.0, 1.0), (1.0, 1.0)), (1.0, 1.0), gamma=np.array([0.0, 1.0]),
                      beta=np.array([-0.25, -0.25]))
    found, samples = folded(model, bits=2), np.zeros((4, 2, 2), np.uint8)
    trace = run(found, samples).hidden[0]
    assert np.array_equal(trace.fired, run_real(model, samples).spikes[0])
    assert trace.settled[:, -1, 1].tolist() == [-2, -4, -4, -4]


def test_wrong_floors_are_refused():
    found = folded(one_layer(replace(FLOORED, reset=Reset.SOFT)))
    spec = found.hidden[0].neuron
    for change in ({"floor": spec.floor + 3}, {"reset_by": spec.reset_by + 3}):
        wrong = replace(found, hidden=(replace(found.hidden[0], neuron=replace(spec, **change)),))
        assert problem(wrong) == (
            "layer 'a': floor must be 0 or less, and at most threshold - reset_by")
    right = replace(spec, reset_by=spec.reset_by + 2)
    assert problem(replace(found, hidden=(replace(found.hidden[0], neuron=right),))) is None
