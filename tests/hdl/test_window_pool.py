"""WindowPool and MapCrop against reference.pool."""

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.map_crop import MapCrop
from bsnn_hw.hdl.window_pool import WindowPool
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import POOLING_DELAY
from bsnn_hw.reference.pool import pooled
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.maps import random_steps, words_of

# map, width of a word, windows' size, stride and padding
CASES = [
    (Shape(3, 5, 6), 2, (3, 3), (2, 2), (1, 1)), (Shape(1, 8, 8), 1, (3, 3), (2, 2), (1, 1)),
    (Shape(4, 7, 7), 2, (3, 3), (2, 2), (0, 0)), (Shape(5, 4, 5), 5, (2, 3), (1, 1), (0, 0)),
    (Shape(2, 6, 5), 1, (1, 1), (2, 3), (0, 0)), (Shape(3, 5, 5), 3, (2, 2), (3, 3), (1, 1)),
    (Shape(7, 5, 4), 3, (4, 2), (3, 2), (2, 1)), (Shape(1, 1, 1), 1, (2, 2), (2, 2), (1, 1)),
    (Shape(2, 5, 7), 2, (5, 4), (1, 2), (0, 1)), (Shape(3, 3, 9), 2, (3, 5), (3, 2), (0, 1)),
    (Shape(1, 2, 6), 1, (2, 6), (4, 6), (1, 3)),
]


async def feed(context, dut, words, rows, pauses, cycle):
    """Give ``words`` one after another, anything between them; their cycles."""
    given, number = [], 0
    while number < len(words) + 6:
        word = None if next(pauses) or number >= len(words) else words[number]
        context.set(dut.words_valid, word is not None)
        bits = [1] * words.shape[1] if word is None else word.tolist()
        context.set(dut.words, {"spikes": sum(bit << i for i, bit in enumerate(bits)),
                                "row": number % rows, "last": number % rows == rows - 1})
        if word is not None:
            given.append(cycle())
        number += word is not None or number >= len(words)
        await context.tick()
    return given


def run(dut, words, rows, pauses, out, valid):
    """The words that come out, each with the number of the last word given by then."""
    given, taken = [], []
    bench = Bench(dut)

    async def check(context):
        given.extend(await feed(context, dut, words, rows, pauses, lambda: bench.cycle))

    async def watch(context):
        while True:
            cycle = bench.cycle
            *_, there, word = await context.tick().sample(valid, out)
            if there:
                taken.append((cycle, word))

    bench.run(check, background=[watch])
    return given, taken


@quick(2, wide=9)
@for_each("case", CASES)
@for_each("pause", [0, .5])
def test_each_window_is_an_or(case, pause):
    source, width, size, stride, padding = case
    pool = Pool(PoolKind.MAX, *size, stride, padding)
    whole, raster = Raster(source, width), Raster(pool.shape(source), width)
    steps = random_steps(np.random.default_rng(source.size), source.size, 6)
    words = np.concatenate([words_of(whole, step) for step in steps])
    dut = WindowPool(whole, raster, pool)
    given, taken = run(dut, words, whole.rows, stalls(1, pause), dut.placed, dut.placed_valid)
    assert {cycle - POOLING_DELAY for cycle, _ in taken} <= set(given)
    right = pooled(pool, source, torch.as_tensor(steps)).numpy()
    wanted = np.concatenate([words_of(raster, step) for step in right])
    found = [[word.spikes >> i & 1 for i in range(width)] for _, word in taken]
    np.testing.assert_array_equal(np.array(found), wanted)
    for number, (_, word) in enumerate(taken):
        row = number % raster.rows
        place, fold = divmod(row, raster.folds)
        assert (word.row, word.fold, word.last) == (row, fold, row == raster.rows - 1)
        assert (word.place.y, word.place.x) == divmod(place, raster.shape.width)


@for_each("case", [(Shape(3, 5, 5), 2, (4, 4)), (Shape(2, 3, 4), 1, (3, 2)),
                   (Shape(4, 7, 2), 4, (6, 2)), (Shape(1, 2, 2), 1, (1, 1))])
@for_each("pause", [0, .5])
def test_what_is_beyond_the_windows_is_dropped(case, pause):
    source, width, (height, right) = case
    whole, kept = Raster(source, width), Shape(source.channels, height, right)
    steps = random_steps(np.random.default_rng(source.size), source.size, 4)
    words = np.concatenate([words_of(whole, step) for step in steps])
    dut = MapCrop(whole, kept)
    given, taken = run(dut, words, whole.rows, stalls(1, pause), dut.inside, dut.inside_valid)
    assert {cycle for cycle, _ in taken} <= set(given)
    maps = steps.reshape(-1, source.channels, source.height, source.width)
    part = Raster(kept, width)
    wanted = np.concatenate([words_of(part, step.ravel())
                             for step in maps[..., :height, :right]])
    found = [[word.spikes >> i & 1 for i in range(width)] for _, word in taken]
    np.testing.assert_array_equal(np.array(found), wanted)
    rows = [word.row for _, word in taken]
    assert rows == [number % part.rows for number in range(len(taken))]
    assert [word.last for _, word in taken] == [row == part.rows - 1 for row in rows]


def test_wrong_arguments():
    raster = Raster(Shape(1, 4, 4), 1)
    with pytest.raises(TypeError, match="pool must be a Pool"):
        WindowPool(raster, raster, None)
    with pytest.raises(TypeError, match="kept must be a Shape"):
        MapCrop(raster, None)
