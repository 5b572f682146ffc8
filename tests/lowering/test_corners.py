"""Corner cases of lowering: each has one answer (docs/ir.md), worked out by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from explained import unexplained
from models import LIF, inputs, layer, network, random_model

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Coding, Comparison, Reset
from bsnn_hw.lowering.fold import _leak, affine, counting, fold_readout
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model import real
from bsnn_hw.model.check_readout import counting_layer
from bsnn_hw.model.description import Neuron, ScoreKind, Scoring
from bsnn_hw.reference.network import run
from tests.for_each import for_each

OPTIONS = list(itertools.product(Reset, Comparison))
IDS = [f"{reset.value}-{comparison.name.lower()}" for reset, comparison in OPTIONS]


def lowered(model, bits=4, leak_bits=8, **more):
    result = lower(model, None, PrecisionRequest(fraction_bits=bits, leak_bits=leak_bits, **more))
    assert problem(result.network) is None
    return result.network


def one_layer(neuron, weight=((1.0, -1.0),), gate=(1.0,), bits=4, **bn):
    neurons = len(weight)
    return network(layer("a", weight, neuron, gate, **bn),
                   layer("out", np.ones((1, neurons)), gate=[1.0] * len(gate)), bits=bits)


def every_input(model):
    """All values of a small direct input."""
    levels = range(1 << model.input.bits)
    return np.array(list(itertools.product(levels, repeat=model.input.size)), np.uint8)


def assert_same_spikes(model, net):
    samples = every_input(model)
    wanted, got = real.run(model, samples).spikes[0], run(net, samples).hidden[0].fired
    different = np.argwhere(wanted != got)
    assert not len(different), f"sample, timestep, neuron {different[0]}"


@for_each("reset, comparison", OPTIONS)
@for_each("leak", [1.0, 0.5, 0.3])
def test_zero_scale_fires_as_the_real_neuron_on_its_shift(reset, comparison, leak):
    beta = np.array([0.0, -2.0, 1.0, 0.5, 1 / 3, 3.0, 1e-30, 0.7])
    model = one_layer(Neuron(leak, 1.0, reset, comparison), np.ones((8, 2)), [1.0, 1.0, 0.5, 2.0],
                      gamma=0.0, beta=beta)
    net = lowered(model)
    assert not net.hidden[0].synapse.connected.any()
    assert_same_spikes(model, net)
    charged = run(net, every_input(model)).hidden[0].charged
    assert not charged.any()  # H stays 0: constants do all


@pytest.mark.wide
@for_each("reset, comparison", OPTIONS)
def test_kept_potentials_of_neurons_without_inputs(reset, comparison):
    """A shift that is gathered over many windows, one that never fires, one that always does."""
    neuron = Neuron(0.75, 1.0, reset, comparison, stateful=True)
    model = one_layer(neuron, np.ones((4, 2)), [1.0, 1.0], gamma=np.array([0.0, 0.0, 0.0, 0.5]),
                      beta=np.array([0.3, -2.0, 5.0, 0.25]))
    net = lowered(model)
    assert net.hidden[0].synapse.connected.tolist() == [False, False, False, True]
    assert_same_spikes(model, net)
    first, never, always = np.moveaxis(run(net, every_input(model)).hidden[0].fired, 2, 0)[:3]
    assert first.any() and not first.all() and not never.any() and always.all()


def test_negligible_scale_counts_as_disconnected():
    # Reach 2 * 15: below 2**-16 of the shift 1 is disconnected, at twice that connected.
    gamma = np.array([2.0 ** -16 / 30, 2.0 ** -15 / 30, -2.0 ** -15 / 30])
    model = one_layer(LIF, np.ones((3, 2)), gamma=gamma, beta=1.0)
    net = lowered(model)
    assert net.hidden[0].synapse.connected.tolist() == [False, False, True]  # one always fires
    assert run(net, every_input(model)).hidden[0].fired[:, 0, :2].all()


def test_negative_scale_flips_the_weights():
    model = one_layer(LIF, ((1.0, -1.0), (1.0, -1.0)), gamma=np.array([0.5, -0.5]))
    net = lowered(model)
    assert net.hidden[0].synapse.weights.tolist() == [[1, -1], [-1, 1]]
    assert net.hidden[0].neuron.threshold.tolist() == [[32, 32]]  # 1 / 0.5 in sixteenths
    assert_same_spikes(model, net)


@for_each("reset, comparison", OPTIONS)
def test_ties_are_exact(reset, comparison):
    model = one_layer(Neuron(0.5, 1.5, reset, comparison), gate=[1.0, 1.0, 1.0], gamma=0.75,
                      beta=0.75)
    assert_same_spikes(model, lowered(model))


def test_a_threshold_within_float_noise_of_a_tie_is_the_tie():
    # 0.3 / 0.1 is 2.9999999999999996 in floating point, 3 on paper.
    for comparison, fires in ((Comparison.AT_LEAST, True), (Comparison.ABOVE, False)):
        model = one_layer(Neuron(1.0, 0.3, Reset.HARD, comparison), gamma=0.1)
        fired = run(lowered(model, 0), np.array([[3, 0], [2, 0], [4, 0]])).hidden[0].fired
        assert fired[:, 0, 0].tolist() == [fires, False, True]


@for_each("threshold", [1e-30, 5e-324, 1e-9, 0.01])
@for_each("reset, comparison", OPTIONS)
def test_a_tiny_threshold_is_above_zero(reset, comparison, threshold):
    """A neuron without a current does not fire."""
    model = one_layer(Neuron(1.0, threshold, reset, comparison))
    assert_same_spikes(model, lowered(model))


@for_each("leak", [1.0, 0.5])
@for_each("reset, comparison", OPTIONS)
def test_one_timestep(reset, comparison, leak):
    model = one_layer(Neuron(leak, 2.0, reset, comparison))
    net = lowered(model)
    assert net.hidden[0].neuron.leak.tolist() == [[0]]
    assert_same_spikes(model, net)


def test_no_leak_is_exact_and_any_leak_a_rounded_factor():
    for leak, factor in ((1.0, 256), (0.5, 128), (0.3, 77), (1e-12, 0)):
        net = lowered(one_layer(Neuron(leak, 1.0, Reset.HARD, Comparison.AT_LEAST), gate=[0.7] * 3))
        assert net.hidden[0].neuron.leak[:, 0].tolist() == [0, factor, factor]


def test_constants_per_channel():
    leak, threshold = np.array([1.0, 0.5, 0.0]), np.array([1.0, 2.0, 0.25])
    neuron = Neuron(leak, threshold, Reset.SOFT, Comparison.AT_LEAST, np.array([1.0, 0.5, 1.0]),
                    threshold / 2)
    model = one_layer(neuron, np.ones((3, 2)), [1.0, 1.0, 0.5])
    spec = lowered(model).hidden[0].neuron
    assert spec.leak.tolist() == [[0, 0, 0], [256, 128, 0], [512, 256, 0]]
    assert spec.shared_leak is None
    assert spec.threshold[0].tolist() == [16, 64, 4]  # of sixteenths, the second counts for half
    assert spec.reset_by[2].tolist() == [16, 64, 4]
    assert_same_spikes(model, lowered(model))


def test_gates_scale_leak_and_threshold():
    net = lowered(one_layer(LIF, gate=[1.0, 0.5, 2.0]))
    assert net.hidden[0].neuron.leak[:, 0].tolist() == [0, 256, 32]  # 0.5 times 2, 0.5 times 1/4
    assert net.hidden[0].neuron.threshold[:, 0].tolist() == [16, 32, 8]


@for_each("reset, comparison", OPTIONS)
def test_neurons_that_never_or_always_fire_become_constants(reset, comparison):
    beta = np.array([-100.0, 100.0, 0.0])
    model = one_layer(Neuron(0.5, 1.0, reset, comparison), np.ones((3, 2)), [1.0] * 4, beta=beta)
    net = lowered(model)
    assert net.hidden[0].synapse.connected.tolist() == [False, False, True]
    assert_same_spikes(model, net)
    # The dead neuron's shift of -100 does not widen the layer.
    assert network_bounds(net)[0][0].charged.width <= 11


@for_each("comparison", list(Comparison))
def test_thresholds_beyond_reach_become_the_nearest_that_says_the_same(comparison):
    model = one_layer(Neuron(0.5, 8.0, Reset.HARD, comparison), [[1.0]], [1.0, 1e-3], bits=4)
    net = lowered(model, 0)
    assert_same_spikes(model, net)
    # At the second timestep 8 / 1e-3 is far above everything that V can reach there.
    high = 15 + (int(net.hidden[0].neuron.leak[1, 0]) * (7 if comparison is Comparison.AT_LEAST
                                                      else 8) >> 8)
    unreachable = int(net.hidden[0].neuron.threshold[1, 0])
    assert unreachable == min(8000, high + (comparison is Comparison.AT_LEAST))


def test_a_soft_reset_keeps_a_threshold_that_is_always_reached():
    beta = [20.0, 0.0]  # at every input above the threshold, but its overshoot carries on
    neuron = Neuron(1.0, 1.0, Reset.SOFT, Comparison.AT_LEAST)
    model = one_layer(neuron, [[1.0], [1.0]], [1.0, 0.05], beta=np.array(beta))
    net = lowered(model)
    assert_same_spikes(model, net)


@for_each("comparison", list(Comparison))
def test_a_soft_reset_has_a_rounding_of_its_own(comparison):
    """A threshold of 1.25 at F = 1: 2.5 half units, up or down, and 2.5 to the nearest."""
    net = lowered(one_layer(Neuron(1.0, 1.25, Reset.SOFT, comparison)), bits=1)
    up = comparison is Comparison.AT_LEAST
    assert net.hidden[0].neuron.threshold.tolist() == [[3 if up else 2]]
    assert net.hidden[0].neuron.reset_by.tolist() == [[3]]
    net = lowered(one_layer(Neuron(1.0, 1.01, Reset.SOFT, comparison)), bits=0)
    assert net.hidden[0].neuron.threshold.tolist() == [[2 if up else 1]]
    assert net.hidden[0].neuron.reset_by.tolist() == [[1]]


@for_each("reset_by", [0.0, 0.75, 2.0, 3.5])
@for_each("comparison", list(Comparison))
def test_reset_amounts_that_are_multiples_of_the_unit_are_exact(comparison, reset_by):
    model = one_layer(Neuron(0.5, 1.5, Reset.SOFT, comparison, 1.0, reset_by), gate=[1.0] * 6,
                      gamma=0.75, beta=0.75)
    assert_same_spikes(model, lowered(model, bits=12))


def test_a_reset_amount_that_rounds_to_zero_subtracts_nothing():
    model = one_layer(Neuron(1.0, 1.0, Reset.SOFT, Comparison.AT_LEAST, 1.0, 1e-9), gate=[1.0] * 4)
    net = lowered(model)
    assert not net.hidden[0].neuron.reset_by.any()
    assert_same_spikes(model, net)


def test_where_a_neuron_cannot_fire_its_reset_amount_is_the_threshold():
    """At the second timestep 8 / 1e-3 is out of reach, and widens nothing."""
    neuron = Neuron(0.5, 8.0, Reset.SOFT, Comparison.AT_LEAST, 1.0, 1e300)
    spec = lowered(one_layer(replace(neuron, reset_by=9.0), [[1.0]], [1.0, 1e-3]), 0
                   ).hidden[0].neuron
    assert spec.reset_by[0].tolist() == [9]
    assert spec.reset_by[1].tolist() == spec.threshold[1].tolist()
    with pytest.raises(InputError, match="must fit 48 bits"):
        lowered(one_layer(neuron, [[1.0]], [1.0, 1e-3]), 0)


@for_each("ratio", [1e-300, 1e-30, 1e-6, 1e6, 1e30, 1e300])
@for_each("reset, comparison", OPTIONS)
def test_absurd_gates_are_right_or_refused(reset, comparison, ratio):
    model = one_layer(Neuron(0.5, 3.0, reset, comparison), gate=[1.0, ratio, 1.0])
    if not 1e-6 <= ratio <= 1e6:
        with pytest.raises(InputError, match="layer 'a': potentials and scores must fit 48 bits"):
            lowered(model)
        return
    net = lowered(model, leak_bits=16)
    samples = every_input(model)
    counts = np.repeat((samples @ np.array([1.0, -1.0]))[:, None, None], 3, axis=1)
    fired = run(net, samples).hidden[0].fired
    assert not unexplained(model, 0, counts, fired, 4, 16)


def test_readout_gains():
    equal = lower(network(layer("out", [[1.0], [-1.0]], gate=[2.0, 2.0], gamma=0.3, beta=-0.6),
                          coding=Coding.EVENTS), None, PrecisionRequest(fraction_bits=3)).network
    assert equal.readout.gain.tolist() == [[8, 8], [8, 8]]
    # gate * beta summed over T, divided by T * unit: 2 * 2 * -0.6 / 2 / (0.3 / 8)
    assert equal.readout.bias.tolist() == [-32, -32]
    assert equal.readout.scale == pytest.approx(0.3 / 8)
    other = lower(network(layer("out", [[1.0], [-1.0]], gate=[1.0, 0.25],
                                gamma=np.array([1.0, -0.5])), coding=Coding.EVENTS), None,
                  PrecisionRequest(fraction_bits=3)).network
    assert other.readout.gain.tolist() == [[8, -4], [2, -1]]


@for_each("kind, leak, gains", [
    (ScoreKind.SUM, 0.0, [8, 8, 8]), (ScoreKind.LAST, 0.0, [0, 0, 8]),
    (ScoreKind.LAST, 0.5, [2, 4, 8]), (ScoreKind.MEAN, 1.0, [8, 5, 3]),
    (ScoreKind.SUM, 0.5, [8, 7, 5]),
    (ScoreKind.LAST, np.array([0.0, 1.0]), [[0, 8], [0, 8], [8, 8]])])
def test_scores_over_time_are_gains(kind, leak, gains):
    """8 the largest: 24 / 3, 16 / 3, 8 / 3 of a sum of sums, and 1.75, 1.5 and 1 in its unit."""
    last = replace(layer("out", [[1.0], [1.0]], gate=[1.0] * 3), scoring=Scoring(kind, leak))
    net = lower(network(last, coding=Coding.EVENTS), None,
                PrecisionRequest(fraction_bits=3)).network
    wanted = np.broadcast_to(np.reshape(gains, (3, -1)), (3, 2))
    assert net.readout.gain.tolist() == wanted.tolist()


@for_each("group", [1, 2, 3])
def test_spike_counts_are_exact(group):
    spiking = layer("a", [[1.0], [-1.0], [1.0], [1.0], [-1.0], [1.0]],
                    Neuron(0.5, np.array([1.0, 1.0, 3.0, 2.0, 0.5, 9.0]), Reset.SOFT,
                           Comparison.ABOVE), [1.0] * 5)
    model = network(spiking, counting_layer((spiking,), group, 5))
    samples = every_input(model)
    for calibration in (None, samples):
        net = lower(model, calibration, PrecisionRequest(tolerance=0)).network
        trace = run(net, samples)
        counts = trace.hidden[0].fired.sum(axis=1).reshape(len(samples), -1, group).sum(axis=2)
        assert (trace.scores * net.readout.scale).tolist() == counts.tolist()
    assert net.readout.gain.max() == 1
    assert real.run(model, samples).scores.tolist() == counts.tolist()


@for_each("coding", list(Coding))
@for_each("seed", range(5))
def test_a_readout_alone(seed, coding):
    model = random_model(seed, depth=2, coding=coding)
    samples = inputs(model, 30, seed)
    for calibration in (None, samples):
        net = lower(model, calibration, PrecisionRequest(fraction_bits=14)).network
        # A direct input is the same in every timestep: one is enough.
        assert net.timesteps == (1 if coding is Coding.DIRECT else model.timesteps)
        wanted, got = real.run(model, samples), run(net, samples)
        assert got.hidden == ()
        assert np.allclose(wanted.scores, got.scores * net.readout.scale, atol=1e-2)
        assert np.array_equal(wanted.classes, got.classes)


def test_a_readout_alone_with_a_leak_per_class():
    last = replace(layer("out", [[1.0, -1.0], [1.0, 1.0]], gate=[1.0, 0.5], bias=[0.5, 0.0]),
                   scoring=Scoring(ScoreKind.SUM, np.array([0.5, 1.0])))
    model = network(last)
    net = lower(model, None, PrecisionRequest(fraction_bits=10)).network
    assert net.timesteps == 1
    samples = every_input(model)
    assert np.allclose(real.run(model, samples).scores, run(net, samples).scores
                       * net.readout.scale, atol=1e-2)


def test_a_peak_by_hand():
    """Currents 3, -1, 2 of a gate: membranes 3, 0.5, 2.25 with leak 0.5, and 3, 2, 4 with 1."""
    neuron = Neuron(0.5, 1.0, Reset.HARD, Comparison.AT_LEAST)
    last = replace(layer("out", [[1.0], [1.0], [-1.0]], gate=[3.0, -1.0, 2.0]),
                   scoring=Scoring(ScoreKind.MAX, np.array([0.5, 1.0, 0.5])))
    model = network(layer("a", [[1.0]], neuron, gate=[1.0] * 3), last)
    net = lower(model, None, PrecisionRequest(fraction_bits=2, leak_bits=1)).network
    assert net.readout.peak.leak.tolist() == [1, 2, 1]
    assert net.readout.gain.tolist() == [[4, 4, 4], [-1, -1, -1], [3, 3, 3]]  # of 3, 1 and 2
    assert run(net, np.array([[1]])).scores.tolist() == [[4, 6, -1]]
    assert real.run(model, np.array([[1]], np.uint8)).scores.tolist() == [[3.0, 4.0, -0.5]]


@for_each("gamma", [5e-324, 1e-310, 1e300])
def test_readouts_of_any_size(gamma):
    model = network(layer("out", [[1.0, 1.0], [1.0, -1.0]], gamma=gamma))
    samples = every_input(model)
    net = lower(model, samples).network
    assert np.array_equal(run(net, samples).classes, real.run(model, samples).classes)
    assert net.readout.scale > 0


def test_what_is_negligible_grows_with_the_shift():
    # Reach 2 * 15: a quarter of 2**-16 of the shift 8, and four times that.
    model = one_layer(LIF, np.ones((2, 2)), gamma=np.array([2.0 ** -15, 2.0 ** -11]) / 30, beta=8.0)
    first = model.layers[0]
    _, connected, unit = counting(first, affine(first, model.input), 1.0, 15)
    assert connected.tolist() == [False, True] and unit.tolist() == [1.0, 2.0 ** -11 / 30]


def test_leaks_from_unit_to_unit():
    """A potential of the timestep before is in its unit: gates of 1, 2, 4 halve what is kept, and
    from the last to the next inference's first it is four times as much."""
    gate = np.array([1.0, 2.0, 4.0])
    for stateful, first in ((False, 0), (True, 32)):
        assert _leak(0.5, gate, 4, 2, stateful).tolist() == [[first] * 2, [4] * 2, [4] * 2]


def test_biases_of_scores_far_beyond_all_gains_set_the_unit():
    """One input of up to 15 in each of two timesteps: 2**16 of all that they can sum up to."""
    readout = layer("out", [[1.0], [1.0]], gate=[1.0, 1.0], gamma=2.0 ** -60,
                    beta=np.array([0.5, 1.0]))
    found = fold_readout(readout, network(readout).input, timesteps=2, max_value=15, gain_bits=3)
    assert not found.gain.any()
    assert found.bias.tolist() == [2 ** 16 * 30 * 2 ** 3 / 2, 2 ** 16 * 30 * 2 ** 3]
