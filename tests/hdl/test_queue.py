"""WordQueue against a list: order kept, nothing lost, nothing over its edge."""

import pytest
from amaranth import Signal
from amaranth.lib import data

from bsnn_hw.hdl.queue import WordQueue, require_depth
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, stalls

LAYOUT = data.StructLayout({"number": 8, "last": 1})


def run(depth, margin, *, pause=0.0, full=0.0, late=0, count=120,
        pipelined=False):
    """A writer who starts words only with room, which arrive ``margin - 1`` cycles later; the
    reader wakes after ``late`` cycles.  Returns what was read, the most that was inside, and
    the cycles."""
    dut = WordQueue(LAYOUT, depth=depth, margin=margin, pipelined=pipelined)
    bench, taken, inside = Bench(dut), [], [0]
    pauses, room = stalls(1, pause), Signal(init=1)

    async def source(context):
        pipeline, started, written = [None] * (margin - 1), 0, 0
        while True:
            # As in a layer, the room is in a register when it is looked at.
            start = started < count and not next(pauses) and context.get(room)
            pipeline.append(started if start else None)
            started += start
            number = pipeline.pop(0)
            context.set(dut.write, number is not None)
            context.set(dut.word, {"number": 99 if number is None else number, "last": 0})
            written += number is not None
            inside[0] = max(inside[0], written - len(taken))
            *_, now = await context.tick().sample(dut.room)
            context.set(room, now)

    async def sink(context):
        await context.tick().repeat(late + 1)
        await receive(context, dut.words, count, stalls(2, full), taken)

    bench.run(sink, background=[source])
    return [word.number for word in taken], inside[0], bench.cycle


@quick(2, wide=9)
@for_each("depth, margin", [(3, 1), (3, 2), (4, 3), (9, 3), (17, 12)])
@for_each("pause, full, late", [(0, 0, 0), (.5, .2, 0), (0, .6, 0),
                                                     (0, 0, 60), (.2, .5, 40)])
@for_each("pipelined", [False, True])
def test_words_in_order(depth, margin, pause, full, late, pipelined):
    given, inside, _ = run(depth, margin, pause=pause, full=full, late=late, pipelined=pipelined)
    assert given == list(range(120))
    assert inside <= depth + 1 + pipelined, "the queue, and the words in its registers"


@for_each("depth, margin", [(4, 1), (6, 3), (9, 3), (17, 12)])
def test_the_margin_is_exact(depth, margin):
    """Unread, it fills to the last entry, and the word that the reader sees is beyond it."""
    given, inside, _ = run(depth, margin, late=60)
    assert inside == depth + 1
    assert given == list(range(120))


@for_each("depth", [4, 17])
@for_each("pipelined", [False, True])
def test_a_word_a_cycle(depth, pipelined):
    """Three cycles from a word to its reader, or four, and none lost."""
    assert run(depth, 1, pipelined=pipelined)[2] == 120 + 3 + pipelined


def test_room_is_of_the_same_cycle():
    dut = WordQueue(LAYOUT, depth=5, margin=2)

    async def check(context):
        context.set(dut.write, 1)
        levels = []
        for _ in range(6):
            levels.append(context.get(dut.room))
            context.set(dut.write, levels[-1])
            await context.tick()
        return levels

    async def bench(context):
        # One word goes on to the reader's register, so that four are taken, not three.
        assert await check(context) == [1, 1, 1, 1, 0, 0]

    Bench(dut).run(bench)


@for_each("depth, margin, message", [
    (8, 8, "depth must be 9 or more for a margin of 8, not 8"),
    (2, 1, "depth must be 3 or more for a margin of 1, not 2"),
    (0, 1, "depth must be an integer of 1 or more, not 0"),
    (4, 0, "margin must be an integer of 1 or more, not 0"),
])
def test_wrong_arguments(depth, margin, message):
    with pytest.raises(ValueError, match=message):
        require_depth(depth, margin)
    with pytest.raises(ValueError, match=message):
        WordQueue(LAYOUT, depth=depth, margin=margin)


def test_wrong_layout():
    with pytest.raises(TypeError, match="layout must be a Layout, not 8"):
        WordQueue(8, depth=4, margin=1)
