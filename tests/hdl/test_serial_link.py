"""The serial link against its reference: whole frames, damaged ones, and what the board answers."""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.hdl.frames import FrameReceiver, FrameSender
from bsnn_hw.hdl.serial_link import SerialLink
from bsnn_hw.hdl.uart import UartReceiver, UartTransmitter, UartWire
from bsnn_hw.link.frames import END, ESCAPE, Decoder, Kind, LinkShape, encode
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, pass_by, receive, send, stalls

SHAPE = LinkShape(bytes(range(0xBA, 0xC2)), 70, 5)
ANSWERED = 50  # bytes' time, within which every answer has come


async def put_line(context, line, data, divisor):
    """Write bytes on a line, ``divisor`` cycles a bit."""
    for byte in data:
        for bit in (0, *((byte >> place & 1) for place in range(8)), 1):
            context.set(line, bit)
            await pass_by(context, divisor)


async def get_line(context, line, data, divisor):
    """Append what is on a line to ``data``, for ever."""
    while True:
        if context.get(line):
            await context.negedge(line)
        await pass_by(context, divisor + divisor // 2)
        byte = 0
        for place in range(8):
            byte |= context.get(line) << place
            await pass_by(context, divisor)
        assert context.get(line) == 1, "no stop bit"
        data.append(byte)


@for_each("divisor", [4, 5, 9])
def test_receiver_hears_bytes(divisor):
    dut, heard = UartReceiver(divisor), []
    sent = [0x00, 0xFF, 0x55, 0xC0, 0x80, 0x01]

    async def line(context):
        await context.tick().repeat(3)
        await put_line(context, dut.rx, sent, divisor)
        await context.tick().repeat(20)

    async def ear(context):
        while True:
            *_, valid, byte, broken = await context.tick().sample(dut.valid, dut.byte, dut.broken)
            assert not broken
            heard.extend([byte] if valid else [])

    Bench(dut).run(line, background=(ear,))
    assert heard == sent


def test_receiver_names_a_missing_stop_bit():
    dut, broken = UartReceiver(4), []

    async def line(context):
        await context.tick().repeat(3)
        context.set(dut.rx, 0)
        await context.tick().repeat(40)
        context.set(dut.rx, 1)
        await context.tick().repeat(40)

    async def ear(context):
        while True:
            *_, seen, valid = await context.tick().sample(dut.broken, dut.valid)
            assert not valid
            broken.append(seen)

    Bench(dut).run(line, background=(ear,))
    assert sum(broken) == 1


@for_each("divisor", [4, 7])
def test_transmitter_writes_bytes(divisor):
    dut, heard, sent = UartTransmitter(divisor), [], [0x00, 0xFF, 0x5A, 0xC0]

    async def source(context):
        await send(context, dut.bytes, sent, stalls(1, 0.2))
        await context.tick().repeat(12 * divisor)

    async def ear(context):
        await get_line(context, dut.tx, heard, divisor)

    Bench(dut).run(source, background=(ear,))
    assert heard == sent


@for_each("seed", range(3))
def test_sender_writes_frames(seed):
    rng = np.random.default_rng(seed)
    bodies = [bytes(rng.choice([END, ESCAPE, 0xDC, 0xDD, 1, 2], rng.integers(1, 12)).tolist())
              for _ in range(12)]
    dut, sent = FrameSender(), []
    payloads = [{"byte": byte, "last": place == len(body) - 1}
                for body in bodies for place, byte in enumerate(body)]
    count = sum(len(encode(body)) - 1 for body in bodies)

    async def source(context):
        await send(context, dut.body, payloads, stalls(seed, 0.3))

    async def sink(context):
        await receive(context, dut.bytes, count, stalls(seed + 9, 0.3), sent)

    Bench(dut).run(source, sink)
    assert list(Decoder().feed(bytes(sent))) == bodies


def damaged(rng, data, chance):
    """Bytes lost, turned over or doubled."""
    for byte in data:
        fault = rng.choice(["", "lost", "turned", "doubled"],
                           p=[1 - chance, chance / 3, chance / 3, chance / 3])
        if fault != "lost":
            yield byte ^ (1 << int(rng.integers(8)) if fault == "turned" else 0)
        if fault == "doubled":
            yield byte


@quick(1, wide=1)
@for_each("seed", range(4))
def test_receiver_takes_and_refuses_frames_as_the_reference_does(seed):
    rng = np.random.default_rng(seed)
    longest, dut = 8, FrameReceiver(longest=8)
    bodies = [rng.choice([END, ESCAPE, 7, 0xDC], rng.integers(1, 11)).tolist() for _ in range(60)]
    stream = b"".join(encode(bytes(body)) for body in bodies)
    stream = bytes(damaged(rng, stream, 0.05)) + bytes([END])
    reference, body, found, bad = Decoder(), bytearray(), [], []
    wanted = [frame for frame in reference.feed(stream) if len(frame) <= longest]

    async def source(context):
        for byte in stream:
            context.set(dut.byte, byte)
            context.set(dut.valid, 1)
            await context.tick()
            context.set(dut.valid, 0)
            await context.tick().repeat(3)

    async def watch(context):
        while True:
            *_, write, data, good, wrong, length = await context.tick().sample(
                dut.write, dut.data, dut.good, dut.bad, dut.length)
            body.extend([data] if write else [])
            bad.append(wrong)
            if good:
                found.append(bytes(body[:length]))
            if good or wrong:
                body.clear()

    Bench(dut).run(source, background=(watch,))
    assert found == wanted
    assert sum(bad) >= reference.bad  # frames that are too long too


class Board:
    """A link whose network answers with the sum of the sample's bytes."""

    def __init__(self, divisor=4, shape=SHAPE):
        self.dut, self.divisor = SerialLink(shape, UartWire(divisor)), divisor
        self.anew = []  # of each sample, where the network keeps a state
        self.heard, self.samples, self.decoder = bytearray(), [], Decoder()

    def result(self, sample):
        return (sum(sample) * 0x01C0DB).to_bytes(8, "little")[:SHAPE.result]

    async def network(self, context):
        dut, sample = self.dut, bytearray()
        while True:
            context.set(dut.sample.ready, 1)
            if not context.get(dut.sample.valid):
                await context.posedge(dut.sample.valid)
            _, _, valid, payload = await context.tick().sample(dut.sample.valid,
                                                               dut.sample.payload)
            if valid:
                sample.append(payload.byte)
            if valid and payload.last:
                context.set(dut.sample.ready, 0)
                if hasattr(dut, "anew"):
                    self.anew.append(context.get(dut.anew))
                self.samples.append(bytes(sample))
                answer = self.result(sample)
                sample.clear()
                await send(context, dut.result, [
                    {"byte": byte, "last": place == SHAPE.result - 1}
                    for place, byte in enumerate(answer)], stalls(1, 0.5))

    def run(self, *stages):
        """Write each stage's bytes on the line; frames that come back, by stage."""
        answers = []

        async def host(context):
            await context.tick().repeat(4)
            for data in stages:
                await put_line(context, self.dut.rx, data, self.divisor)
                await pass_by(context, ANSWERED * 10 * self.divisor)
                answers.append(list(self.decoder.feed(bytes(self.heard))))
                self.heard.clear()

        async def ear(context):
            await get_line(context, self.dut.tx, self.heard, self.divisor)

        Bench(self.dut, deadline=400_000).run(host, background=(ear, self.network))
        return answers


def blocks(sample, number):
    """The DATA frames of a sample."""
    padded = sample.ljust(SHAPE.blocks * SHAPE.block, b"\0")
    return [encode(bytes([Kind.DATA, number]), place.to_bytes(2, "little"),
                   padded[place * SHAPE.block:(place + 1) * SHAPE.block])
            for place in range(SHAPE.blocks)]


def go(number):
    return encode(bytes([Kind.GO, number]))


def test_hello_says_what_the_board_is():
    (answer,), = Board().run(encode(bytes([Kind.HELLO, 0])))
    assert answer[:2] == bytes([Kind.HELLO, 0])
    assert LinkShape.of_hello(answer[4:]) == SHAPE


@pytest.mark.wide
def test_samples_become_results():
    board, rng = Board(), np.random.default_rng(0)
    samples = [rng.integers(0, 256, SHAPE.sample, dtype=np.uint8).tobytes() for _ in range(3)]
    answers = board.run(*(b"".join([*blocks(sample, number), go(number)])
                          for number, sample in enumerate(samples)))
    assert board.samples == samples
    assert answers == [[bytes([Kind.RESULT, number, 0, 0]) + board.result(sample)]
                       for number, sample in enumerate(samples)]


@pytest.mark.wide
def test_a_missing_block_is_named_and_taken_later():
    board, sample = Board(), bytes(range(100, 170))
    first, second, third = blocks(sample, 7)
    answers = board.run(first + second[:9] + second[10:] + third + go(7), second + go(7), go(7))
    assert answers[0] == [bytes([Kind.MISSING, 7, 1, 0, 0b101])]
    # Asked again, it answers again.
    assert answers[1] == answers[2] == [bytes([Kind.RESULT, 7, 1, 0]) + board.result(sample)]


@pytest.mark.wide
def test_a_sample_is_never_mixed_with_another():
    board = Board()
    one, other = blocks(bytes(70), 1), blocks(bytes([255] * 70), 2)
    answers = board.run(one[0] + one[1] + other[2] + go(2), one[0] + go(1))
    assert answers == [[bytes([Kind.MISSING, 2, 0, 0, 0b100])],
                       [bytes([Kind.MISSING, 1, 0, 0, 0b001])]]
    assert board.samples == []


@pytest.mark.wide
def test_of_a_network_that_keeps_its_state_each_sample_is_computed_once():
    board = Board(shape=replace(SHAPE, stateful=True))
    one, other = blocks(bytes(range(70)), 1), blocks(bytes([9] * 70), 2)
    start = encode(bytes([Kind.START, 1]))
    answers = board.run(b"".join(one) + start, start, b"".join(other) + go(2) + go(2), go(2))
    first, second = (bytes([Kind.RESULT, number, 0, 0]) + board.result(sample)
                     for number, sample in ((1, range(70)), (2, [9] * 70)))
    assert answers == [[first], [first], [second, second], [second]]
    assert (len(board.samples), board.anew) == (2, [1, 0])


@pytest.mark.slow
def test_a_later_host_s_sample_is_computed_although_it_has_an_earlier_one_s_number():
    board = Board(shape=replace(SHAPE, stateful=True))
    one, other = blocks(bytes(70), 1), blocks(bytes([255] * 70), 1)
    answers = board.run(b"".join(one) + go(1), encode(bytes([Kind.HELLO, 0])) + go(1),
                        b"".join(other) + encode(bytes([Kind.START, 1])))
    assert answers[1][-1] == bytes([Kind.MISSING, 1, 0, 0, 0])
    assert answers[2] == [bytes([Kind.RESULT, 1, 0, 0]) + board.result([255] * 70)]
    assert board.anew == [0, 1]


@pytest.mark.slow
def test_a_later_host_s_sample_is_not_mixed_with_an_earlier_one_s():
    board = Board()
    one, other = blocks(bytes(70), 1), blocks(bytes([255] * 70), 1)
    answers = board.run(b"".join(one) + go(1),
                        encode(bytes([Kind.HELLO, 0])) + other[0] + other[2] + go(1),
                        other[1] + go(1))
    assert answers[1][-1] == bytes([Kind.MISSING, 1, 0, 0, 0b101])
    assert answers[2] == [bytes([Kind.RESULT, 1, 0, 0]) + board.result([255] * 70)]


@quick(0, wide=1)
@for_each("wrong", [
    encode(b"D\x00\x03\x00", bytes(32)), encode(b"D\x00\x00\x00", bytes(31)), encode(b"?\x00"),
    encode(b""), bytes([END, END, END]), bytes(range(256)) + bytes([END])])
def test_strange_frames_change_nothing(wrong):
    board = Board()
    answers = board.run(wrong + b"".join(blocks(bytes(range(70)), 3)) + go(3))
    assert answers[0][-1][4:] == board.result(range(70))


@for_each("divisor", [5, 8])
def test_a_bit_is_looked_at_in_its_middle(divisor):
    """What is low for half a bit is a spike, and with a cycle more a start bit."""
    for low, bytes_heard in ((divisor // 2, 0), (divisor // 2 + 1, 1)):
        dut, heard = UartReceiver(divisor), []

        async def line(context, dut=dut, low=low):
            await context.tick().repeat(3)
            context.set(dut.rx, 0)
            await pass_by(context, low)
            context.set(dut.rx, 1)
            await pass_by(context, 12 * divisor)

        async def ear(context, dut=dut, heard=heard):
            while True:
                *_, valid, byte = await context.tick().sample(dut.valid, dut.byte)
                heard.extend([byte] if valid else [])

        Bench(dut).run(line, background=(ear,))
        assert heard == [0xFF] * bytes_heard
