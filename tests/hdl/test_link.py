"""SpikeLink against the events of ``DenseEvents.lane_row``, whatever stalls it."""

import numpy as np
import pytest

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.link import SpikeLink
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.groups import receive_groups
from tests.hdl.test_encoder import SHAPES

BUFFERED = (20, 1, 2, 3)  # a word wider than what an encoder takes without a buffer


def spike_words(geometry, timesteps):
    """Every word of the timesteps, silent ones too."""
    padded = np.zeros((len(timesteps), geometry.words * geometry.source_width), bool)
    padded[:, : geometry.inputs] = timesteps
    for words in padded.reshape(len(timesteps), geometry.words, geometry.source_width):
        for row, word in enumerate(words):
            yield {"spikes": sum(int(bit) << i for i, bit in enumerate(word)), "row": row,
                   "last": row == geometry.words - 1}


class Source:
    """A pipeline of ``delay`` stages that starts a word where there is room, and never stalls."""

    def __init__(self, dut, words, delay, pauses):
        self.dut, self.words, self.delay, self.pauses = dut, list(words), delay, pauses
        self.given = 0

    async def run(self, context):
        pipeline, left = [None] * self.delay, iter(self.words)
        while True:
            start = context.get(self.dut.room) and not next(self.pauses)
            word = next(left, None) if start else None
            pipeline.append(word)
            word = pipeline.pop(0)
            context.set(self.dut.words_valid, word is not None)
            self.given += word is not None
            if word is not None:
                context.set(self.dut.words, word)
            await context.tick()


def check_groups(geometry, timesteps, groups):
    """Each timestep's groups hold exactly its spikes, lane by lane in the order of their inputs."""
    left = iter(groups)
    turn = 0
    for number, spikes in enumerate(timesteps):
        bank, row = geometry.lane_row(np.flatnonzero(spikes))
        if geometry.shared:
            lane = (turn + np.arange(len(row))) % geometry.lanes
            turn += len(row)
        else:
            lane = bank
        rows, mark = [[] for _ in range(geometry.lanes)], False
        while not mark:
            events, mark = next(left)
            for index, (given, value) in events.items():
                assert value == 1
                rows[index].append(given)
        right = [row[lane == index].tolist() for index in range(geometry.lanes)]
        assert rows == right, f"timestep {number}"
    assert next(left, None) is None


@quick(2, wide=9)
@for_each("shape, shared", [
    (shape, shared) for shape in [*SHAPES, BUFFERED]
    for shared in (False, True)[:shape[1]]])
@for_each("pause, full, delay, spare", [
    (0, 0, 6, 9), (.5, 0, 2, 1), (0, .7, 2, 1), (.3, .5, 1, 2)])
@for_each("pipelined", [False, True])
def test_nothing_is_lost(shape, shared, pause, full, delay, spare, pipelined):
    source_width, lanes, words, folds = shape
    geometry = DenseEvents.flat(source_width * words - (words > 1), source_width, folds, lanes, 1,
                             shared)
    rng = np.random.default_rng(sum(shape) + delay)
    timesteps = rng.random((8, geometry.inputs)) < np.array([1, 1, .5, .1] * 2)[:, None]
    margin = delay + 1
    dut = SpikeLink(geometry, depth=margin + spare, margin=margin, pipelined=pipelined)
    source = Source(dut, spike_words(geometry, timesteps), delay, stalls(1, pause))
    taken = []

    async def sink(context):
        await receive_groups(context, dut.groups, len(timesteps), stalls(2, full), taken)

    Bench(dut).run(sink, background=[source.run])
    check_groups(geometry, timesteps, taken)


@quick(4, wide=3)
@for_each("delay", [1, 2, 5])
@for_each("spare", [3, 4, 7])
@for_each("shared", [False, True])
def test_the_margin_is_exact(delay, spare, shared):
    """A link that nobody reads takes words until its queue is full, to the last entry."""
    geometry = DenseEvents.flat(1, 1, 1, 1, 1, shared)
    depth = delay + 1 + spare
    dut = SpikeLink(geometry, depth=depth, margin=delay + 1)
    source = Source(dut, [{"spikes": 1, "row": 0, "last": 1}] * 99, delay, stalls(0, 0))
    taken = []

    async def sink(context):
        await context.tick().repeat(99)
        held = source.given
        behind = 3 + shared  # the queue's register, the encoder's word and event, the collector
        assert held == depth + behind
        await receive_groups(context, dut.groups, 99, stalls(0, 0), taken)

    Bench(dut).run(sink, background=[source.run])
    assert taken == [({0: (0, 1)}, True)] * 99


def test_room_at_first():
    dut = SpikeLink(DenseEvents.flat(4, 2, 1, 2, 1), depth=8, margin=3)
    bench = Bench(dut)

    async def check(context):
        for _ in range(5):
            assert context.get(dut.room)
            await context.tick()

    bench.run(check)


@for_each("depth, margin, message", [
    (8, 8, "depth must be 9 or more for a margin of 8, not 8"),
    (2, 1, "depth must be 3 or more for a margin of 1, not 2"),
    (0, 1, "depth must be an integer of 1 or more, not 0"),
    (4, 0, "margin must be an integer of 1 or more, not 0"),
])
def test_wrong_arguments(depth, margin, message):
    with pytest.raises(ValueError, match=message):
        SpikeLink(DenseEvents.flat(4, 2, 1, 2, 1), depth=depth, margin=margin)


def test_wrong_geometry():
    with pytest.raises(TypeError, match="geometry must be a DenseEvents, not 3"):
        SpikeLink(3, depth=8, margin=3)
