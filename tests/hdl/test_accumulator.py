"""Accumulator against reference.synapse.accumulate, event by event."""

import itertools

import numpy as np
import pytest
import torch
from amaranth.hdl import signed

from bsnn_hw.hdl.accumulator import Accumulator
from bsnn_hw.ir.bounds import accumulator_bounds
from bsnn_hw.ir.network import Dense
from bsnn_hw.reference.synapse import accumulate
from tests.hdl.benches import Bench, stalls

IDLE = {"fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0, "sweep": 0}


class Case:
    """Random synapses of ``neurons`` neurons, and the operations that sum samples up."""

    def __init__(self, rng, neurons, parallel, inputs, max_value):
        self.parallel, self.folds = parallel, -(-neurons // parallel)
        self.weights = np.where(rng.random((neurons, inputs)) < .5, 1, -1).astype(np.int8)
        self.connected = rng.random(neurons) < .7
        self.max_value = max_value
        low, high = accumulator_bounds(Dense(self.weights, np.ones(neurons, bool)), max_value)
        self.width = int(max(np.abs(low).max(), high.max())).bit_length() + 1
        # Smaller groups than the width of a whole sum, so partial sums move around in it.
        self.rng = rng
        self.dut = Accumulator(self.connected, parallel=parallel, folds=self.folds, timesteps=2,
                               width=self.width, delta_shape=signed(self.width + 1))

    def walk(self, addends=None, **fields):
        """One operation per fold, with its row of what it adds."""
        rows = np.zeros((self.folds * self.parallel,), int)
        if addends is not None:
            rows[: len(addends)] = addends
        return [(IDLE | fields | {"fold": fold}, part.tolist())
                for fold, part in enumerate(rows.reshape(self.folds, self.parallel))]

    def acc(self, sample):
        return accumulate(torch.as_tensor(self.weights), torch.as_tensor(self.connected),
                          torch.as_tensor(sample[None]), self.max_value)[0].numpy()

    def run(self, operations, pauses):
        """Rows of sums, one per operation that steps."""
        sums, dut = [], self.dut
        trace = [(IDLE, [0] * self.parallel)]
        for operation in operations:
            while next(pauses):
                trace.append((IDLE, [99] * self.parallel))
            trace.append(operation)
        trace += [(IDLE, [0] * self.parallel)] * 2

        async def check(context):
            stepped = False
            for (op, addends), (next_op, _) in itertools.pairwise(trace):
                carries = self.rng.integers(2, size=self.parallel)
                context.set(dut.op, op)
                context.set(dut.next_fold, next_op["fold"])
                context.set(dut.deltas, (addends - carries).tolist())
                context.set(dut.carries, int(carries @ (1 << np.arange(self.parallel))))
                *_, shown = await context.tick().sample(dut.sums)
                if stepped:
                    sums.append(list(shown))
                stepped = op["step"]

        Bench(dut).run(check)
        return np.array(sums)


@pytest.mark.parametrize(("neurons", "parallel"), [(1, 1), (4, 4), (5, 3), (3, 1), (7, 2)])
@pytest.mark.parametrize("max_value", [1, 15])
@pytest.mark.parametrize("pause", [0, .4])
def test_sums_of_the_events(neurons, parallel, max_value, pause):
    rng = np.random.default_rng(neurons * 100 + max_value)
    case = Case(rng, neurons, parallel, 6, max_value)
    operations, expected = [], []
    for _ in range(8):
        sample = rng.integers(max_value + 1, size=6) * (rng.random(6) < rng.random())
        for i in np.flatnonzero(sample):
            operations += case.walk(case.weights[:, i] * sample[i], charge=1, clear=1)
        # The sums stay for a second step, and are gone after it.
        operations += case.walk(step=1) + case.walk(step=1, clear=1)
        expected += [case.acc(sample)] * 2
    sums = case.run(operations, stalls(neurons, pause)).reshape(len(expected), -1)[:, :neurons]
    np.testing.assert_array_equal(sums, expected)


def test_partial_sums_may_wrap():
    """Only the ends of a sum must fit; the way there may leave the width and come back."""
    case = Case(np.random.default_rng(0), 1, 1, 3, 1)
    assert case.width == 3
    case.connected[:] = True
    operations = []
    for delta in (3, 3, 3, -7):
        operations += case.walk([delta], charge=1)
    sums = case.run(operations + case.walk(step=1, clear=1), stalls(0, 0))
    assert sums.tolist() == [[2]]


CORRECT = {"parallel": 2, "folds": 2, "timesteps": 1, "width": 4, "delta_shape": signed(3)}


@pytest.mark.parametrize("name", ["parallel", "folds", "timesteps", "width"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        Accumulator([True] * 4, **CORRECT | {name: 0})


@pytest.mark.parametrize("neurons", [2, 5])
def test_wrong_neurons(neurons):
    with pytest.raises(ValueError, match=f"connected must fill 2 folds .* not {neurons}"):
        Accumulator([True] * neurons, **CORRECT)
