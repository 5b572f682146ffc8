"""Scorer and ReadoutLayer against reference.readout."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.readout import ReadoutLayer, Scorer
from bsnn_hw.ir.bounds import readout_bounds
from bsnn_hw.ir.network import Dense, Peak, Readout
from bsnn_hw.reference import readout
from bsnn_hw.reference.synapse import sums
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, stalls
from tests.hdl.blocks import readout_block
from tests.hdl.groups import GroupSource, lane_periods

GAINS = ["varying", "constant", "one number", "zero", "peak", "peak that keeps all"]


def random_layer(rng, classes, fan_in, timesteps, gains):
    gain = {"varying": rng.integers(-7, 8, (timesteps, classes)),
            "constant": np.repeat(rng.integers(-7, 8, (1, classes)), timesteps, axis=0),
            "one number": np.full((timesteps, classes), 3),
            "zero": np.zeros((timesteps, classes), int)}.get(
                gains, rng.integers(-7, 8, (timesteps, classes)))
    weights = np.where(rng.random((classes, fan_in)) < .5, 1, -1).astype(np.int8)
    bias = rng.integers(-9, 10, (timesteps, classes))
    layer = Readout("out", Dense(weights, rng.random(classes) < .9), gain, bias[0], 1.0)
    if "peak" not in gains:
        return layer
    leak = np.full(classes, 1) if "all" in gains else rng.integers(0, 9, classes)
    return replace(layer, bias=0 * bias[0], peak=Peak(leak, 0 if "all" in gains else 3, bias))


def bounds_of(layer):
    timesteps = len(layer.gain)
    return readout_bounds(layer, 1, timesteps, timesteps if layer.constant_gain else 1)


def check_beats(layer, accs, beats):
    """Every class's score in order, and with the last the winner."""
    right = readout.score(layer, torch.as_tensor(accs))
    classes = right.shape[1]
    given = np.array([beat.score for beat in beats]).reshape(right.shape)
    np.testing.assert_array_equal(given, right.numpy())
    assert [beat.leader for beat in beats][classes - 1::classes] == readout.decide(right).tolist()
    assert [beat.last for beat in beats] == ([0] * (classes - 1) + [1]) * len(accs)


def score(layer, parallel, accs, *, pause=0.0, full=0.0):
    """Beats of the Scorer for ``accs`` (N, T, classes)."""
    classes = accs.shape[2]
    folds = -(-classes // parallel)
    dut = Scorer(layer, bounds_of(layer), parallel=parallel)
    rows = accs.sum(axis=1, keepdims=True) if layer.constant_gain else accs
    padded = np.full((*rows.shape[:2], folds * parallel), -1)
    padded[..., :classes] = rows
    pauses, taken = stalls(1, pause), []

    async def source(context):
        for row in padded.reshape(-1, parallel).tolist():
            while next(pauses) or not context.get(dut.idle):
                await context.tick()
            context.set(dut.sums, row)
            context.set(dut.load, 1)
            await context.tick()
            context.set(dut.load, 0)
            context.set(dut.sums, [-1] * parallel)

    async def sink(context):
        await receive(context, dut.beats, len(accs) * classes, stalls(2, full), taken)

    Bench(dut).run(sink, background=[source])
    return taken


@quick(2, wide=8)
@for_each("gains", GAINS)
@for_each("classes, parallel", [(1, 1), (10, 10), (10, 3), (5, 1), (7, 4)])
@for_each("pause, full", [(0, 0), (.3, .5)])
def test_scores_and_winners(gains, classes, parallel, pause, full):
    rng = np.random.default_rng(classes * 10 + parallel)
    timesteps = 1 + classes % 4
    layer = random_layer(rng, classes, 6, timesteps, gains)
    positive = (layer.synapse.weights > 0).sum(axis=1)
    high, low = positive * layer.synapse.connected, (positive - 6) * layer.synapse.connected
    accs = rng.integers(low, high + 1, (10, timesteps, classes))
    accs[0], accs[1] = low, high
    check_beats(layer, accs, score(layer, parallel, accs, pause=pause, full=full))


@for_each("parallel", [1, 2, 4])
def test_a_tie_goes_to_the_lowest_index(parallel):
    dense = Dense(np.ones((4, 3), np.int8), np.ones(4, bool))
    layer = Readout("out", dense, np.full((1, 4), 2), np.array([-1, -1, -1, -1]), 1.0)
    accs = np.array([[[0, 0, 0, 0]], [[1, 3, 3, 2]], [[2, 1, 2, 3]], [[3, 0, 0, 3]]])
    beats = score(layer, parallel, accs)
    assert [beat.leader for beat in beats][3::4] == [0, 1, 3, 0]
    assert [beat.score for beat in beats[4:8]] == [1, 5, 5, 3]


@quick(1, wide=3)
@for_each("gains", ["varying", "constant", "peak"])
@for_each("classes, parallel, lanes", [(1, 1, 1), (5, 2, 3), (4, 4, 2)])
@for_each("full", [0, .7])
def test_layer_from_events_to_beats(gains, classes, parallel, lanes, full):
    rng = np.random.default_rng(classes + lanes)
    timesteps, fan_in = 3, 7
    geometry = DenseEvents.flat(fan_in, 4, classes, lanes, parallel)
    layer = random_layer(rng, classes, fan_in, timesteps, gains)
    dut = ReadoutLayer(layer, bounds_of(layer), readout_block(
        layer, bounds_of(layer), geometry, timesteps=timesteps))
    spikes = rng.random((8, timesteps, fan_in)) < rng.random((8, timesteps, 1))
    source = GroupSource(dut.groups, lane_periods(geometry, spikes.reshape(-1, fan_in)),
                         stalls(3, .2))
    taken = []

    async def sink(context):
        await receive(context, dut.beats, 8 * classes, stalls(9, full), taken)

    Bench(dut).run(sink, background=[source.run])
    accs = sums(layer.synapse, torch.as_tensor(spikes), timesteps, 1).numpy()
    check_beats(layer, accs, taken)


def test_wrong_arguments():
    layer = random_layer(np.random.default_rng(0), 3, 4, 2, "varying")
    with pytest.raises(ValueError, match="parallel must be an integer of 1 or more, not 0"):
        Scorer(layer, bounds_of(layer), parallel=0)
    with pytest.raises(TypeError, match="layer must be a Readout, not None"):
        Scorer(None, bounds_of(layer), parallel=1)
    with pytest.raises(TypeError, match="bounds must be a ReadoutBounds, not 7"):
        Scorer(layer, 7, parallel=1)
    with pytest.raises(ValueError, match=r"weights must have shape \(2, 4\), not \(3, 4\)"):
        ReadoutLayer(layer, bounds_of(layer), readout_block(
            layer, bounds_of(layer), DenseEvents.flat(4, 4, 2, 1, 1), timesteps=2))
