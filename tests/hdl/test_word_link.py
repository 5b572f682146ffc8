"""WordLink, RowGather and RowParts against ``DenseWords.lane_row``, whatever stalls them."""

import numpy as np
import pytest

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.row_gather import RowGather
from bsnn_hw.hdl.row_parts import RowParts
from bsnn_hw.hdl.word_link import WordLink
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, stalls
from tests.hdl.test_link import Source, spike_words

# source width, lanes, rows of a timestep
SHAPES = [(1, 1, 1), (1, 1, 3), (4, 4, 2), (5, 2, 3), (20, 3, 2), (3, 6, 4), (3, 6, 5), (2, 8, 4),
          (4, 12, 1), (1, 3, 7)]


def geometry_of(shape):
    width, lanes, rows = shape
    return DenseWords.flat(width * rows - (rows > 1 and width > 1), width, 1, lanes, 1)


def expected_words(geometry, timesteps):
    """(word, spikes, mark) of what must come: no silent word but with the mark of a timestep."""
    lane, row = geometry.lane_row(np.arange(geometry.inputs))
    for spikes in timesteps:
        words = {}
        for index in np.flatnonzero(spikes):
            words[row[index]] = words.get(row[index], 0) | 1 << int(lane[index])
        given = sorted(words.items())
        # The mark is on the last word only if that is in the timestep's last row.
        last = geometry.rows - (1 << geometry.part_bits)
        with_mark = bool(given) and given[-1][0] >= last
        for number, (word, bits) in enumerate(given):
            yield int(word), bits, with_mark and number == len(given) - 1
        if not with_mark:
            yield None, 0, True


def read(payload):
    """A group as ``expected_words`` has it."""
    bits = sum(int(value) << lane for lane, value in enumerate(payload.values))
    assert payload.charge == bool(bits), "charge must say whether there is a spike"
    return (payload.rows[0] if bits else None), bits, bool(payload.mark)


@quick(3, wide=17)
@for_each("shape", SHAPES)
@for_each("pause, full, delay, spare", [
    (0, 0, 6, 9), (.5, 0, 2, 1), (0, .7, 2, 1), (.3, .5, 1, 3)])
@for_each("pipelined", [False, True])
def test_nothing_is_lost(shape, pause, full, delay, spare, pipelined):
    geometry = geometry_of(shape)
    rng = np.random.default_rng(sum(shape) + delay)
    share = np.array([1, 1, .5, .1, 0] * 2)[:, None]
    timesteps = rng.random((10, geometry.inputs)) < share
    wanted = list(expected_words(geometry, timesteps))
    margin = delay + 1
    dut = WordLink(geometry, depth=max(3, geometry.arrivals(margin) + spare), margin=margin,
                   pipelined=pipelined)
    source = Source(dut, spike_words(geometry_source(geometry), timesteps), delay,
                    stalls(1, pause))
    taken = []

    async def sink(context):
        await receive(context, dut.groups, len(wanted), stalls(2, full), taken)
        await context.tick().repeat(20)
        assert not context.get(dut.groups.valid), "a word too many"

    Bench(dut).run(sink, background=[source.run])
    assert [read(payload) for payload in taken] == wanted


def geometry_source(geometry):
    """What `spike_words` looks at."""
    class Words:
        words, source_width, inputs = (geometry.source.rows, geometry.source_width,
                                       geometry.inputs)
    return Words


@for_each("shape", [(4, 4, 2), (5, 2, 3), (3, 6, 4)])
def test_a_word_every_cycle(shape):
    """Saturated inputs: nothing is lost between words, nor between rows that are cut."""
    geometry = geometry_of(shape)
    timesteps = np.ones((12, geometry.inputs), bool)
    dut = WordLink(geometry, depth=64, margin=3)
    source = Source(dut, spike_words(geometry_source(geometry), timesteps), 1, stalls(0, 0))
    words = 12 * -(-geometry.inputs // geometry.lanes)
    held = []

    async def sink(context):
        await context.tick().repeat(60)  # all rows are in the queue
        for _ in range(words):
            held.append(context.get(dut.groups.valid))
            context.set(dut.groups.ready, 1)
            await context.tick()

    Bench(dut).run(sink, background=[source.run])
    assert all(held)


@quick(2, wide=None)
@for_each("shape", [(1, 1, 1), (4, 4, 1), (3, 6, 4), (3, 6, 3)])
@for_each("delay", [1, 4])
@for_each("spare", [3, 6])
def test_the_margin_is_exact(shape, delay, spare):
    """A link that nobody reads never takes more than its queue holds, and nearly that."""
    geometry = geometry_of(shape)
    margin = geometry.arrivals(delay + 1)
    depth = margin + spare
    dut = WordLink(geometry, depth=depth, margin=delay + 1)
    timesteps = np.ones((40, geometry.inputs), bool)
    source = Source(dut, spike_words(geometry_source(geometry), timesteps), delay, stalls(0, 0))
    wanted = list(expected_words(geometry, timesteps))
    taken = []

    async def sink(context):
        await context.tick().repeat(200)
        if geometry.gathered == 1:
            assert source.given == depth + 1  # the queue's register
        await receive(context, dut.groups, len(wanted), stalls(0, 0), taken)

    Bench(dut).run(sink, background=[source.run])
    assert [read(payload) for payload in taken] == wanted


def test_wrong_arguments():
    geometry = DenseWords.flat(8, 4, 1, 4, 1)
    with pytest.raises(TypeError, match="geometry must be a DenseWords, not 3"):
        WordLink(3, depth=8, margin=3)
    with pytest.raises(ValueError, match="depth must be 9 or more for a margin of 8, not 8"):
        WordLink(geometry, depth=8, margin=8)
    with pytest.raises(ValueError, match="margin must be an integer of 1 or more, not 0"):
        WordLink(geometry, depth=8, margin=0)
    with pytest.raises(ValueError, match="width must be an integer of 1 or more, not 0"):
        RowGather(width=0, rows=4, gathered=2, words=2)
    with pytest.raises(ValueError, match="gathered must be 2 rows or more, not 1"):
        RowGather(width=2, rows=4, gathered=1, words=4)
    with pytest.raises(TypeError, match="geometry must be a DenseWords, not 3"):
        RowParts(3)
    with pytest.raises(ValueError, match="geometry must have rows of 2 parts or more, not 1"):
        RowParts(geometry)
