"""The integer network in torch: by hand, and against plain Python integers."""

from dataclasses import replace

import numpy as np
import pytest
from networks import execute, random_inputs, random_network

from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
)
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick


def one_neuron(reset, comparison, leak, leak_bits=1):
    """One input, one neuron with threshold 5 and F = 1, three timesteps."""
    spec = NeuronSpec(1, leak_bits, np.array([0, leak, leak]), np.full((3, 1), 1),
                      np.full((3, 1), 5), reset, comparison)
    synapse = Dense(np.array([[1]], np.int8), np.array([True]))
    readout = Readout("out", synapse, np.full((3, 1), 2), np.array([-1]), 1.0)
    return Network("one", 3, Input(Coding.EVENTS, 1, 1), (Hidden("a", synapse, spec),), readout,
                   ("only",))


@for_each("reset, comparison, charged, fired, settled, score", [
    # An event is worth 2, the bias 1, half of V is kept: 3, floor(3/2) + 3 = 4, 2 + 3 = 5, a tie.
    (Reset.HARD, Comparison.AT_LEAST, [3, 4, 5], [0, 0, 1], [3, 4, 0], 1),
    (Reset.SOFT, Comparison.AT_LEAST, [3, 4, 5], [0, 0, 1], [3, 4, 0], 1),
    (Reset.HARD, Comparison.ABOVE, [3, 4, 5], [0, 0, 0], [3, 4, 5], -1),
])
def test_neuron_by_hand(reset, comparison, charged, fired, settled, score):
    trace = run(one_neuron(reset, comparison, 1), np.ones((1, 3, 1), np.uint8))
    layer = trace.hidden[0]
    assert layer.charged.ravel().tolist() == charged
    assert layer.fired.ravel().tolist() == [bool(spike) for spike in fired]
    assert layer.settled.ravel().tolist() == settled
    assert trace.scores.tolist() == [[score]]


def test_soft_reset_keeps_what_is_above():
    network = one_neuron(Reset.SOFT, Comparison.AT_LEAST, 2)
    layer = run(network, np.ones((1, 3, 1), np.uint8)).hidden[0]
    # 3, then 3 + 3 = 6 fires and keeps 1, then 1 + 3.
    assert layer.charged.ravel().tolist() == [3, 6, 4]
    assert layer.settled.ravel().tolist() == [3, 1, 4]


def test_soft_reset_by_an_amount_of_its_own():
    network = one_neuron(Reset.SOFT, Comparison.AT_LEAST, 2)
    spec = replace(network.hidden[0].neuron, reset_by=np.array([[9], [2], [-1]]))
    network = replace(network, hidden=(replace(network.hidden[0], neuron=spec),))
    layer = run(network, np.ones((1, 3, 1), np.uint8)).hidden[0]
    # 3; then 3 + 3 = 6 fires and keeps 4; then 4 + 3 = 7 fires and keeps 8.
    assert layer.charged.ravel().tolist() == [3, 6, 7]
    assert layer.settled.ravel().tolist() == [3, 4, 8]


def test_the_leak_rounds_towards_minus_infinity():
    network = one_neuron(Reset.HARD, Comparison.AT_LEAST, 1)
    spec = replace(network.hidden[0].neuron, bias=np.array([[-1], [0], [0]]))
    network = replace(network, hidden=(replace(network.hidden[0], neuron=spec),))
    charged = run(network, np.zeros((1, 3, 1), np.uint8)).hidden[0].charged
    assert charged.ravel().tolist() == [-1, -1, -1]  # -1/2 is floored to -1, and stays


@quick(24, wide=None)
@for_each("coding", list(Coding))
@for_each("seed", range(60))
def test_matches_plain_integers(seed, coding):
    network = random_network(seed, coding)
    samples = random_inputs(network, 6, seed)
    trace = run(network, samples, batch=4)
    for index, sample in enumerate(samples):
        layers, scores, decision = execute(network, sample)
        for layer, steps in zip(trace.hidden, layers, strict=True):
            got = [list(zip(*each, strict=True)) for each in zip(
                layer.charged[index].tolist(), layer.fired[index].tolist(),
                layer.settled[index].tolist(), strict=True)]
            assert got == steps, f"sample {index}"
        assert trace.scores[index].tolist() == scores
        assert trace.classes[index] == decision


@for_each("coding", list(Coding))
def test_batches_and_potentials_change_nothing(coding):
    network = random_network(3, coding, sizes=(5, 4, 3, 2), timesteps=3)
    samples = random_inputs(network, 25, 3)
    one, two = run(network, samples), run(network, samples, potentials=False, batch=7)
    assert np.array_equal(one.scores, two.scores)
    for some, other in zip(one.hidden, two.hidden, strict=True):
        assert np.array_equal(some.fired, other.fired)
        assert other.charged.size == other.settled.size == 0
        assert (some.charged.dtype, some.fired.dtype) == (np.int64, bool)
        assert some.charged.shape == some.fired.shape == (25, 3, some.charged.shape[2])


def test_sums_stay_exact_beyond_float32():
    """2**24 and one: float32 would drop the one."""
    size = (1 << 24) // 255 + 1
    synapse = Dense(np.ones((1, size), np.int8), np.array([True]))
    readout = Readout("out", synapse, np.array([[1]]), np.array([0]), 1.0)
    network = Network("wide", 1, Input(Coding.DIRECT, size, 8), (), readout, ("only",))
    sample = np.full((1, size), 255, np.uint8)
    sample[0, 0] = 254
    assert run(network, sample).scores.tolist() == [[255 * size - 1]]


def test_a_tie_is_the_lowest_class():
    synapse = Dense(np.ones((3, 1), np.int8), np.array([True] * 3))
    readout = Readout("out", synapse, np.ones((1, 3), np.int64), np.array([-1, 0, 0]), 1.0)
    network = Network("tie", 1, Input(Coding.DIRECT, 1, 1), (), readout, ("a", "b", "c"))
    assert run(network, np.array([[1]])).classes.tolist() == [1]


@for_each("coding, shape, value, message", [
    (Coding.DIRECT, (2, 4), 0, r"inputs must have shape \(N, 5\) with N >= 1, not \(2, 4\)"),
    (Coding.DIRECT, (0, 5), 0, r"inputs must have shape \(N, 5\) with N >= 1, not \(0, 5\)"),
    (Coding.EVENTS, (2, 5), 0, r"inputs must have shape \(N, 3, 5\)"),
    (Coding.EVENTS, (2, 3, 5), 2, r"inputs must lie in 0\.\.1, not 2\.\.2"),
    (Coding.DIRECT, (2, 5), -1, r"inputs must lie in 0\.\.\d+, not -1\.\.-1"),
])
def test_wrong_inputs(coding, shape, value, message):
    network = random_network(0, coding, sizes=(5, 4, 2), timesteps=3)
    with pytest.raises(ValueError, match=message):
        run(network, np.full(shape, value))
