"""Accumulator against reference.synapse.accumulate, event by event."""

import itertools

import numpy as np
import pytest
import torch
from amaranth.hdl import signed

from bsnn_hw.hdl.accumulator import Accumulator
from bsnn_hw.ir.bounds import accumulator_bounds
from bsnn_hw.ir.network import Dense, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import BLOCK_ROWS, Rows, Store
from bsnn_hw.reference.synapse import accumulate
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls

IDLE = {"row": 0, "fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0,
        "sweep": 0}


KINDS = [{"charge": 1}, {"step": 1}, {"step": 1, "clear": 1}, {"charge": 1, "step": 1},
         {"charge": 1, "step": 1, "clear": 1}, {}]


def rows_of_sums(dut, raster, trace, seed=0, block_rows=BLOCK_ROWS, pipelined=False):
    """Rows of sums, one per operation of ``trace`` that steps.

    trace : list of (operation, what it adds to each sum of the row); an operation a cycle
    """
    rng, sums = np.random.default_rng(seed), []
    ahead = 1 + Rows(block_rows).hold(Store.SUMS, raster.rows) * (1 + pipelined)
    nothing = [(IDLE, [0] * raster.width)]
    trace = nothing * ahead + trace + nothing * (ahead + 1)

    async def check(context):
        stepped = False
        for (op, addends), (next_op, _) in zip(trace, trace[ahead:], strict=False):
            carries = rng.integers(2, size=raster.width)
            context.set(dut.op, op)
            context.set(dut.next_row, next_op["row"])
            context.set(dut.deltas, (addends - carries).tolist())
            context.set(dut.carries, int(carries @ (1 << np.arange(raster.width))))
            *_, shown = await context.tick().sample(dut.sums)
            if stepped:
                sums.append(list(shown))
            stepped = op["step"]

    Bench(dut, deadline=len(trace) + 99).run(check)
    return np.array(sums)


class Case:
    """Random synapses of ``neurons`` neurons, and the operations that sum samples up."""

    def __init__(self, rng, neurons, parallel, inputs, max_value, block_rows):
        self.block_rows = block_rows
        self.raster = Raster(Shape(neurons), parallel)
        self.weights = np.where(rng.random((neurons, inputs)) < .5, 1, -1).astype(np.int8)
        self.connected = rng.random(neurons) < .7
        self.max_value = max_value
        low, high = accumulator_bounds(Dense(self.weights, np.ones(neurons, bool)), max_value)
        self.width = int(max(np.abs(low).max(), high.max())).bit_length() + 1
        # Smaller groups than the width of a whole sum, so partial sums move around in it.
        self.dut = Accumulator(self.connected, self.raster, timesteps=2, width=self.width,
                               delta_shape=signed(self.width + 1),
                               block=Rows(block_rows).hold(Store.SUMS, self.raster.rows))

    def walk(self, addends=None, **fields):
        """One operation per fold, with its row of what it adds."""
        rows = np.zeros((self.raster.rows * self.raster.width,), int)
        if addends is not None:
            rows[: len(addends)] = addends
        return [(IDLE | fields | {"row": fold, "fold": fold}, part.tolist())
                for fold, part in enumerate(rows.reshape(-1, self.raster.width))]

    def acc(self, sample):
        return accumulate(torch.as_tensor(self.weights), torch.as_tensor(self.connected),
                          torch.as_tensor(sample[None]), self.max_value)[0].numpy()

    def run(self, operations, pauses):
        trace = []
        for operation in operations:
            while next(pauses):
                trace.append((IDLE, [99] * self.raster.width))
            trace.append(operation)
        return rows_of_sums(self.dut, self.raster, trace, block_rows=self.block_rows)


# 33 neurons of which 1 is in a row, and 70 of which 2 are, lie in block RAM.
@quick(2, wide=10)
@for_each("neurons, parallel", [(1, 1), (4, 4), (5, 3), (3, 1), (7, 2), (33, 1), (70, 2)])
@for_each("max_value, pause", [(1, .4), (15, 0)])
@for_each("block_rows", [BLOCK_ROWS, 2])
def test_sums_of_the_events(neurons, parallel, max_value, pause, block_rows):
    rng = np.random.default_rng(neurons * 100 + max_value)
    case = Case(rng, neurons, parallel, 6, max_value, block_rows)
    operations, expected = [], []
    for _ in range(8 if neurons < 10 else 3):
        sample = rng.integers(max_value + 1, size=6) * (rng.random(6) < rng.random())
        for i in np.flatnonzero(sample)[:-1]:
            operations += case.walk(case.weights[:, i] * sample[i], charge=1, clear=1)
        # The last event and a step are one; the sums stay for a second step, and are gone after it.
        for i in np.flatnonzero(sample)[-1:]:
            operations += case.walk(case.weights[:, i] * sample[i], charge=1, step=1)
        operations += case.walk(step=1) * (not sample.any()) + case.walk(step=1, clear=1)
        expected += [case.acc(sample)] * 2
    sums = case.run(operations, stalls(neurons, pause)).reshape(len(expected), -1)[:, :neurons]
    np.testing.assert_array_equal(sums, expected)


def hammered(rng, raster, rows, count):
    """Operations of which each meets one of the few ``rows``, all kinds mixed, one a cycle."""
    for _ in range(count):
        row = int(rng.choice(rows))
        kind = KINDS[rng.choice(len(KINDS), p=[.5, .1, .15, .1, .1, .05])]
        yield operation(rng, kind, raster, row)


def operation(rng, kind, raster, row):
    """An operation of ``kind`` at a row, and what it adds: nothing where it does not charge."""
    addends = rng.integers(-7, 8, raster.width) * kind.get("charge", 0)
    return IDLE | kind | {"row": row, "fold": row % raster.folds}, addends.tolist()


def expected_sums(raster, connected, operations):
    """Rows of sums as a plain list of rows gives them, each operation after the other."""
    state, sums = np.zeros((raster.rows, raster.width), int), []
    for op, addends in operations:
        row = state[op["row"]]
        if op["charge"]:
            mask = np.ones(raster.width, bool)  # what has no channel does not matter
            part = connected[op["fold"] * raster.width:][:raster.width]
            mask[: len(part)] = part
            row += np.where(mask, addends, 0)
        if op["step"]:
            sums.append(row.tolist())
            row *= not op["clear"]
    return sums


# In block RAM (40 rows), and not (6 rows).
@quick(1, wide=7)
@for_each("positions, block_rows", [(40, BLOCK_ROWS), (6, BLOCK_ROWS), (6, 6), (2, 2)])
@for_each("count", [1, 2, 5])
@for_each("pipelined", [False, True])
def test_one_row_is_hammered_every_cycle(positions, block_rows, count, pipelined):
    """Charges, steps and clearing steps of one row, or of a few, at distances of 1 cycle and up."""
    rng = np.random.default_rng(count)
    raster = Raster(Shape(3, 1, positions), 3)
    hammer(rng, raster, lambda: hammered(rng, raster, rng.choice(raster.rows, count), 60),
           block_rows, pipelined)


@quick(1, wide=5)
@for_each("places", [(5, 8), (1, 1)])
@for_each("folds", [2, 3, 4, 5, 6])
@for_each("gap", [0, 1, 2])
@for_each("pipelined", [False, True])
def test_one_place_is_hammered_walk_after_walk(places, folds, gap, pipelined):
    """A walk over all folds of one place, and up to ``gap`` cycles later the next one there."""
    rng = np.random.default_rng(10 * folds + gap)
    raster = Raster(Shape(2 * folds - 1, *places), 2)

    def burst():
        place = int(rng.integers(raster.shape.positions))
        for _ in range(25):
            kind = KINDS[rng.choice(len(KINDS) - 1)]
            for fold in range(folds):
                yield operation(rng, kind, raster, place * folds + fold)
            for _ in range(int(rng.integers(gap + 1))):
                # Whatever row an idle cycle names, it writes nothing.
                yield (IDLE | {"row": place * folds, "clear": 1}, [5] * raster.width)

    hammer(rng, raster, burst, 2, pipelined)


def hammer(rng, raster, burst, block_rows, pipelined):
    """Bursts at other rows each, then every row is looked at."""
    connected = rng.random(raster.shape.channels) < .8
    dut = Accumulator(connected, raster, timesteps=1, width=12, delta_shape=signed(5),
                      block=Rows(block_rows).hold(Store.SUMS, raster.rows), pipelined=pipelined)
    operations = list(itertools.chain(*(burst() for _ in range(4))))
    operations += [(IDLE | {"row": row, "fold": row % raster.folds, "step": 1}, [0] * raster.width)
                   for row in range(raster.rows)]
    given = rows_of_sums(dut, raster, operations, block_rows=block_rows, pipelined=pipelined)
    right = np.array(expected_sums(raster, connected, operations))
    wrong = np.argwhere(given != right)
    assert not len(wrong), "step {}, position {}".format(*wrong[0])


@quick(1, wide=None)
@for_each("pipelined", [False, True])
def test_every_short_sequence_in_block_ram(pipelined):
    """All sequences of four of: charge or clear row 0, charge row 1, nothing."""
    raster = Raster(Shape(1, 1, 33), 1)
    words = [({"row": 0, "charge": 1}, 3), ({"row": 0, "step": 1, "clear": 1}, 0),
             ({"row": 1, "charge": 1}, 2), ({"row": 0}, 7)]
    operations = [(IDLE | fields, [addend]) for words in itertools.product(words, repeat=4)
                  for fields, addend in words]
    dut = Accumulator([True], raster, timesteps=1, width=16, delta_shape=signed(5), block=True,
                      pipelined=pipelined)
    given = rows_of_sums(dut, raster, operations, pipelined=pipelined)
    np.testing.assert_array_equal(given, expected_sums(raster, [True], operations))


def test_partial_sums_may_wrap():
    """Only the ends of a sum must fit; the way there may leave the width and come back."""
    case = Case(np.random.default_rng(0), 1, 1, 3, 1, BLOCK_ROWS)
    assert case.width == 3
    case.connected[:] = True
    operations = []
    for delta in (3, 3, 3, -7):
        operations += case.walk([delta], charge=1)
    sums = case.run(operations + case.walk(step=1, clear=1), stalls(0, 0))
    assert sums.tolist() == [[2]]


CORRECT = {"raster": Raster(Shape(4), 2), "timesteps": 1, "width": 4, "delta_shape": signed(3)}


@for_each("name", ["timesteps", "width"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        Accumulator([True] * 4, **CORRECT | {name: 0})


def test_wrong_raster():
    with pytest.raises(TypeError, match="raster must be a Raster, not 2"):
        Accumulator([True] * 4, **CORRECT | {"raster": 2})


@for_each("channels", [2, 5])
def test_wrong_channels(channels):
    with pytest.raises(ValueError, match=f"connected must have 4 channels, not {channels}"):
        Accumulator([True] * channels, **CORRECT)
