"""Networks that keep their state: consecutive samples, resets between them, and runs in parts."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Comparison, Dense, Hidden, NeuronSpec, Reset
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.reference.network import integrate, run
from evidence.random_models import random_inputs
from evidence.random_streams import random_resets, random_streams
from tests.for_each import for_each, quick
from tests.reference.networks import execute

SEEDS = range(20)
COUNT = 7


@functools.cache
def lowered(seed):
    document = random_streams(seed)
    inputs = random_inputs(seed, document, COUNT)
    bits = PrecisionRequest(fraction_bits=seed // 2 % 6)
    return (lower(describe(document, "random"), None, bits).network, inputs,
            random_resets(seed, COUNT))


def test_by_hand():
    """A neuron without input that is charged by 3, leaks half, and fires at 5: 3, 4, 5 fires; then
    a reset."""
    import torch

    one = np.ones((2, 1), np.int64)
    spec = NeuronSpec(0, 1, one, 3 * one, 5 * one, Reset.HARD, Comparison.AT_LEAST, stateful=True)
    layer = Hidden("fc", Dense(np.ones((1, 1), np.int8), np.zeros(1, bool)), spec)
    charged, fired, *_ = integrate(layer, torch.full((3, 2, 1), 3))
    assert charged.flatten().tolist() == [3, 4, 5, 3, 4, 5]
    assert fired.flatten().tolist() == [0, 0, 1, 0, 0, 1]


@quick(4, wide=None)
@for_each("seed", SEEDS)
def test_matches_plain_integers(seed):
    network, inputs, resets = lowered(seed)
    trace, state = run(network, inputs, resets=resets), {}
    for index, sample in enumerate(inputs):
        if resets[index]:
            state = {}
        layers, scores, _ = execute(network, sample, state)
        settled = [[[each for _, _, each in steps] for steps in layer] for layer in layers]
        assert [layer.settled[index].tolist() for layer in trace.hidden] == settled
        assert trace.scores[index].tolist() == scores


@pytest.mark.wide
def test_samples_of_one_timestep_are_one_sample_of_many():
    """A stateful network of T = 1 on N samples: as one that starts anew, of N timesteps."""
    generator = np.random.default_rng(0)
    found = 0
    for seed in range(60):
        network, *_ = lowered(seed)
        if (network.timesteps, network.input.coding) != (1, Coding.EVENTS):
            continue
        found += 1
        inputs = generator.integers(0, network.input.max_value + 1, (9, 1, network.input.size))
        seen = run(network, inputs).hidden
        whole = run(_long(network, 9), inputs.reshape(1, 9, -1)).hidden
        for one, other in zip(seen, whole, strict=True):
            assert np.array_equal(one.charged[:, 0], other.charged[0]), f"seed {seed}"
    assert found


def _long(network, count):
    """The same of ``count`` timesteps, which starts anew."""
    def tiled(table):
        return None if table is None else np.repeat(table, count, axis=0)

    def longer(layer):
        spec = layer.neuron
        leak, current_leak = tiled(spec.leak), tiled(spec.current_leak)
        for kept in (leak, *([] if current_leak is None else [current_leak])):
            kept[0] = 0
        spec = replace(spec, leak=leak, current_leak=current_leak, bias=tiled(spec.bias),
                       threshold=tiled(spec.threshold), gain=tiled(spec.gain),
                       reset_by=tiled(spec.reset_by), stateful=False,
                       border=spec.border and replace(spec.border, extra=tiled(spec.border.extra)))
        return replace(layer, neuron=spec, shortcuts=tuple(
            replace(each, gain=tiled(each.gain)) if hasattr(each, "gain") else each
            for each in layer.shortcuts), gate=layer.gate and replace(
                layer.gate, table=tiled(layer.gate.table)))

    readout = network.readout
    peak = readout.peak and replace(readout.peak, bias=tiled(readout.peak.bias))
    return replace(network, timesteps=count, hidden=tuple(map(longer, network.hidden)),
                   readout=replace(readout, gain=tiled(readout.gain), peak=peak))


@quick(4, wide=None)
@for_each("seed", SEEDS)
def test_parts_of_a_run_are_the_run(seed):
    network, inputs, resets = lowered(seed)
    whole = run(network, inputs, resets=resets)
    few = run(network, inputs, resets=resets, batch=2)
    first = run(network, inputs[:3], resets=resets[:3])
    rest = run(network, inputs[3:], resets=resets[3:], state=first.state)
    for number, layer in enumerate(whole.hidden):
        assert np.array_equal(layer.charged, few.hidden[number].charged)
        both = [first.hidden[number].fired, rest.hidden[number].fired]
        assert np.array_equal(layer.fired, np.concatenate(both))
    assert np.array_equal(whole.scores, np.concatenate([first.scores, rest.scores]))


@quick(4, wide=None)
@for_each("seed", SEEDS)
def test_a_reset_is_a_start(seed):
    network, inputs, _ = lowered(seed)
    resets = np.arange(COUNT) == 4
    seen, anew = run(network, inputs, resets=resets), run(network, inputs[4:])
    assert np.array_equal(seen.scores[4:], anew.scores)


@quick(1, wide=None)
@for_each("seed", SEEDS)
def test_nothing_leaves_its_bounds_however_long(seed):
    document = random_streams(seed)
    network, *_ = lowered(seed)
    inputs = random_inputs(seed, document, 6)
    loudest = np.full_like(inputs, network.input.max_value)
    many = np.concatenate([loudest, inputs, loudest, 0 * inputs] * 6)
    bounds, _ = network_bounds(network)
    for layer, seen in zip(run(network, many).hidden, bounds, strict=True):
        for values, interval in ((layer.charged, seen.charged), (layer.settled, seen.settled)):
            assert interval.low <= values.min()
            assert values.max() <= interval.high
