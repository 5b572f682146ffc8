"""LargestSums against reference.pool."""

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.current_pool import LargestSums
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import CurrentPool
from bsnn_hw.reference.pool import largest_sums
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.maps import words_of

WIDTH = 5  # bits of a sum

# map of the sums, width of a row, window; in the last ones the windows leave a rest
CASES = [
    (Shape(1, 1, 2), 1, (1, 2)), (Shape(5, 4, 4), 2, (2, 2)), (Shape(3, 6, 4), 3, (3, 2)),
    (Shape(7, 2, 3), 3, (2, 1)), (Shape(2, 2, 2), 1, (2, 2)), (Shape(4, 1, 6), 4, (1, 3)),
    (Shape(3, 5, 5), 2, (2, 2)), (Shape(5, 7, 4), 5, (3, 4)), (Shape(2, 4, 7), 1, (4, 2)),
    (Shape(1, 3, 5), 1, (2, 3)),
]


def block(case):
    summed, width, (height, right) = case
    pool = Pool(PoolKind.MAX, height, right)
    return pool, CurrentPool(Raster(summed, width), Raster(pool.shape(summed), width),
                             (height, right), WIDTH)


@quick(3, wide=12)
@for_each("case", CASES)
@for_each("pause", [0, .5])
def test_each_window_has_its_largest_sum(case, pause):
    """Three maps, one after the other, behind the clearing after a reset."""
    pool, made = block(case)
    summed, dut = made.summed, LargestSums(made, timesteps=4)
    low = -1 << WIDTH - 1
    sums = np.random.default_rng(summed.shape.size).integers(low, -low, (3, summed.shape.size))
    rows = np.concatenate([words_of(summed, each) for each in sums])
    ops = [(row % summed.rows, row < summed.rows, row // summed.rows)
           for row in range(len(rows) + summed.rows)]
    rows = np.concatenate([np.zeros((summed.rows, summed.width), int), rows])
    taken, pauses = [], stalls(1, pause)

    async def drive(context):
        left, number = iter(zip(ops, rows.tolist(), strict=True)), 0
        before = None
        while number < len(ops) + 4:
            given = None if next(pauses) else next(left, None)
            step = given is not None
            (row, sweep, timestep), values = given or ((3, 0, 1), None)
            context.set(dut.op, {"row": row % summed.rows, "fold": row % summed.folds,
                                 "timestep": timestep, "step": step, "sweep": sweep,
                                 "close": sweep, "charge": not step, "clear": 1})
            # A step's sums come in the next cycle, and anything in others.
            context.set(dut.sums, before or [1] * summed.width)
            before = values
            number += step or number >= len(ops)
            *_, op = await context.tick().sample(dut.pooled_op)
            taken.append((op, context.get(dut.largest)))

    Bench(dut).run(drive)
    # An op is seen at the end of its own cycle, and its sums at the end of the next one's start.
    steps = [(op, largest) for op, largest in taken if op.step]
    windows = made.windows
    assert [op.row for op, _ in steps] == list(range(windows.rows)) * 4
    assert [op.fold for op, _ in steps] == [row % windows.folds
                                            for row in range(windows.rows)] * 4
    assert [op.timestep for op, _ in steps] == [n // windows.rows for n in range(len(steps))]
    assert [op.sweep for op, _ in steps] == [n < windows.rows for n in range(len(steps))]
    right = largest_sums(pool, summed.shape, torch.as_tensor(sums)).numpy()
    given = np.array([[largest[i] for i in range(windows.width)] for _, largest in steps])
    np.testing.assert_array_equal(given[windows.rows:],
                                  np.concatenate([words_of(windows, each) for each in right]))


def test_wrong_arguments():
    with pytest.raises(TypeError, match="pool must be a CurrentPool"):
        LargestSums(None, timesteps=1)
    with pytest.raises(ValueError, match="timesteps must be an integer of 1 or more, not 0"):
        LargestSums(block(CASES[0])[1], timesteps=0)
