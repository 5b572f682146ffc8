"""Second-order neurons in integers: bounds, corner cases, and against plain integers and real
numbers."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import leak_width, problem
from bsnn_hw.ir.network import Comparison, Reset
from bsnn_hw.ir.store import equal, read, save
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Coding, Neuron
from bsnn_hw.model.real import run as run_real
from bsnn_hw.reference.network import run
from evidence.random_models import random_inputs
from evidence.random_second_order import random_second_order
from tests.for_each import for_each, quick
from tests.lowering.models import LIF, inputs, layer, network
from tests.lowering.plain import same_as_plain

SEEDS = range(30)
FEW_AND_ALL = [SEEDS[:6], pytest.param(SEEDS, marks=pytest.mark.wide)]
SYNAPTIC = replace(LIF, current_leak=0.5)


@functools.cache
def lowered(seed):
    document = random_second_order(seed)
    samples = random_inputs(seed, document, 5)
    model = describe(document, "random")
    return lower(model, samples if seed % 2 else None, PrecisionRequest()).network, samples


def one_layer(neuron, weight=((1.0, -1.0),), gate=(1.0,) * 4, coding=Coding.EVENTS, **bn):
    neurons = len(weight)
    return network(layer("a", weight, neuron, gate, **bn),
                   layer("out", np.ones((1, neurons)), gate=[1.0] * len(gate)), coding=coding)


def folded(model, bits=4, leak_bits=8):
    found = lower(model, None, PrecisionRequest(fraction_bits=bits, leak_bits=leak_bits)).network
    assert problem(found) is None
    return found


def synaptic_of(layer, trace):
    """What is kept of I, and I, int64 (N, T, neurons), from the potentials of a trace."""
    spec, shape = layer.neuron, trace.charged.shape
    places = layer.shape.positions
    carried, kept = (np.zeros(shape, np.int64) for _ in range(2))
    synaptic = np.zeros(shape, np.int64)
    for t in range(shape[1]):
        if t:
            carried[:, t] = trace.settled[:, t - 1] * spec.leak[t].repeat(places) >> spec.leak_bits
            kept[:, t] = synaptic[:, t - 1] * spec.current_leak[t].repeat(
                places) >> spec.leak_bits
        synaptic[:, t] = trace.charged[:, t] - carried[:, t]
    return kept, synaptic


@pytest.mark.parametrize("seeds", FEW_AND_ALL, ids=len)
def test_matches_plain_integers(seeds):
    second = 0
    for seed in seeds:
        found, samples = lowered(seed)
        second += sum(each.neuron.current_leak is not None for each in found.hidden)
        assert same_as_plain(found, samples), f"seed {seed}"
    assert second > len(seeds)


@quick(6, wide=None)
@for_each("seed", SEEDS)
def test_nothing_leaves_its_bounds(seed):
    found, samples = lowered(seed)
    bounds, _ = network_bounds(found)
    for each, seen, of in zip(run(found, samples).hidden, bounds, found.hidden, strict=True):
        pairs = [(each.charged, seen.charged), (each.settled, seen.settled)]
        assert (seen.synaptic is None) == (of.neuron.current_leak is None)
        if seen.synaptic is not None:
            pairs += zip(synaptic_of(of, each), (seen.synaptic.kept, seen.synaptic.current),
                         strict=True)
        for values, interval in pairs:
            assert interval.low <= values.min()
            assert values.max() <= interval.high


def test_bounds_by_hand():
    """Of one input with weight 1 and a bias of 1, F = 0, half kept: I is at least 1, at most 2, 3
    and 3."""
    model = one_layer(replace(SYNAPTIC, threshold=4.0), ((1.0,),), (1.0,) * 3, beta=1.0)
    found = folded(model, bits=0)
    bounds, = network_bounds(found)[0]
    assert (bounds.synaptic.current.low, bounds.synaptic.current.high) == (1, 3)
    assert (bounds.synaptic.kept.low, bounds.synaptic.kept.high) == (0, 1)
    # H is at most 2, 1 + 3 = 4, which fires, or 3 rest: 1 + 3 = 4.
    assert (bounds.charged.low, bounds.charged.high) == (1, 4)
    assert leak_width(bounds, found.hidden[0].neuron) == bounds.carried.width + 8


def test_multiples_of_the_unit_are_exact():
    """Leaks and thresholds that are powers of two: no spike differs."""
    for reset in Reset:
        for comparison in Comparison:
            neuron = Neuron(0.5, 2.0, reset, comparison, current_leak=0.25)
            rng = np.random.default_rng(3)
            model = network(layer("a", rng.normal(size=(12, 8)), neuron, [1.0] * 6),
                            layer("b", rng.normal(size=(6, 12)), neuron, [1.0] * 6),
                            layer("out", rng.normal(size=(3, 6)), gate=[1.0] * 6),
                            coding=Coding.EVENTS)
            samples = inputs(model, 40)
            found = folded(model, bits=12, leak_bits=2)
            wanted = run_real(model, samples)
            for real, whole in zip(wanted.spikes, run(found, samples).hidden, strict=True):
                assert np.array_equal(real, whole.fired), f"{reset}, {comparison}"


@pytest.mark.parametrize("seeds", FEW_AND_ALL, ids=len)
def test_kept_as_json(tmp_path, seeds):
    tables = set()
    for seed in seeds:
        found, _ = lowered(seed)
        save(tmp_path / "network.json", found)
        again = read(tmp_path / "network.json")
        assert equal(again, found), f"seed {seed}"
        tables |= {np.shape(each["current_leak"]) for each in _hidden(tmp_path)
                   if "current_leak" in each}
    assert {len(shape) for shape in tables} == {1, 2}, "shared by all channels, and one of each"


def _hidden(folder):
    import json

    return json.loads((folder / "network.json").read_text(encoding="utf-8"))["hidden"]


def test_a_negative_leak_is_refused(tmp_path):
    found = folded(one_layer(SYNAPTIC, beta=0.1))
    spec = found.hidden[0].neuron
    for change in (spec.current_leak - 200, spec.current_leak + 1):
        wrong = replace(found, hidden=(replace(found.hidden[0], neuron=replace(
            spec, current_leak=change)),))
        assert problem(wrong) == ("layer 'a': current_leak must be 0 in the first timestep and "
                                  "never negative")


# Corner cases of docs/ir.md

def test_no_leak_and_one_that_rounds_to_0_are_first_order():
    plain = folded(one_layer(LIF))
    assert equal(folded(one_layer(replace(LIF, current_leak=0.0))), plain)
    assert equal(folded(one_layer(replace(LIF, current_leak=0.001))), plain)
    mixed = folded(one_layer(replace(LIF, current_leak=np.array([0.0, 0.5])),
                             ((1.0, -1.0), (1.0, 1.0)))).hidden[0].neuron
    assert mixed.current_leak[1].tolist() == [0, 128]


def test_one_timestep_keeps_nothing():
    found = folded(one_layer(SYNAPTIC, gate=(1.0,)))
    assert found.hidden[0].neuron.current_leak is None


def test_gates_change_the_unit_of_what_is_kept():
    found = folded(one_layer(SYNAPTIC, gate=(1.0, 0.5, 0.25, 1.0)))
    assert found.hidden[0].neuron.current_leak[:, 0].tolist() == [0, 256, 256, 32]


def test_zero_scale_fires_as_the_real_neuron_on_its_shift():
    for reset in Reset:
        for comparison in Comparison:
            neuron = Neuron(0.3, 1.0, reset, comparison, current_leak=0.7)
            beta = np.array([0.0, -2.0, 1.0, 0.5, 1 / 3, 3.0, 1e-30, 0.7, 0.21])
            model = one_layer(neuron, np.ones((9, 2)), [1.0, 1.0, 0.5, 2.0], gamma=0.0, beta=beta)
            found = folded(model)
            assert not found.hidden[0].synapse.connected.any()
            samples = inputs(model, 10)
            trace = run(found, samples)
            assert np.array_equal(trace.hidden[0].fired, run_real(model, samples).spikes[0])
            assert not trace.hidden[0].charged.any()  # H stays 0: constants do all


def test_what_no_input_moves_is_disconnected_beside_what_is_not():
    """A neuron that always fires, beside one with a synaptic current: its bias takes away what both
    states left, so that H is 0."""
    for reset in Reset:
        neuron = Neuron(0.5, 1.0, reset, Comparison.AT_LEAST, reset_by=0.25, current_leak=0.5)
        model = one_layer(neuron, ((1.0, -1.0), (1.0, -1.0)), beta=np.array([50.0, 0.0]))
        found = folded(model)
        assert found.hidden[0].synapse.connected.tolist() == [False, True]
        samples = inputs(model, 20)
        trace = run(found, samples)
        assert np.array_equal(trace.hidden[0].fired, run_real(model, samples).spikes[0])
        assert not trace.hidden[0].charged[..., 0].any()


@pytest.mark.wide
def test_small_inputs_that_gather_count_as_connected():
    """A reach of 2**-17 of the threshold is disconnected, but not where synaptic currents gather
    it, and make a membrane of 512 · 513 / 2 times as much."""
    integrate = Neuron(1.0, 1.0, Reset.HARD, Comparison.AT_LEAST)

    def model_of(neuron):
        return one_layer(neuron, ((1.0,),), (1.0,) * 512, gamma=2.0 ** -17)

    assert not folded(model_of(integrate)).hidden[0].synapse.connected.any()
    model = model_of(replace(integrate, current_leak=1.0))
    found = folded(model)
    assert found.hidden[0].synapse.connected.all()
    samples = np.ones((1, 512, 1), np.uint8)
    assert run(found, samples).hidden[0].fired.any()
    assert np.array_equal(run(found, samples).hidden[0].fired, run_real(model, samples).spikes[0])


def test_too_wide_a_synaptic_current_is_refused():
    """Of 1000 timesteps that inhibit, H is -2000 counts with half kept, and -500500 with all."""
    def model_of(current_leak):
        neuron = Neuron(1.0, 5.0, Reset.HARD, Comparison.AT_LEAST, current_leak=current_leak)
        return one_layer(neuron, gate=(1.0,) * 1000)

    request = PrecisionRequest(fraction_bits=32, leak_bits=2)
    lower(model_of(0.5), None, request)
    with pytest.raises(InputError, match="potentials and scores must fit 48 bits"):
        lower(model_of(1.0), None, request)
