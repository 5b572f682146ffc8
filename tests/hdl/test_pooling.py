"""SpikePool against reference.pool."""

import itertools

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.pooling import SpikePool
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import POOLING_DELAY
from bsnn_hw.reference.pool import pooled
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.maps import random_steps, words_of

# source, width of a word, window
CASES = [
    (Shape(1, 1, 1), 1, (1, 1)), (Shape(5, 3, 4), 2, (1, 1)), (Shape(3, 4, 6), 3, (2, 2)),
    (Shape(5, 6, 4), 2, (3, 2)), (Shape(2, 4, 3), 1, (4, 3)), (Shape(7, 2, 6), 3, (1, 3)),
    (Shape(3, 6, 1), 2, (2, 1)), (Shape(3, 4, 5), 1, (2, 1)), (Shape(4, 2, 2), 4, (2, 2)),
]


def run(dut, words, pauses):
    """(cycle, word) of all that comes, ``words`` (words, width) being given one after another."""
    taken, rows = [], len(words)

    async def check(context):
        given = []
        left = iter(words.tolist())
        while len(given) < rows or bench.cycle < given[-1] + 9:
            word = None if next(pauses) else next(left, None)
            context.set(dut.words_valid, word is not None)
            # Between words, anything.
            context.set(dut.words, _word(word or [1] * words.shape[1], len(given), dut.rows))
            if word is not None:
                given.append(bench.cycle)
            cycle = bench.cycle
            *_, valid, placed = await context.tick().sample(dut.placed_valid, dut.placed)
            if valid:
                taken.append((given.index(cycle - POOLING_DELAY), placed))

    bench = Bench(dut)
    bench.run(check)
    return taken


def _word(bits, number, rows):
    return {"spikes": sum(bit << i for i, bit in enumerate(bits)), "row": number % rows,
            "last": number % rows == rows - 1}


def check_places(raster, taken):
    """Row, place and fold say the same."""
    for _, word in taken:
        place, fold = divmod(word.row, raster.folds)
        y, x = divmod(place, raster.shape.width)
        assert (word.place.y, word.place.x, word.fold) == (y, x, fold)


def bits_of(word, width):
    return [word.spikes >> i & 1 for i in range(width)]


def components(case, kind):
    source, width, window = case
    pool = Pool(kind, *window) if kind else None
    raster = Raster(pool.shape(source) if pool else source, width)
    dut = SpikePool(raster, pool)
    dut.rows = Raster(source, width).rows
    return dut, pool, raster


@quick(5, wide=8)
@for_each("case", CASES)
@for_each("pause", [0, .5])
def test_max_gives_each_window_once(case, pause):
    """Several maps, with and without a gap between their words."""
    dut, pool, raster = components(case, PoolKind.MAX)
    source, width, _ = case
    steps = random_steps(np.random.default_rng(source.size), source.size, 5)
    words = np.concatenate([words_of(Raster(source, width), step) for step in steps])
    taken = run(dut, words, stalls(1, pause))
    check_places(raster, taken)
    right = pooled(pool, source, torch.as_tensor(steps)).numpy()
    _check_rows(raster, taken, np.concatenate([words_of(raster, step) for step in right]))


def _check_rows(raster, taken, words):
    # A window is complete with its last word, so windows come in raster order too.
    rows = [word.row for _, word in taken]
    assert rows == [n % raster.rows for n in range(len(words))]
    assert [word.last for _, word in taken] == [row == raster.rows - 1 for row in rows]
    given = np.array([bits_of(word, raster.width) for _, word in taken])
    np.testing.assert_array_equal(given, words)


@quick(4, wide=8)
@for_each("case", CASES)
@for_each("pause", [0, .5])
def test_sum_gives_every_word_its_windows_place(case, pause):
    dut, pool, raster = components(case, PoolKind.SUM)
    source, width, window = case
    steps = random_steps(np.random.default_rng(source.size), source.size, 5)
    words = np.concatenate([words_of(Raster(source, width), step) for step in steps])
    taken = run(dut, words, stalls(1, pause))
    check_places(raster, taken)
    assert [number for number, _ in taken] == list(range(len(words)))
    total, (height, side) = np.zeros((5, raster.rows, width), int), window
    for (number, word), bits in zip(taken, words.tolist(), strict=True):
        step, row = divmod(number, dut.rows)
        place, fold = divmod(row, raster.folds)
        y, x = divmod(place, source.width)
        assert (word.place.y, word.place.x, word.fold) == (y // height, x // side, fold)
        assert word.last == (row == dut.rows - 1)
        assert bits_of(word, width) == bits
        total[step, word.row] += bits
    right = pooled(pool, source, torch.as_tensor(steps)).numpy()
    np.testing.assert_array_equal(raster.by_neuron(total), right)


@for_each("case", CASES[:3])
def test_without_a_pool_only_the_place_is_new(case):
    dut, _, raster = components(case, None)
    words = np.concatenate([words_of(raster, step) for step in random_steps(
        np.random.default_rng(0), raster.shape.size, 4)])
    taken = run(dut, words, stalls(1, .2))
    check_places(raster, taken)
    _check_rows(raster, taken, words)


@pytest.mark.wide
def test_all_maps_of_four_pixels():
    """2x2 pixels in windows of one line, one column, and all; each map after each other."""
    maps = list(itertools.product((0, 1), repeat=4))
    order = np.array([each for pair in itertools.product(maps, maps) for each in pair])
    for window in ((1, 2), (2, 1), (2, 2)):
        source = Shape(1, 2, 2)
        dut, pool, raster = components((source, 1, window), PoolKind.MAX)
        taken = run(dut, order.reshape(-1, 1), stalls(0, 0))
        right = pooled(pool, source, torch.as_tensor(order)).numpy()
        _check_rows(raster, taken, right.reshape(-1, 1))


def test_a_reset_amid_a_window_leaves_no_spike():
    dut, _, _ = components(CASES[2], PoolKind.MAX)
    bench = Bench(dut)

    async def check(context):
        context.set(dut.words_valid, 1)
        context.set(dut.words.spikes, 7)
        await context.tick().repeat(9)
        context.set(bench.reset, 1)
        await context.tick()
        context.set(bench.reset, 0)
        context.set(dut.words.spikes, 0)
        seen = 0
        while seen < 6:
            *_, valid, word = await context.tick().sample(dut.placed_valid, dut.placed)
            assert not (valid and word.spikes)
            assert not valid or word.row == seen
            seen += valid

    bench.run(check)


def test_wrong_arguments():
    pool = Pool(PoolKind.MAX, 2, 2)
    with pytest.raises(TypeError, match=r"pooled must be a Raster, not 4"):
        SpikePool(4, pool)
    with pytest.raises(TypeError, match=r"pool must be a Pool or None, not 2"):
        SpikePool(Raster(Shape(2, 2, 2), 1), 2)


@for_each("window", [(1, 4), (2, 5)])
def test_windows_of_many_columns(window):
    source = Shape(3, 2 * window[0], 2 * window[1])
    dut, pool, raster = components((source, 2, window), PoolKind.MAX)
    steps = random_steps(np.random.default_rng(source.size), source.size, 3)
    words = np.concatenate([words_of(Raster(source, 2), step) for step in steps])
    taken = run(dut, words, stalls(1, 0))
    check_places(raster, taken)
    right = pooled(pool, source, torch.as_tensor(steps)).numpy()
    _check_rows(raster, taken, np.concatenate([words_of(raster, step) for step in right]))
