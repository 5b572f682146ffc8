"""WordSynapseArray against reference.synapse.accumulate."""

import itertools

import numpy as np
import pytest

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.word_synapse import WordSynapseArray
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench
from tests.hdl.test_synapse import dense, existing, expected, random_weights

# inputs, source width, neurons, lanes, parallel
SHAPES = [(1, 1, 1, 1, 1), (5, 3, 4, 2, 2), (7, 7, 3, 7, 3), (12, 5, 7, 3, 2), (9, 3, 5, 9, 5),
          (20, 10, 6, 20, 1), (16, 8, 3, 8, 3), (40, 10, 5, 30, 2), (64, 8, 4, 64, 2)]


def run(geometry, weights, inputs, rows, folds, pipelined=False):
    """``deltas + carries``, int64 (cycles, parallel), of one word per cycle.

    inputs : (cycles, inputs), spikes of the word ``rows`` only; folds : (cycles,)
    """
    dut = WordSynapseArray(geometry, dense(weights), pipelined=pipelined)
    lane, row = geometry.lane_row(np.arange(geometry.inputs))
    totals = []

    async def check(context):
        delay = geometry.delay() + pipelined
        for cycle in range(len(inputs) + delay):
            values = np.zeros(geometry.lanes, int)
            if cycle < len(inputs):
                spiking = np.flatnonzero(inputs[cycle])
                assert (row[spiking] == rows[cycle]).all()
                values[lane[spiking]] = 1
                context.set(dut.tap, int(folds[cycle]))
                context.set(dut.rows, [int(rows[cycle])])
            context.set(dut.values, values.tolist())
            *_, deltas, carries = await context.tick().sample(dut.deltas, dut.carries)
            if cycle >= delay:
                totals.append([delta + (carries >> i & 1) for i, delta in enumerate(deltas)])

    Bench(dut).run(check)
    return np.array(totals)


@quick(3, wide=None)
@for_each("shape", SHAPES)
@for_each("pipelined", [False, True])
def test_sum_over_the_lanes(shape, pipelined):
    geometry = DenseWords.flat(*shape)
    rng = np.random.default_rng(sum(shape))
    weights = random_weights(rng, geometry.neurons, geometry.inputs)
    _, row = geometry.lane_row(np.arange(geometry.inputs))
    rows = rng.choice(np.unique(row), 120)
    folds = rng.integers(geometry.folds, size=120)
    share = rng.choice([0, .1, .5, 1], (120, 1))  # from silent to saturated words
    inputs = (rng.random((120, geometry.inputs)) < share) & (row == rows[:, None])
    given = np.where(existing(geometry, folds),
                     run(geometry, weights, inputs, rows, folds, pipelined), 0)
    np.testing.assert_array_equal(
        given, expected(geometry, weights, 1, inputs.astype(np.int64), folds))


@for_each("lanes", [1, 2, 3, 4, 5])
def test_all_weights_and_spikes(lanes):
    """All lanes' weights side by side, all their spikes one after the other."""
    weights = np.array(list(itertools.product((-1, 1), repeat=lanes)), np.int8)
    geometry = DenseWords.flat(lanes, lanes, len(weights), lanes, len(weights))
    inputs = np.array(list(itertools.product(range(2), repeat=lanes)))
    zeros = np.zeros(len(inputs), int)
    np.testing.assert_array_equal(run(geometry, weights, inputs, zeros, zeros),
                                  expected(geometry, weights, 1, inputs, zeros))


def test_wrong_arguments():
    geometry = DenseWords.flat(3, 3, 2, 1, 1)
    with pytest.raises(ValueError, match=r"weights must have shape \(2, 3\), not \(3, 2\)"):
        WordSynapseArray(geometry, dense(np.ones((3, 2), np.int8)))
    with pytest.raises(TypeError, match="geometry must be a DenseWords, not DenseEvents"):
        WordSynapseArray(DenseEvents.flat(3, 3, 2, 1, 1), dense(np.ones((2, 3), np.int8)))
    with pytest.raises(TypeError, match="synapse must be a Dense, not None"):
        WordSynapseArray(geometry, None)
    with pytest.raises(ValueError, match="weight_bits must be 1, not 8"):
        WordSynapseArray(geometry, dense(np.ones((2, 3), np.int8), 8))
