"""SpikeLink against the events of ``LayerGeometry.lane_row``, whatever stalls it."""

import numpy as np
import pytest

from bsnn_hw.hdl.link import SpikeLink
from bsnn_hw.ir.schedule import LayerGeometry
from tests.hdl.benches import Bench, receive, stalls
from tests.hdl.test_encoder import SHAPES, lane_events, readable


def spike_words(geometry, timesteps):
    """Every word of the timesteps, silent ones too."""
    padded = np.zeros((len(timesteps), geometry.words * geometry.source_width), bool)
    padded[:, : geometry.inputs] = timesteps
    for row in padded.reshape(len(timesteps), geometry.words, geometry.source_width):
        for fold, word in enumerate(row):
            yield {"spikes": sum(int(bit) << i for i, bit in enumerate(word)), "fold": fold,
                   "last": fold == geometry.words - 1}


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


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("pause", "full", "delay", "spare"), [
    (0, 0, 6, 9), (.5, 0, 2, 1), (0, .7, 2, 1), (0, .7, 6, 9), (.3, .5, 1, 2)])
def test_nothing_is_lost(shape, pause, full, delay, spare):
    source_width, lanes, words, folds = shape
    geometry = LayerGeometry(source_width * words - (words > 1), source_width, folds, lanes, 1)
    rng = np.random.default_rng(sum(shape) + delay)
    timesteps = rng.random((16, geometry.inputs)) < np.array([1, 1, .5, .1] * 4)[:, None]
    margin = delay + 1
    dut = SpikeLink(geometry, depth=margin + spare, margin=margin)
    source = Source(dut, spike_words(geometry, timesteps), delay, stalls(1, pause))
    taken = [[] for _ in range(lanes)]
    expected = [[event for spikes in timesteps for event in lane_events(geometry, lane, spikes)]
                for lane in range(lanes)]

    def sink(lane):
        async def process(context):
            # Lanes drain at speeds of their own: the slow ones hold the others up.
            pauses = stalls(lane, full * (lane + 1) / lanes)
            await receive(context, dut.heads[lane], len(expected[lane]), pauses, taken[lane])
        return process

    Bench(dut).run(*map(sink, range(lanes)), background=[source.run])
    for lane in range(lanes):
        assert list(map(readable, taken[lane])) == expected[lane], f"lane {lane}"


@pytest.mark.parametrize("delay", [1, 2, 5])
@pytest.mark.parametrize("spare", [3, 4, 7])
def test_the_margin_is_exact(delay, spare):
    """A link that nobody reads takes words until its queue is full, to the last entry."""
    geometry = LayerGeometry(1, 1, 1, 1, 1)
    depth = delay + 1 + spare
    dut = SpikeLink(geometry, depth=depth, margin=delay + 1)
    source = Source(dut, [{"spikes": 1, "fold": 0, "last": 1}] * 99, delay, stalls(0, 0))
    taken = []

    async def sink(context):
        await context.tick().repeat(99)
        held = source.given
        assert held == depth + 2, "the queue, and the encoder's word and event"
        await receive(context, dut.heads[0], 99, stalls(0, 0), taken)

    Bench(dut).run(sink, background=[source.run])
    assert {readable(event) for event in taken} == {(0, 1, 1)}


def test_room_at_first():
    dut = SpikeLink(LayerGeometry(4, 2, 1, 2, 1), depth=8, margin=3)
    bench = Bench(dut)

    async def check(context):
        for _ in range(5):
            assert context.get(dut.room)
            await context.tick()

    bench.run(check)


@pytest.mark.parametrize(("depth", "margin", "message"), [
    (8, 8, "depth must be 9 or more for a margin of 8, not 8"),
    (2, 1, "depth must be 3 or more for a margin of 1, not 2"),
    (0, 1, "depth must be an integer of 1 or more, not 0"),
    (4, 0, "margin must be an integer of 1 or more, not 0"),
])
def test_wrong_arguments(depth, margin, message):
    with pytest.raises(ValueError, match=message):
        SpikeLink(LayerGeometry(4, 2, 1, 2, 1), depth=depth, margin=margin)


def test_wrong_geometry():
    with pytest.raises(TypeError, match="geometry must be a LayerGeometry, not 3"):
        SpikeLink(3, depth=8, margin=3)
