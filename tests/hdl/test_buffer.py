"""StreamBuffer against the list of what goes in."""

import pytest
from amaranth.lib import data

from bsnn_hw.hdl.buffer import StreamBuffer
from tests.hdl.benches import Bench, receive, send, stalls

LAYOUT = data.StructLayout({"number": 8, "last": 1})


def run(pause, full):
    """Numbers that come out, and the cycle of the last one."""
    dut, taken = StreamBuffer(LAYOUT), []
    bench = Bench(dut)
    payloads = [{"number": number, "last": number % 3 == 0} for number in range(100)]

    async def source(context):
        await send(context, dut.source, payloads, stalls(1, pause))

    async def sink(context):
        await receive(context, dut.words, 100, stalls(2, full), taken)

    bench.run(sink, background=[source])
    assert [word.last for word in taken] == [word["last"] for word in payloads]
    return [word.number for word in taken], bench.cycle


@pytest.mark.parametrize(("pause", "full"), [(0, 0), (.5, 0), (0, .5), (.4, .4), (.1, .9)])
def test_every_word_once(pause, full):
    numbers, cycles = run(pause, full)
    assert numbers == list(range(100))
    if not pause and not full:
        assert cycles == 101, "a word a cycle, and one through the buffer"


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


def test_wrong_layout():
    with pytest.raises(TypeError, match="layout must be a Layout, not 3"):
        StreamBuffer(3)
