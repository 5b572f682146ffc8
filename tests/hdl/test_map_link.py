"""MapLink against what ``ConvEvents`` says of every spike, whatever stalls it."""

import itertools

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.map_link import MapLink
from bsnn_hw.hdl.pooling import SpikePool
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import POOLING_DELAY
from bsnn_hw.reference.pool import pooled
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, stalls
from tests.hdl.maps import (
    CONVS,
    geometry_of,
    placed_words,
    random_steps,
    reach_of,
    reaching_groups,
)
from tests.hdl.test_map_encoder import WIDE
from tests.hdl.test_reach import SPARSE, readable


class Source:
    """A pipeline of ``delay`` stages that starts a word where there is room, and never stalls."""

    def __init__(self, link, entry, valid, words, delay, pauses):
        self.link, self.entry, self.valid = link, entry, valid
        self.words, self.delay, self.pauses = words, delay, pauses
        self.given = 0

    async def run(self, context):
        pipeline, left = [None] * self.delay, iter(self.words)
        while True:
            start = context.get(self.link.room) and not next(self.pauses)
            pipeline.append(next(left, None) if start else None)
            word = pipeline.pop(0)
            context.set(self.valid, word is not None)
            if word is not None:
                context.set(self.entry, word)
                self.given += 1
            await context.tick()


def seen(payload):
    reach, rows, values, mark = readable(payload)
    events = {lane: (row, 1) for lane, (row, value)
              in enumerate(zip(rows or [], values or [], strict=True)) if value}
    return reach, events, mark


@quick(1, wide=9)
@for_each("case", [*CONVS, WIDE, SPARSE])
@for_each("pause, full, delay, spare", [
    (0, .7, 2, 1), (.3, .5, 1, 2)])
@for_each("pipelined", [False, True])
def test_nothing_is_lost(case, pause, full, delay, spare, pipelined):
    geometry, margin = geometry_of(case), delay + 1
    steps = random_steps(np.random.default_rng(1), geometry.source.shape.size, 5)
    right = list(reaching_groups(geometry, steps))
    dut = MapLink(geometry, depth=margin + spare, margin=margin, pipelined=pipelined)
    words = [word for spikes in steps for word in placed_words(geometry.source, spikes)]
    source = Source(dut, dut.words, dut.words_valid, words, delay, stalls(1, pause))
    taken = []

    async def sink(context):
        await receive(context, dut.groups, len(right), stalls(2, full), taken)

    Bench(dut).run(sink, background=[source.run])
    assert list(map(seen, taken)) == right


def events_of(groups):
    """(reach, row) of each event and None for each mark, in order; groups of shared lanes deal
    them out to the lanes, so their lane and number mean nothing."""
    return [event for reach, events, mark in groups
            for event in [*((str(reach), row) for row, _ in events.values()), *[None] * mark]]


@quick(1, wide=5)
@for_each("case", [case for case in [*CONVS, WIDE, SPARSE] if case[6] > 1])
@for_each("pause, full", [(0, 0), (0, .7), (.3, .5)])
def test_shared_lanes_take_any_event_of_a_place(case, pause, full):
    geometry, margin = geometry_of(case, shared=True), 3
    steps = random_steps(np.random.default_rng(1), geometry.source.shape.size, 5)
    right = list(reaching_groups(geometry, steps))
    dut = MapLink(geometry, depth=margin + 2, margin=margin)
    words = [word for spikes in steps for word in placed_words(geometry.source, spikes)]
    source = Source(dut, dut.words, dut.words_valid, words, 2, stalls(1, pause))
    taken, marks = [], 0

    async def sink(context):
        nonlocal marks
        pauses = stalls(2, full)
        while marks < len(steps):
            await receive(context, dut.groups, len(taken) + 1, pauses, taken)
            marks += seen(taken[-1])[2]

    Bench(dut).run(sink, background=[source.run])
    # Within a group, events are in the lanes' order and not in their own.
    assert [sorted(map(str, part)) for part in split(events_of(map(seen, taken)))] == [
        sorted(map(str, part)) for part in split(events_of(right))]


def split(events):
    """Events between marks."""
    parts = [[]]
    for event in events:
        if event is None:
            parts.append([])
        else:
            parts[-1].append(event)
    return parts


def test_groups_of_shared_lanes_are_full():
    """Words of two spikes, three of a place, and a reader that takes four cycles."""
    geometry = geometry_of((Shape(6, 2, 2), (1, 1), (1, 1), (0, 0), 1, 2, 2, 1), shared=True)
    steps = np.ones((3, geometry.source.shape.size), bool)
    dut = MapLink(geometry, depth=16, margin=3)
    words = [word for spikes in steps for word in placed_words(geometry.source, spikes)]
    source = Source(dut, dut.words, dut.words_valid, words, 2, stalls(0, 0))
    taken = []

    async def sink(context):
        await receive(context, dut.groups, 3 * 4 * 3, itertools.cycle([True] * 3 + [False]), taken)

    Bench(dut).run(sink, background=[source.run])
    # The first groups leave as they come, so the first place may have one more.
    assert [len(seen(group)[1]) for group in taken[6:]] == [2] * (len(taken) - 6)


@for_each("delay", [1, 5])
@for_each("spare", [3, 6])
def test_the_margin_is_exact(delay, spare):
    """A link that nobody reads takes words until its queue is full, to the last entry."""
    geometry = geometry_of(CONVS[0])
    depth = delay + 1 + spare
    dut = MapLink(geometry, depth=depth, margin=delay + 1)
    word = {"spikes": 1, "row": 0, "place": {"y": 0, "x": 0}, "fold": 0, "last": 1}
    source = Source(dut, dut.words, dut.words_valid, [word] * 60, delay, stalls(0, 0))
    taken = []

    async def sink(context):
        await context.tick().repeat(60)
        # The queue's register, the buffer's two, the encoder's word and group, the lookup's two.
        assert source.given == depth + 7
        await receive(context, dut.groups, 60, stalls(0, 0), taken)

    Bench(dut).run(sink, background=[source.run])
    reach = reach_of(geometry, 0, 0)
    assert list(map(seen, taken)) == [(reach, {0: (0, 1)}, True)] * 60


class PooledLink(MapLink):
    """A link behind a pool, as in a network."""

    def __init__(self, geometry, pool, **depths):
        super().__init__(geometry, **depths)
        self.pool = SpikePool(geometry.source, pool)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.submodules.pool = self.pool
        m.d.comb += [self.words.eq(self.pool.placed), self.words_valid.eq(self.pool.placed_valid)]
        return m


@quick(1, wide=None)
@for_each("kind", PoolKind)
@for_each("full", [0, .8])
def test_behind_a_pool_the_margin_is_its_delay_more(kind, full):
    """As shallow as may be; sums of spikes at a place come as events one after the other."""
    pool, source = Pool(kind, 2, 2), Shape(3, 6, 4)
    geometry = geometry_of((pool.shape(source), (3, 3), (1, 1), (1, 1), 2, 2, 2, 1))
    steps = random_steps(np.random.default_rng(2), source.size, 5)
    margin = 4 + 1 + POOLING_DELAY
    dut = PooledLink(geometry, pool, depth=margin + 1, margin=margin)
    words = [{name: word[name] for name in ("spikes", "row", "last")}
             for spikes in steps for word in placed_words(Raster(source, 2), spikes)]
    feed = Source(dut, dut.pool.words, dut.pool.words_valid, words, 4, stalls(0, 0))
    counts = np.zeros((len(steps), *geometry.reach.shape, 4), int)

    async def sink(context):
        places = {str(reach_of(geometry, y, x)): (y, x) for y, x in np.ndindex(3, 2)}
        for step in range(len(steps)):
            mark = False
            while not mark:
                taken = []
                await receive(context, dut.groups, 1, pauses, taken)
                reach, events, mark = seen(taken[0])
                for lane, (row, _) in events.items():
                    # The geometry has a slot per lane and word, and two words per place.
                    counts[(step, *places[str(reach)], 2 * row + lane)] += 1

    pauses = stalls(3, full)
    Bench(dut).run(sink, background=[feed.run])
    right = pooled(pool, source, torch.as_tensor(steps)).numpy().reshape(len(steps), 3, 3, 2)
    np.testing.assert_array_equal(np.moveaxis(counts, 3, 1)[:, :3], right)


def test_room_at_first():
    dut = MapLink(geometry_of(CONVS[0]), depth=8, margin=3)

    async def check(context):
        for _ in range(5):
            assert context.get(dut.room)
            await context.tick()

    Bench(dut).run(check)


def test_wrong_arguments():
    geometry = geometry_of(CONVS[0])
    with pytest.raises(ValueError, match="depth must be 9 or more for a margin of 8, not 8"):
        MapLink(geometry, depth=8, margin=8)
    with pytest.raises(TypeError, match="geometry must be a ConvEvents, not 3"):
        MapLink(3, depth=8, margin=3)
