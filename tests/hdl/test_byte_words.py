"""Words of bytes with tkeep: to bytes and back, whatever is kept, whoever waits."""

import numpy as np

from bsnn_hw.hdl.byte_words import BYTES, BytePacker, ByteUnpacker
from tests.for_each import for_each
from tests.hdl.benches import Bench, receive, send, stalls


def words_of(packet, rng, sparse):
    """Words of a packet, with gaps if ``sparse``; the last may hold nothing."""
    words, left = [], list(packet)
    while left or not words:
        data, keep = [], 0
        for place in range(BYTES):
            kept = bool(left) and not (sparse and rng.integers(2))
            data.append(left.pop(0) if kept else int(rng.integers(256)))
            keep |= kept << place
        words.append({"bytes": data, "keep": keep, "last": 0})
    if sparse and rng.integers(2):
        words.append({"bytes": [0] * BYTES, "keep": 0, "last": 0})
    words[-1]["last"] = 1
    return words


def packets_of(rng):
    return [rng.integers(0, 256, rng.integers(1, 11)).tolist() for _ in range(20)]


@for_each("seed", range(4))
def test_unpacker(seed):
    rng, dut, found = np.random.default_rng(seed), ByteUnpacker(), []
    packets = [*packets_of(rng), []]
    words = [word for packet in packets for word in words_of(packet, rng, seed % 2)]
    wanted = [{"byte": byte, "last": int(place == len(packet) - 1)}
              for packet in [each or [0] for each in packets] for place, byte in enumerate(packet)]

    async def source(context):
        await send(context, dut.words, words, stalls(seed, 0.3))

    async def sink(context):
        await receive(context, dut.bytes, len(wanted), stalls(seed + 9, 0.3), found)

    Bench(dut).run(source, sink)
    assert [{"byte": each.byte, "last": each.last} for each in found] == wanted


@for_each("seed", range(4))
def test_packer(seed):
    rng, dut, found = np.random.default_rng(seed), BytePacker(), []
    packets = packets_of(rng)
    given = [{"byte": byte, "last": place == len(packet) - 1}
             for packet in packets for place, byte in enumerate(packet)]
    count = sum(-(-len(packet) // BYTES) for packet in packets)

    async def source(context):
        await send(context, dut.bytes, given, stalls(seed, 0.3))

    async def sink(context):
        await receive(context, dut.words, count, stalls(seed + 9, 0.3), found)

    Bench(dut).run(source, sink)
    rebuilt, packet = [], []
    for word in found:
        size = word.keep.bit_count()
        assert word.keep == (1 << size) - 1 and (size == BYTES or word.last)
        packet += [word.bytes[place] for place in range(size)]
        if word.last:
            rebuilt.append(packet)
            packet = []
    assert rebuilt == packets


def test_a_byte_a_cycle():
    dut, found = ByteUnpacker(), []
    words = [{"bytes": [1, 2, 3, 4], "keep": 15, "last": number == 9} for number in range(10)]
    bench = Bench(dut)

    async def source(context):
        await send(context, dut.words, words, stalls(0, 0))

    async def sink(context):
        await receive(context, dut.bytes, 40, stalls(0, 0), found)

    bench.run(source, sink)
    assert bench.cycle <= 45
