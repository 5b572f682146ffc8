"""StreamBuffer, StreamRegister and RegisterPair against the list of what goes in."""

import pytest
from amaranth.lib import data

from bsnn_hw.hdl.buffer import RegisterPair, StreamBuffer, StreamRegister
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls

LAYOUT = data.StructLayout({"number": 8, "last": 1})


def run(kind, pause, full):
    """Numbers that come out, and the cycle of the last one."""
    dut, taken = kind(LAYOUT), []
    bench = Bench(dut)
    payloads = [{"number": number, "last": number % 3 == 0} for number in range(100)]

    async def source(context):
        await send(context, dut.source, payloads, stalls(1, pause))

    async def sink(context):
        await receive(context, dut.words, 100, stalls(2, full), taken)

    bench.run(sink, background=[source])
    assert [word.last for word in taken] == [word["last"] for word in payloads]
    return [word.number for word in taken], bench.cycle


@quick(4, wide=None)
@for_each("pause, full", [(0, 0), (.5, 0), (0, .5), (.4, .4), (.1, .9)])
@for_each("kind, each, delay", [
    (StreamBuffer, 1, 1), (StreamRegister, 2, 1), (RegisterPair, 2, 2)])
def test_every_word_once(kind, each, delay, pause, full):
    numbers, cycles = run(kind, pause, full)
    assert numbers == list(range(100))
    if not pause and not full:
        assert cycles == 99 * each + 1 + delay, "a word every `each` cycles, and `delay` through"


def test_two_words_wait():
    dut = StreamBuffer(LAYOUT)

    async def check(context):
        context.set(dut.source.valid, 1)
        for ready in (1, 1, 0, 0):
            assert context.get(dut.source.ready) == ready
            await context.tick()
        # `ready` answers a cycle later, and the words keep their order.
        context.set(dut.words.ready, 1)
        assert not context.get(dut.source.ready)
        await context.tick()
        assert context.get(dut.source.ready)

    Bench(dut).run(check)


def test_ready_is_a_register():
    dut = StreamRegister(LAYOUT)

    async def check(context):
        context.set(dut.source.valid, 1)
        await context.tick()
        for ready in (0, 1, 0):
            context.set(dut.words.ready, ready)
            assert not context.get(dut.source.ready)
        context.set(dut.words.ready, 1)
        await context.tick()
        assert context.get(dut.source.ready)

    Bench(dut).run(check)


def test_a_pair_holds_two():
    dut = RegisterPair(LAYOUT)

    async def check(context):
        context.set(dut.source.valid, 1)
        for ready in (1, 0, 1, 0, 0):
            assert context.get(dut.source.ready) == ready
            await context.tick()
        # One leaves, the other follows at once, and then there is a place.
        context.set(dut.words.ready, 1)
        await context.tick()
        assert context.get(dut.words.valid) and context.get(dut.source.ready)

    Bench(dut).run(check)


@for_each("kind", [StreamBuffer, StreamRegister, RegisterPair])
def test_wrong_layout(kind):
    with pytest.raises(TypeError, match="layout must be a Layout, not 3"):
        kind(3)
