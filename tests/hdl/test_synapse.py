"""SynapseArray against reference.synapse.accumulate."""

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.synapse import SynapseArray, synapse_delay
from bsnn_hw.ir.schedule import LayerGeometry
from bsnn_hw.reference.synapse import accumulate
from tests.hdl.benches import Bench

# inputs, source width, neurons, lanes, parallel
SHAPES = [(1, 1, 1, 1, 1), (5, 3, 4, 1, 2), (7, 7, 3, 2, 3), (12, 5, 7, 3, 2), (9, 4, 5, 4, 5),
          (20, 10, 6, 5, 1), (16, 8, 3, 8, 3), (23, 9, 4, 9, 3)]


def random_weights(rng, neurons, inputs):
    return np.where(rng.random((neurons, inputs)) < .5, 1, -1).astype(np.int8)


def run(geometry, weights, max_value, inputs, folds):
    """Deltas, int64 (cycles, parallel), of one group per cycle.

    inputs : (cycles, inputs), at most one event per lane; folds : (cycles,)
    """
    dut = SynapseArray(geometry, weights, max_value=max_value)
    lanes, rows = geometry.lane_row(np.arange(geometry.inputs))
    deltas = []

    async def check(context):
        delay = synapse_delay(geometry.lanes)
        for cycle in range(len(inputs) + delay):
            if cycle < len(inputs):
                for lane in range(geometry.lanes):
                    context.set(dut.values[lane], 0)
                for i in np.flatnonzero(inputs[cycle]):
                    address = int(rows[i]) * geometry.folds + int(folds[cycle])
                    context.set(dut.addresses[int(lanes[i])], address)
                    context.set(dut.values[int(lanes[i])], int(inputs[cycle, i]))
            *_, shown = await context.tick().sample(dut.deltas)
            if cycle >= delay:
                deltas.append(list(shown))

    Bench(dut).run(check)
    return np.array(deltas)


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


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("max_value", [1, 3, 255])
def test_sum_over_the_lanes(shape, max_value):
    geometry = LayerGeometry(*shape)
    rng = np.random.default_rng(sum(shape) + max_value)
    weights = random_weights(rng, geometry.neurons, geometry.inputs)
    lanes, _ = geometry.lane_row(np.arange(geometry.inputs))
    folds = rng.integers(geometry.folds, size=120)
    inputs = np.zeros((120, geometry.inputs), np.int64)
    for lane in range(geometry.lanes):
        mine = np.flatnonzero(lanes == lane)
        # Largest values are as frequent as all others; some lanes give nothing.
        values = np.where(rng.random(120) < .5, max_value, rng.integers(max_value + 1, size=120))
        inputs[np.arange(120), rng.choice(mine, 120)] = values
    deltas = run(geometry, weights, max_value, inputs, folds)
    right = np.where(existing(geometry, folds), deltas, 0)
    np.testing.assert_array_equal(right, expected(geometry, weights, max_value, inputs, folds))


def test_every_pair_of_weights_and_values():
    """Two lanes, all weight pairs side by side, all value pairs one after the other."""
    weights = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.int8)
    geometry = LayerGeometry(2, 2, 4, 2, 4)
    inputs = np.stack(np.meshgrid(range(8), range(8)), -1).reshape(-1, 2)
    folds = np.zeros(64, int)
    np.testing.assert_array_equal(run(geometry, weights, 7, inputs, folds),
                                  expected(geometry, weights, 7, inputs, folds))


def test_wrong_arguments():
    geometry = LayerGeometry(3, 3, 2, 1, 1)
    with pytest.raises(ValueError, match=r"weights must have shape \(2, 3\), not \(3, 2\)"):
        SynapseArray(geometry, np.ones((3, 2), np.int8), max_value=1)
    with pytest.raises(TypeError, match="geometry must be a LayerGeometry, not 'layer'"):
        SynapseArray("layer", np.ones((2, 3), np.int8), max_value=1)
    with pytest.raises(ValueError, match="max_value must be an integer of 1 or more, not 0"):
        SynapseArray(geometry, np.ones((2, 3), np.int8), max_value=0)
