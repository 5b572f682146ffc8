"""SynapseArray against reference.synapse.accumulate."""

import itertools

import numpy as np
import pytest
import torch
from amaranth.hdl import Fragment

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.synapse import SynapseArray
from bsnn_hw.ir.network import Dense, largest_weight
from bsnn_hw.reference.synapse import accumulate
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench

# inputs, source width, neurons, lanes, parallel
SHAPES = [(1, 1, 1, 1, 1), (5, 3, 4, 1, 2), (7, 7, 3, 2, 3), (12, 5, 7, 3, 2), (9, 4, 5, 4, 5),
          (20, 10, 6, 5, 1), (16, 8, 3, 8, 3), (23, 9, 4, 9, 3),
          (16, 1, 5, 1, 1), (30, 2, 9, 2, 2)]  # these two with the fold first in an address


def random_weights(rng, neurons, inputs):
    return np.where(rng.random((neurons, inputs)) < .5, 1, -1).astype(np.int8)


def dense(weights, weight_bits=1):
    return Dense(weights, np.ones(len(weights), bool), weight_bits)


@for_each("weight_bits, max_value, width", [(1, 1, 3), (2, 1, 3), (3, 1, 4), (8, 1, 9), (8, 3, 11)])
def test_sums_of_two_lanes_are_as_wide_as_they_must_be(weight_bits, max_value, width):
    """One's complements of two of the largest weights times the largest value, and a sign."""
    geometry = DenseEvents.flat(2, 2, 1, 2, 1)
    dut = SynapseArray(geometry, dense(np.ones((1, 2), np.int8), weight_bits),
                       max_value=max_value)
    assert len(dut.deltas[0]) == width
    Fragment.get(dut, None)  # Amaranth complains of what nobody elaborates


def run(geometry, weights, max_value, inputs, folds, weight_bits=1, pipelined=False):
    """``deltas + carries``, int64 (cycles, parallel), of one group per cycle.

    inputs : (cycles, inputs), at most one event per lane; folds : (cycles,)
    """
    dut = SynapseArray(geometry, dense(weights, weight_bits), max_value=max_value,
                       pipelined=pipelined)
    lanes, rows = geometry.lane_row(np.arange(geometry.inputs))
    rng, totals = np.random.default_rng(0), []

    async def check(context):
        delay = geometry.delay(weight_bits) + pipelined
        for cycle in range(len(inputs) + delay):
            # A lane without an event has a value of 0, and any row that its bank has.
            group = rng.integers(geometry.rows, size=geometry.lanes), np.zeros(geometry.lanes, int)
            if cycle < len(inputs):
                for i in np.flatnonzero(inputs[cycle]):
                    group[0][lanes[i]], group[1][lanes[i]] = rows[i], inputs[cycle, i]
                context.set(dut.tap, int(folds[cycle]))
            context.set(dut.rows, group[0].tolist())
            context.set(dut.values, group[1].tolist())
            *_, deltas, carries = await context.tick().sample(dut.deltas, dut.carries)
            if cycle >= delay:
                totals.append([delta + (carries >> i & 1) for i, delta in enumerate(deltas)])

    Bench(dut).run(check)
    return np.array(totals)


def expected(geometry, weights, max_value, inputs, folds):
    connected = torch.ones(geometry.neurons, dtype=torch.bool)
    acc = accumulate(torch.as_tensor(weights), connected, torch.as_tensor(inputs), max_value)
    padding = geometry.folds * geometry.parallel - geometry.neurons
    rows = np.pad(acc.numpy(), ((0, 0), (0, padding))).reshape(
        len(inputs), geometry.folds, geometry.parallel)
    return rows[np.arange(len(inputs)), folds]


def existing(geometry, folds):
    """Positions that have a neuron, (cycles, parallel)."""
    neuron = folds[:, None] * geometry.parallel + np.arange(geometry.parallel)
    return neuron < geometry.neurons


@quick(3, wide=12)
@for_each("shape", SHAPES)
@for_each("max_value", [1, 3, 255])
@for_each("weight_bits", [1, 2, 3, 8])
@for_each("pipelined", [False, True])
def test_sum_over_the_lanes(shape, max_value, weight_bits, pipelined):
    geometry = DenseEvents.flat(*shape)
    rng = np.random.default_rng(sum(shape) + max_value)
    weights = random_weights(rng, geometry.neurons, geometry.inputs)
    if weight_bits > 1:  # the ends as frequent as all others
        most = largest_weight(weight_bits)
        weights *= rng.choice([0, 1, most - 1, most, most], weights.shape).astype(np.int8)
    lanes, _ = geometry.lane_row(np.arange(geometry.inputs))
    folds = rng.integers(geometry.folds, size=120)
    inputs = np.zeros((120, geometry.inputs), np.int64)
    for lane in range(geometry.lanes):
        mine = np.flatnonzero(lanes == lane)
        # Largest values are as frequent as all others; some lanes give nothing.
        values = np.where(rng.random(120) < .5, max_value, rng.integers(max_value + 1, size=120))
        inputs[np.arange(120), rng.choice(mine, 120)] = values
    given = run(geometry, weights, max_value, inputs, folds, weight_bits, pipelined)
    given = np.where(existing(geometry, folds), given, 0)
    np.testing.assert_array_equal(given, expected(geometry, weights, max_value, inputs, folds))


@for_each("lanes, max_value", [(1, 7), (2, 7), (3, 3), (4, 1), (5, 1)])
def test_all_weights_and_values(lanes, max_value):
    """All lanes' weights side by side, all their values one after the other."""
    weights = np.array(list(itertools.product((-1, 1), repeat=lanes)), np.int8)
    geometry = DenseEvents.flat(lanes, lanes, len(weights), lanes, len(weights))
    inputs = np.array(list(itertools.product(range(max_value + 1), repeat=lanes)))
    folds = np.zeros(len(inputs), int)
    np.testing.assert_array_equal(run(geometry, weights, max_value, inputs, folds),
                                  expected(geometry, weights, max_value, inputs, folds))


@for_each("lanes", [2, 3])
def test_shared_lanes_hold_all_weights(lanes):
    """An input gives the same through whichever lane it comes."""
    geometry = DenseEvents.flat(7, 5, 4, lanes, 3, shared=True)
    weights = random_weights(np.random.default_rng(lanes), 4, 7)
    bank, rows = geometry.lane_row(np.arange(7))
    assert not bank.any()
    dut = SynapseArray(geometry, dense(weights), max_value=1)

    async def check(context):
        for lane, i, fold in itertools.product(range(lanes), range(7), range(2)):
            context.set(dut.tap, fold)
            context.set(dut.rows, [int(rows[i])] * lanes)
            context.set(dut.values, [int(other == lane) for other in range(lanes)])
            await context.tick().repeat(geometry.delay())
            deltas, carries = context.get(dut.deltas), context.get(dut.carries)
            for position, weight in enumerate(weights[3 * fold:3 * fold + 3, i]):
                assert deltas[position] + (carries >> position & 1) == weight

    Bench(dut).run(check)


def test_wrong_arguments():
    geometry = DenseEvents.flat(3, 3, 2, 1, 1)
    with pytest.raises(ValueError, match=r"weights must have shape \(2, 3\), not \(3, 2\)"):
        SynapseArray(geometry, dense(np.ones((3, 2), np.int8)), max_value=1)
    message = "geometry must be a EventGeometry, not 3"
    with pytest.raises(TypeError, match=message):
        SynapseArray(3, dense(np.ones((2, 3), np.int8)), max_value=1)
    with pytest.raises(ValueError, match="max_value must be an integer of 1 or more, not 0"):
        SynapseArray(geometry, dense(np.ones((2, 3), np.int8)), max_value=0)
