"""The SPI wire: mode 0, the fastest SCK, bytes that are cut off, frames without gaps."""

import numpy as np
import pytest

from bsnn_hw.hdl.serial_link import SerialLink
from bsnn_hw.hdl.spi import SpiWire
from bsnn_hw.link.bridge import SPI_CYCLES
from bsnn_hw.link.frames import END, Decoder, Kind, LinkShape, encode
from tests.for_each import for_each
from tests.hdl.benches import Bench, pass_by, send, stalls
from tests.hdl.test_serial_link import SHAPE, Board, blocks, go

HALF = SPI_CYCLES // 2


class Controller:
    """A microcontroller: CS, and bits as fast as they may be, or slower."""

    def __init__(self, dut, half=HALF):
        self.dut, self.half = dut, half

    async def exchange(self, context, data, bits=8):
        """Bytes both ways under one CS; of the last, ``bits`` only."""
        dut, heard = self.dut, bytearray()
        context.set(dut.cs_n, 0)
        await pass_by(context, self.half)
        for place, byte in enumerate(data):
            found = 0
            for bit in range(8 if place < len(data) - 1 else bits):
                context.set(dut.mosi, byte >> (7 - bit) & 1)
                await pass_by(context, self.half)
                found = found << 1 | context.get(dut.miso)
                context.set(dut.sck, 1)
                await pass_by(context, self.half)
                context.set(dut.sck, 0)
            heard.append(found)
        await pass_by(context, self.half)
        context.set(dut.cs_n, 1)
        await pass_by(context, self.half)
        return bytes(heard)


@for_each("half", [HALF, HALF + 1, 13])
def test_bytes_both_ways(half):
    dut = SpiWire()
    controller, sent, heard, found = Controller(dut, half), [0x00, 0xFF, 0x5A, 0x81], [], b""

    async def host(context):
        nonlocal found
        await context.tick().repeat(9)
        for size in (1, 3, 2, 4):  # frames of CS cut the bytes as they like
            found += await controller.exchange(context, bytes(range(0x31, 0x31 + size)))

    async def source(context):
        await send(context, dut.bytes, sent, stalls(1, 0.2))

    async def ear(context):
        while True:
            *_, valid, byte, broken = await context.tick().sample(dut.valid, dut.byte, dut.broken)
            assert not broken
            heard.extend([byte] if valid else [])

    Bench(dut).run(host, source, background=(ear,))
    assert heard == [*range(0x31, 0x32), *range(0x31, 0x34), *range(0x31, 0x33),
                     *range(0x31, 0x35)]
    assert [byte for byte in found if byte != END] == sent


def test_a_byte_that_is_cut_off_is_broken():
    dut, seen = SpiWire(), []

    async def host(context):
        await Controller(dut).exchange(context, b"\x55\x55", bits=3)
        await Controller(dut).exchange(context, b"\x77")

    async def ear(context):
        while True:
            *_, valid, byte, broken = await context.tick().sample(dut.valid, dut.byte, dut.broken)
            seen.extend([byte] if valid else [None] if broken else [])

    Bench(dut).run(host, background=(ear,))
    assert seen == [0x55, None, 0x77]


def test_nothing_is_left_of_a_byte_that_was_cut_off_on_its_way_out():
    """It is gone; the next CS begins with END, and bytes that came meanwhile follow it."""
    dut, found = SpiWire(), []

    async def host(context):
        controller = Controller(dut)
        await context.tick().repeat(4)
        for size, bits in ((1, 8), (1, 3), (3, 8)):
            found.append(await controller.exchange(context, bytes(size), bits=bits))

    async def source(context):
        await send(context, dut.bytes, [0x55, 0x5A], stalls(1, 0))

    Bench(dut).run(host, source)
    assert found == [bytes([END]), bytes([0x55 >> 5]), bytes([END, 0x5A, END])]


class SpiBoard(Board):
    """As a board on a serial line, behind SPI; the network takes a while."""

    def __init__(self):
        self.dut = SerialLink(SHAPE, SpiWire())
        self.samples, self.decoder = [], Decoder()

    def run(self, *stages):
        controller, answers = Controller(self.dut), []

        async def host(context):
            await context.tick().repeat(4)
            for data in stages:
                heard = await controller.exchange(context, data)
                for _ in range(8):  # reads, which send nothing that means anything
                    heard += await controller.exchange(context, bytes([END] * 9))
                answers.append(list(self.decoder.feed(heard)))

        Bench(self.dut, deadline=400_000).run(host, background=(self.network,))
        assert self.decoder.bad == 0, "a frame's bytes must follow each other"
        return answers


@pytest.mark.wide
def test_samples_become_results():
    board, rng = SpiBoard(), np.random.default_rng(0)
    samples = [rng.integers(0, 256, SHAPE.sample, dtype=np.uint8).tobytes() for _ in range(2)]
    hello, *answers = board.run(encode(bytes([Kind.HELLO, 5])),
                                *(b"".join([*blocks(sample, number), go(number)])
                                  for number, sample in enumerate(samples)))
    assert LinkShape.of_hello(hello[0][4:]) == SHAPE
    assert board.samples == samples
    assert answers == [[bytes([Kind.RESULT, number, 0, 0]) + board.result(sample)]
                       for number, sample in enumerate(samples)]


@pytest.mark.wide
def test_a_block_without_its_end_is_missing():
    board = SpiBoard()
    first, second, third = blocks(bytes(range(70)), 3)
    answers = board.run(first + second[:20] + third + go(3))
    assert answers == [[bytes([Kind.MISSING, 3, 1, 0, 0b101])]]


def test_wrong_wires():
    wire = SpiWire()
    wire.byte_cycles = 32
    with pytest.raises(ValueError, match="wire must leave the time to copy 128 bytes"):
        SerialLink(LinkShape(bytes(8), 16_000, 5), wire)
