"""The real-valued network: by hand, against a scalar loop, and where floats could mislead."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.model.description import (
    Coding,
    Comparison,
    Input,
    Layer,
    Linear,
    Model,
    Neuron,
    Norm,
    Reset,
    ScoreKind,
    Scoring,
)
from bsnn_hw.model.real import run
from bsnn_hw.model.real import spikes as real_spikes
from tests.for_each import for_each


def identity(neurons):
    return Norm(np.ones(neurons), np.zeros(neurons), np.zeros(neurons), np.ones(neurons), 0.0)


def layer(name, weight, neuron=None, gate=(1.0,), bias=None, norm=None):
    weight = np.asarray(weight, dtype=float)
    neurons = len(weight)
    return Layer(name, Linear(weight, np.zeros(neurons) if bias is None else np.asarray(bias)),
                 norm or identity(neurons), np.asarray(gate, dtype=float), neuron)


def network(*layers, source=None, timesteps=1):
    source = source or Input(Coding.DIRECT, layers[0].synapse.weight.shape[1], 8)
    classes = tuple(map(str, range(len(layers[-1].synapse.weight))))
    return Model("test", timesteps, source, layers, classes)


def scalar(model, sample):
    """One sample in plain Python, one neuron after the other; as the page says it."""
    direct = model.input.coding is Coding.DIRECT
    states = [[0.0] * len(each.synapse.weight) for each in model.layers]
    spikes, membranes = ([[] for _ in model.layers[:-1]] for _ in range(2))
    scores = [0.0] * len(model.layers[-1].synapse.weight)
    for t in range(model.timesteps):
        values = [int(value) for value in (sample if direct else sample[t])]
        for index, each in enumerate(model.layers):
            fired = []
            for n, row in enumerate(each.synapse.weight):
                signs = [1 if weight >= 0 else -1 for weight in row]
                total = sum(sign * value for sign, value in zip(signs, values, strict=True))
                if index == 0 and direct:
                    total = model.input.scale * total + model.input.offset * sum(signs)
                norm = each.norm
                x = total + each.synapse.bias[n]
                y = (x - norm.mean[n]) / math.sqrt(norm.var[n] + norm.eps) * norm.gamma[n]
                current = each.gate[t] * (y + norm.beta[n])
                if each.neuron is None:
                    scores[n] += current / model.timesteps
                else:
                    spike, states[index][n] = step(each.neuron, states[index][n], current)
                    fired.append(spike)
            if each.neuron is not None:
                spikes[index].append(fired)
                membranes[index].append(list(states[index]))
                values = [int(spike) for spike in fired]
    return spikes, membranes, scores


def step(neuron, potential, current):
    charged = neuron.leak * potential + neuron.input_scale * current
    above = charged > neuron.threshold
    fired = above or (neuron.comparison is Comparison.AT_LEAST and charged == neuron.threshold)
    if not fired:
        return False, charged
    return True, 0.0 if neuron.reset is Reset.HARD else charged - neuron.reset_amount


def random_model(seed, coding, reset, comparison, leak, timesteps=3):
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 9, size=rng.integers(3, 5))]
    source = Input(coding, sizes[0], 3, 0.3, -0.7) if coding is Coding.DIRECT else Input(
        coding, sizes[0])
    layers = []
    for index, (fan_in, neurons) in enumerate(itertools.pairwise(sizes)):
        norm = Norm(rng.normal(size=neurons).round(), rng.normal(size=neurons),
                    rng.normal(size=neurons), rng.random(neurons), 1e-5)
        neuron = Neuron(leak, 0.5, reset, comparison, 0.75, 0.8)
        layers.append(layer(f"fc{index}", rng.integers(-1, 2, size=(neurons, fan_in)),
                            neuron if index < len(sizes) - 2 else None,
                            rng.random(timesteps) + 0.5, rng.normal(size=neurons), norm))
    return network(*layers, source=source, timesteps=timesteps)


def random_inputs(model, count, seed):
    rng = np.random.default_rng(seed)
    shape = (count, model.input.size)
    if model.input.coding is Coding.EVENTS:
        shape = (count, model.timesteps, model.input.size)
    return rng.integers(0, 1 << model.input.bits, size=shape, dtype=np.uint8)


LIF = Neuron(0.5, 2.0, Reset.HARD, Comparison.AT_LEAST)


def one_neuron(neuron, currents):
    """Spikes and membranes of one neuron with these currents, given through the gate."""
    model = network(layer("a", [[1.0]], neuron, gate=currents),
                    layer("b", [[1.0]], gate=[1.0] * len(currents)), timesteps=len(currents))
    trace = run(model, np.array([[1]], dtype=np.uint8))
    return trace.spikes[0][0, :, 0].tolist(), trace.membranes[0][0, :, 0].tolist()


@for_each("neuron, spikes, membranes", [
    # Currents 1, 1.5, 5, 0; with leak 0.5 the second charges to 2, a tie.
    (Neuron(0.5, 2.0, Reset.HARD, Comparison.AT_LEAST), [0, 1, 1, 0], [1, 0, 0, 0]),
    (Neuron(0.5, 2.0, Reset.HARD, Comparison.ABOVE), [0, 0, 1, 0], [1, 2, 0, 0]),
    (Neuron(0.5, 2.0, Reset.SOFT, Comparison.AT_LEAST), [0, 1, 1, 0], [1, 0, 3, 1.5]),
    (Neuron(0.5, 2.0, Reset.SOFT, Comparison.ABOVE), [0, 0, 1, 0], [1, 2, 4, 2]),
    (Neuron(1.0, 2.0, Reset.HARD, Comparison.AT_LEAST), [0, 1, 1, 0], [1, 0, 0, 0]),
    (Neuron(1.0, 2.0, Reset.SOFT, Comparison.AT_LEAST), [0, 1, 1, 1], [1, 0.5, 3.5, 1.5]),
    (Neuron(0.5, 2.0, Reset.HARD, Comparison.AT_LEAST, 2.0), [1, 1, 1, 0], [0, 0, 0, 0]),
    (Neuron(0.5, 2.0, Reset.SOFT, Comparison.AT_LEAST, 1.0, 4.0), [0, 1, 1, 0], [1, -2, 0, 0]),
    (Neuron(1.0, 1.0, Reset.SOFT, Comparison.AT_LEAST, 1.0, 0.0), [1, 1, 1, 1], [1, 2.5, 7.5, 7.5]),
])
def test_neuron_by_hand(neuron, spikes, membranes):
    got = one_neuron(neuron, [1.0, 1.5, 5.0, 0.0])
    assert got == ([bool(spike) for spike in spikes], membranes)


@for_each("scoring, wanted", [
    # Currents 1, 1.5, 5, 0; with leak 0.5 membranes 1, 2, 6, 3, with leak 1 they are 1, 2.5, 7.5.
    (Scoring(), 7.5 / 4), (Scoring(ScoreKind.SUM), 7.5), (Scoring(ScoreKind.LAST), 0.0),
    (Scoring(ScoreKind.MEAN, 0.5), 12 / 4), (Scoring(ScoreKind.SUM, 0.5), 12.0),
    (Scoring(ScoreKind.LAST, 0.5), 3.0), (Scoring(ScoreKind.LAST, 1.0), 7.5),
    (Scoring(ScoreKind.SUM, np.array([1.0])), 18.5),
    (Scoring(ScoreKind.MAX), 5.0), (Scoring(ScoreKind.MAX, 0.5), 6.0),
])
def test_scores_by_hand(scoring, wanted):
    currents = np.array([1.0, 1.5, 5.0, 0.0])
    last = replace(layer("out", [[1.0]], gate=currents), scoring=scoring)
    model = network(layer("a", [[1.0]], LIF, gate=[2.0] * 4), last, timesteps=4)
    assert run(model, np.array([[1]], dtype=np.uint8)).scores.tolist() == [[wanted]]
    if scoring.kind is ScoreKind.MAX:
        return
    assert scoring.weights(4).T @ currents / scoring.divisor(4) == pytest.approx(wanted)


def test_norm_bias_gate_and_mean_by_hand():
    norm = Norm(np.array([2.0, -1.0]), np.array([1.0, 0.0]), np.array([3.0, 1.0]),
                np.array([3.0, 0.75]), 1.0)
    last = layer("out", [[1.0], [-1.0]], gate=[1.0, 3.0], bias=[1.0, 0.0], norm=norm)
    model = network(layer("fc", [[0.0]], Neuron(1.0, 2.0, Reset.HARD, Comparison.AT_LEAST),
                          gate=[1.0, 1.0]), last, timesteps=2)
    # The neuron sums 1, 2: silent, then a spike. X = (1, 0), then (2, -1).
    # Y = ((X - (3, 1)) / (2, sqrt 1.75)) * (2, -1) + (1, 0)
    deviation = math.sqrt(1.75)
    first = (-1.0, 1 / deviation)
    second = (0.0, 2 / deviation)
    scores = [(one + 3 * two) / 2 for one, two in zip(first, second, strict=True)]
    trace = run(model, np.array([[1]], dtype=np.uint8))
    assert trace.scores[0].tolist() == pytest.approx(scores, rel=1e-15)
    assert trace.classes.tolist() == [1]


def test_constants_per_channel_are_those_of_neurons_of_their_own():
    """Two channels of two positions each, and the same as four neurons."""
    leak, threshold, amount = np.array([1.0, 0.5]), np.array([2.0, 1.5]), np.array([1.0, 3.0])
    scale, currents = np.array([1.0, 2.0]), torch.rand((5, 8, 4), dtype=torch.float64) * 2
    kind = Reset.SOFT, Comparison.AT_LEAST
    both = layer("a", np.ones((2, 1)), Neuron(leak, threshold, *kind, scale, amount), [1.0] * 8)
    got = real_spikes(both, currents)[:2]
    for neuron in range(4):
        c = neuron // 2
        alone = layer("a", [[1.0]], Neuron(*(float(part[c]) for part in (leak, threshold)), *kind,
                                           float(scale[c]), float(amount[c])), [1.0] * 8)
        for one, other in zip(real_spikes(alone, currents[..., neuron:neuron + 1])[:2], got,
                              strict=True):
            assert torch.equal(one[..., 0], other[..., neuron])


def test_reset_amounts_are_not_rounded():
    """0.7 has more digits than float32 keeps."""
    neuron = Neuron(1.0, 0.7, Reset.SOFT, Comparison.AT_LEAST)
    assert one_neuron(neuron, [1.0])[1] == [1.0 - 0.7]


@for_each("beta, threshold", [(0.5, 1.0), (1.0, 2.0), (0.25, 8.0)])
def test_snntorch_default_is_a_reset_at_once(beta, threshold):
    """``U = beta * U + I - r * threshold`` with ``r = [U > threshold]`` of the step before."""
    currents = threshold * np.random.default_rng(1).integers(1, 14, 64) / 8
    potential, wanted = 0.0, []
    for current in currents.tolist():
        potential = beta * potential + current - threshold * (potential > threshold)
        wanted.append(potential > threshold)
    neuron = Neuron(beta, threshold, Reset.SOFT, Comparison.ABOVE, 1.0, threshold / beta)
    assert 0 < sum(wanted) < len(wanted)
    assert one_neuron(neuron, currents.tolist())[0] == wanted


@for_each("seed", range(2))
@for_each("leak", [1.0, 0.6])
@for_each("comparison", list(Comparison))
@for_each("reset", list(Reset))
@for_each("coding", list(Coding))
def test_matches_the_scalar_loop(coding, reset, comparison, leak, seed):
    model = random_model(seed, coding, reset, comparison, leak)
    inputs = random_inputs(model, 7, seed)
    trace = run(model, inputs, batch=3)
    for index, sample in enumerate(inputs):
        spikes, membranes, scores = scalar(model, sample)
        for number, (wanted, values) in enumerate(zip(spikes, membranes, strict=True)):
            assert trace.spikes[number][index].tolist() == wanted, f"sample {index}"
            assert np.allclose(trace.membranes[number][index], values, rtol=0, atol=1e-12)
        assert np.allclose(trace.scores[index], scores, rtol=0, atol=1e-12)


@for_each("batch", [1, 2, 5, 1000])
def test_the_batch_changes_nothing(batch):
    model = random_model(3, Coding.DIRECT, Reset.SOFT, Comparison.AT_LEAST, 0.6)
    inputs = random_inputs(model, 40, 3)
    one, two = run(model, inputs), run(model, inputs, batch=batch)
    assert np.array_equal(one.scores, two.scores)
    for some, other in zip(one.spikes + one.membranes, two.spikes + two.membranes, strict=True):
        assert np.array_equal(some, other)


def test_shapes_types_and_what_is_kept():
    model = random_model(1, Coding.EVENTS, Reset.HARD, Comparison.ABOVE, 0.6)
    inputs = random_inputs(model, 5, 1)
    trace = run(model, torch.from_numpy(inputs))
    for each, spikes, membranes in zip(model.layers, trace.spikes, trace.membranes, strict=False):
        shape = (5, model.timesteps, len(each.synapse.weight))
        assert (spikes.shape, spikes.dtype) == (shape, bool)
        assert (membranes.shape, membranes.dtype) == (shape, np.float64)
    assert len(trace.spikes) == len(trace.membranes) == len(model.layers) - 1
    assert trace.scores.dtype == np.float64 and trace.classes.dtype == np.int64
    bare = run(model, inputs, keep=None)
    assert bare.spikes is None and bare.membranes is None
    assert np.array_equal(bare.scores, trace.scores)
    some = run(model, inputs, keep=("spikes",))
    assert some.spikes is not None and some.membranes is None
    assert run(model, inputs[:0]).scores.shape == (0, len(model.classes))
    with pytest.raises(ValueError, match="keep must name some of"):
        run(model, inputs, keep=("spike",))


def test_a_tie_between_classes_is_the_lowest():
    last = layer("out", [[1.0], [1.0], [1.0]], bias=[-1.0, 0.0, 0.0])
    trace = run(network(layer("fc", [[1.0]], LIF), last), np.array([[9], [0]], dtype=np.uint8))
    assert trace.classes.tolist() == [1, 1]


def test_sign_of_zero_is_plus_one():
    model = network(layer("fc", [[0.0, -0.0, -1e-300]], LIF), layer("out", [[1.0]]))
    trace = run(model, np.array([[10, 100, 109]], dtype=np.uint8))
    assert trace.membranes[0].tolist() == [[[1.0]]]


def test_sums_are_exact_where_a_sum_of_floats_is_not():
    """255 pixels of 1/255 each: adding scaled pixels one by one misses the tie at 1."""
    size = 255
    neuron = Neuron(1.0, 1.0, Reset.HARD, Comparison.AT_LEAST)
    model = network(layer("fc", np.ones((1, size)), neuron), layer("out", [[1.0]]),
                    source=Input(Coding.DIRECT, size, 8, 1 / 255))
    assert run(model, np.ones((1, size), dtype=np.uint8)).spikes[0].all()


@for_each("inputs, message", [
    (np.zeros((2, 4), np.uint8), r"inputs: must have shape \(N, 3\), not \(2, 4\)"),
    (np.zeros(3, np.uint8), r"inputs: must have shape \(N, 3\), not \(3,\)"),
    (np.zeros((2, 3)), r"inputs: must be integers, as uint8, not float64"),
    (np.full((2, 3), 4, np.uint8), r"inputs: must be integers from 0 to 3, not 4 to 4"),
    (np.full((2, 3), -1), r"inputs: must be integers from 0 to 3, not -1 to -1"),
])
def test_wrong_inputs(inputs, message):
    model = network(layer("fc", [[1.0] * 3], LIF), layer("out", [[1.0]]),
                    source=Input(Coding.DIRECT, 3, 2))
    with pytest.raises(InputError, match=message):
        run(model, inputs)


def test_wrong_events():
    model = network(layer("fc", [[1.0] * 3], LIF, gate=[1, 1]), layer("out", [[1.0]], gate=[1, 1]),
                    source=Input(Coding.EVENTS, 3), timesteps=2)
    with pytest.raises(InputError, match=r"must have shape \(N, 2, 3\), not \(1, 3\)"):
        run(model, np.zeros((1, 3), np.uint8))
    with pytest.raises(InputError, match="must be integers from 0 to 1"):
        run(model, np.full((1, 2, 3), 2, np.uint8))


@for_each("leak", [1.0, 0.9, 0.5])
@for_each("delay", [True, False])
def test_snntorch_zero_is_a_hard_reset_with_either_delay(leak, delay):
    """As snnTorch 1.0.0 computes it: delayed, a membrane above the threshold is zeroed before the
    next current comes; at once, after its spike."""
    neuron = Neuron(leak, 1.0, Reset.HARD, Comparison.ABOVE)
    steps = 50
    model = network(layer("a", [[1.0]], neuron, np.ones(steps)),
                    layer("out", [[1.0]], None, np.ones(steps)),
                    source=Input(Coding.EVENTS, 1, 1), timesteps=steps)
    events = np.random.default_rng(3).integers(0, 2, (200, steps, 1), np.uint8)
    potential, wanted = np.zeros((200, 1)), []
    for t in range(steps):
        if delay:
            potential = leak * np.where(potential > 1, 0, potential) + events[:, t]
        else:
            potential = leak * potential + events[:, t]
        wanted.append(potential > 1)
        if not delay:
            potential = np.where(potential > 1, 0, potential)
    assert np.array_equal(run(model, events).spikes[0], np.stack(wanted, 1))
    assert any(map(np.any, wanted))
