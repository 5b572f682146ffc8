"""HeldSums: each row of sums once in each walk, whatever stalls it."""

import numpy as np
import pytest

from bsnn_hw.hdl.held_sums import HeldSums
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.held import HeldSums as Block
from bsnn_hw.layout.state import StateRows
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls

WIDTH = 5  # bits of a sum
DELAY = 6  # cycles from an operation's start to the accumulators
TIMESTEPS = 3

# shape, parallel neurons, units, recovery
CASES = [(Shape(1), 1, 1, 3), (Shape(4), 4, 1, 5), (Shape(7), 3, 3, 9), (Shape(12), 4, 2, 4),
         (Shape(10), 4, 1, 4), (Shape(5, 2, 2), 4, 2, 6), (Shape(3, 1, 4), 3, 1, 4),
         (Shape(9, 2, 3), 4, 2, 3)]
STORES = {"LUTs": (False, False), "block RAM": (True, False), "pipelined": (True, True)}


def block(case, walks, store="LUTs"):
    shape, parallel, units, recovery = case
    summed, (ram, pipelined) = Raster(shape, parallel), STORES[store]
    return Block(summed, Raster(shape, units), walks, TIMESTEPS,
                 StateRows(summed.rows, parallel * WIDTH, ram and summed.rows > 1, pipelined),
                 recovery)


@quick(4, wide=None)
@for_each("case", CASES)
@for_each("walks", [1, TIMESTEPS])
@for_each("store", STORES)
@for_each("pause", [0, .4])
def test_rows_are_walked_over(case, walks, store, pause):
    made = block(case, walks, store)
    summed, units, dut = made.summed, made.units, HeldSums(made)
    rng = np.random.default_rng(summed.shape.size)
    low, count = -1 << WIDTH - 1, 2 * TIMESTEPS // walks
    sums = rng.integers(low, -low, (count * summed.rows, summed.width))
    wanted = count * walks * units.rows + units.rows
    seen, pauses, rests = [], stalls(1, pause), stalls(2, pause)
    late = [None] * (DELAY + 1)  # rows on their way to the accumulators, and behind them

    async def drive(context):
        given, cycle = 0, 0
        while len(seen) < wanted:
            hand = given < len(sums) and not next(pauses) and bool(context.get(dut.free))
            context.set(dut.handed, hand)
            context.set(dut.room, not next(rests))
            late.insert(0, given if hand else None)
            given += hand
            here, before = late[DELAY], late.pop()
            step = here is not None
            row = here % summed.rows if step else 1 % summed.rows
            context.set(dut.op, {"row": row, "fold": row % summed.folds, "step": step,
                                 "clear": 1, "close": 1})
            # A step's sums come in the next cycle, and anything in others.
            values = sums[before].tolist() if before is not None else [1] * summed.width
            context.set(dut.sums, values)
            *_, op = await context.tick().sample(dut.unit_op)
            if op.step:  # its sums come in the next cycle, which this is
                seen.append((cycle, op, [context.get(each) for each in dut.unit_sums]))
            cycle += 1
        assert given == len(sums)

    Bench(dut).run(drive)
    steps = [op for _, op, _ in seen]
    assert [op.row for op in steps] == [n % units.rows for n in range(wanted)]
    assert [op.fold for op in steps] == [n % units.rows % units.folds for n in range(wanted)]
    assert [bool(op.sweep) for op in steps] == [n < units.rows for n in range(wanted)]
    passes = [n // units.rows - 1 for n in range(wanted)]
    assert [op.timestep for op in steps[units.rows:]] == [
        each % TIMESTEPS for each in passes[units.rows:]]
    assert all(bool(op.close) == (each < 0 or each % TIMESTEPS == TIMESTEPS - 1)
               for op, each in zip(steps, passes, strict=True))
    for first, then in zip(seen, seen[units.rows:], strict=False):
        assert then[0] - first[0] >= made.recovery
    if not pause and units.rows > DELAY + 6:  # rows come while those before are taken
        starts = [cycle for cycle, op, _ in seen if op.row == 0][1:]
        assert max(np.diff(starts)) <= max(units.rows, made.recovery) + 1
    for (_, op, found), each in zip(seen[units.rows:], passes[units.rows:], strict=True):
        position, fold = divmod(op.row, units.folds)
        row = position * summed.folds + fold // made.count
        place = fold % made.count * units.width
        right = sums[each // walks * summed.rows + row, place:place + units.width]
        assert found == right.tolist(), (each, op.row)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="block must be a HeldSums, not 3"):
        HeldSums(3)
