"""Stateful networks as a document, what is refused, and bounds over any number of inferences."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import neuron_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Coding, Comparison, NeuronSpec, Reset
from bsnn_hw.ir.store import equal, from_json, to_json
from tests.for_each import for_each, quick
from tests.reference.networks import random_network


def with_state(seed, leak=3, bits=2):
    """A network whose neurons leave 3/4 of their potential."""
    network = random_network(seed, Coding.EVENTS)
    return replace(network, hidden=tuple(
        replace(layer, neuron=replace(layer.neuron, leak_bits=bits, stateful=True,
                                      leak=np.full_like(layer.neuron.leak, leak)))
        for layer in network.hidden))


def test_goes_through_a_file():
    for seed in range(8):
        network = with_state(seed)
        found = from_json(to_json(network), "network.json")
        assert found.stateful and equal(found, network), f"seed {seed}"
    assert "stateful" not in to_json(random_network(0, Coding.EVENTS))


@for_each("value", [1, "true", None, []])
def test_the_key_is_true_or_false(value):
    document = json.loads(to_json(with_state(1))) | {"stateful": value}
    with pytest.raises(InputError, match="stateful must be true or false"):
        from_json(json.dumps(document), "network.json")


def test_a_leak_in_the_first_timestep_needs_a_state():
    network = with_state(1)
    for layer in range(len(network.hidden)):
        hidden = list(network.hidden)
        hidden[layer] = replace(hidden[layer], neuron=replace(hidden[layer].neuron,
                                                              stateful=False))
        assert "leak must be 0 in the first timestep and never negative" in (
            problem(replace(network, hidden=tuple(hidden))) or "")


def test_all_layers_keep_it_or_none():
    network = next(each for each in map(with_state, range(20)) if len(each.hidden) > 1)
    spec = network.hidden[0].neuron
    anew = replace(network.hidden[0], neuron=replace(spec, leak=0 * spec.leak, stateful=False))
    assert "must keep its state as the other layers do" in (
        problem(replace(network, hidden=(anew, *network.hidden[1:]))) or "")


def test_a_network_whose_potentials_have_no_bounds():
    network = next(each for each in (with_state(seed, leak=4) for seed in range(20))
                   if any(layer.neuron.reset_by is not None for layer in each.hidden))
    assert "over any number of inferences" in (problem(network) or "")


def spec_of(leak, bits, reset, comparison, threshold, bias=0):
    row = np.ones((2, 1), np.int64)
    return NeuronSpec(0, bits, leak * row, bias * row, threshold * row, reset, comparison,
                      stateful=True)


def reached(spec, currents):
    """All V that some order of currents gives at the end of an inference, by search."""
    seen, new = {0}, {0}
    excess = spec.comparison.excess
    while new:
        found = new
        for t in range(2):
            charged = {(v * int(spec.leak[t, 0]) >> spec.leak_bits) + now + int(spec.bias[t, 0])
                       for v in found for now in currents}
            least = int(spec.threshold[t, 0]) + excess
            taken = 0 if spec.reset_by is None else int(spec.reset_by[t, 0])
            found = {h if h < least else 0 if spec.reset_by is None else h - taken
                     for h in charged}
        new = found - seen
        seen |= new
    return seen


@quick(8, wide=None)
@for_each("leak", [0, 1, 5, 7])
@for_each("reset", list(Reset))
@for_each("comparison", list(Comparison))
@for_each("low, high, threshold", [(-3, 4, 3), (-40, 2, 5), (0, 30, 2), (-100, 100, 7)])
def test_bounds_hold_what_can_be_reached_and_are_as_wide(leak, reset, comparison, low, high,
                                                         threshold):
    """The widths are those of the smallest words, or at most a bit more."""
    spec = spec_of(leak, 3, reset, comparison, threshold)
    *_, last = neuron_bounds(spec, np.array([low]), np.array([high]))
    seen = reached(spec, range(low, high + 1))
    assert last.settled[0][0] <= min(seen) and max(seen) <= last.settled[1][0]
    for end, found in ((last.settled[0][0], min(seen)), (last.settled[1][0], max(seen))):
        assert int(end).bit_length() <= int(found).bit_length() + 1


@for_each("reset", list(Reset))
@for_each("comparison", list(Comparison))
def test_bounds_without_a_leak_are_those_that_saturate(reset, comparison):
    spec = replace(spec_of(8, 3, reset, comparison, 5), saturation=6)
    assert spec.ends == (-32, 31)
    *_, last = neuron_bounds(spec, np.array([-3]), np.array([9]))
    top = 31 if reset is Reset.SOFT else 4 + comparison.excess
    assert (last.settled[0][0], last.settled[1][0]) == (-32, top)
    assert (last.charged[0][0], last.charged[1][0]) == (-35, top + 9)


def test_synaptic_currents_have_bounds_of_their_own():
    """Half of I is kept, of currents from -3 to 4: at most 7 and at least -6, whatever V is."""
    spec = replace(spec_of(4, 3, Reset.HARD, Comparison.AT_LEAST, 100), current_leak=np.full(2, 4))
    *_, last = neuron_bounds(spec, np.array([-3]), np.array([4]))
    assert (last.synaptic[0][0], last.synaptic[1][0]) == (-6, 7)
    assert problem(replace(with_state(1), hidden=tuple(
        replace(layer, neuron=replace(layer.neuron, current_leak=layer.neuron.leak))
        for layer in with_state(1).hidden))) is None


def test_bits_to_saturate_in():
    network = with_state(3, leak=4)
    for bits, wrong in ((1, "saturation must be 2 to 64 bits, not 1"), (8, None)):
        hidden = tuple(replace(layer, neuron=replace(layer.neuron, saturation=bits))
                       for layer in network.hidden)
        found = problem(replace(network, hidden=hidden))
        assert wrong in found if wrong else found is None
    again = from_json(to_json(replace(network, hidden=hidden)), "network.json")
    assert [layer.neuron.saturation for layer in again.hidden] == [8] * len(hidden)


def test_bounds_of_a_leak_close_to_1():
    """A current of -1 sinks to -65536 in some 10**6 timesteps; what is above 0 loses 1 in each."""
    spec = spec_of(65535, 16, Reset.SOFT, Comparison.AT_LEAST, 1 << 40)
    *_, last = neuron_bounds(spec, np.array([-1]), np.array([1]))
    assert (last.settled[0][0], last.settled[1][0]) == (-65536, 1)


def test_a_hard_reset_bounds_currents_that_are_not_negative_without_a_leak():
    spec = spec_of(8, 3, Reset.HARD, Comparison.AT_LEAST, 100)
    *_, last = neuron_bounds(spec, np.array([0]), np.array([7]))
    assert (last.settled[0][0], last.settled[1][0]) == (0, 99)
