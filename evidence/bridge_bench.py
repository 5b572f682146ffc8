"""cocotb: a host at the pins of an emitted board, as fast as they go; a serial line or SPI.

The environment's CASE is a JSON file of ``evidence.bridges``. The serial line is driven by
cocotbext-uart; SPI by a controller that is not in step with the board's clock.
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer, with_timeout
from cocotb.utils import get_sim_time

from bsnn_hw.link.frames import END, Decoder, Kind, encode

CASE = json.loads(Path(os.environ["CASE"]).read_text(encoding="utf-8"))
CLOCK = 10_000  # ps
HALF = CASE["divisor"] * CLOCK // 2 + 10  # ps, of SCK: a little slower than it may be
READ = 8  # bytes that a controller asks for at a time


class UartHost:
    """A terminal at full speed."""

    def __init__(self, dut):
        from cocotbext.uart import UartSink, UartSource

        baud = 1e12 / CLOCK / CASE["divisor"]
        self.source, self.sink = UartSource(dut.rx, baud=baud), UartSink(dut.tx, baud=baud)
        self.sent = self.heard = 0

    async def write(self, data):
        self.sent += len(data)
        self.source.write_nowait(data)
        return b""

    async def read(self):
        data = bytes(await with_timeout(self.sink.read(count=1), 99, "ms"))
        self.heard += len(data)
        return data


class SpiHost:
    """A microcontroller at full speed."""

    def __init__(self, dut):
        self.dut = dut
        dut.cs_n.value, dut.sck.value, dut.mosi.value = 1, 0, 0
        self.sent = self.heard = 0

    async def write(self, data):
        dut, found = self.dut, bytearray()
        self.sent += len(data)
        self.heard += len(data)
        dut.cs_n.value = 0
        await Timer(HALF, "ps")
        for byte in data:
            bits = 0
            for place in range(7, -1, -1):
                dut.mosi.value = byte >> place & 1
                await Timer(HALF, "ps")
                bits = bits << 1 | int(dut.miso.value)
                dut.sck.value = 1
                await Timer(HALF, "ps")
                dut.sck.value = 0
            found.append(bits)
        await Timer(HALF, "ps")
        dut.cs_n.value = 1
        await Timer(HALF, "ps")
        return bytes(found)

    async def read(self):
        return await self.write(bytes([END] * READ))


async def started(dut):
    """A host, and its function that asks and waits for an answer."""
    dut.rst.value = 1
    host = UartHost(dut) if CASE["bridge"] == "uart" else SpiHost(dut)
    decoder = Decoder()
    cocotb.start_soon(Clock(dut.clk, CLOCK, unit="ps").start())
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 4)

    async def ask(data):
        heard = await host.write(data)
        for _ in range(100_000):
            for body in decoder.feed(heard):
                assert decoder.bad == 0, "a frame's bytes must follow each other"
                return body
            heard = await host.read()
        raise AssertionError("no answer")

    return host, ask


def frames_of(sample, number):
    block = CASE["block"]
    data = bytes.fromhex(sample)
    data = data.ljust(-(-len(data) // block) * block, b"\0")
    return [encode(bytes([Kind.DATA, number]), place.to_bytes(2, "little"),
                   data[place * block:(place + 1) * block])
            for place in range(len(data) // block)]


@cocotb.test()
async def results_at_full_speed(dut):
    host, ask = await started(dut)
    assert (await ask(encode(bytes([Kind.HELLO, 0]))))[4:].hex() == CASE["hello"]
    host.sent, host.heard, begun = 0, 0, get_sim_time("ps")
    for number, (sample, result) in enumerate(zip(CASE["samples"], CASE["results"], strict=True),
                                              1):
        body = await ask(b"".join(frames_of(sample, number)) + encode(bytes([Kind.GO, number])))
        assert body[:2] == bytes([Kind.RESULT, number])
        assert body[4:].hex() == result, f"sample {number}: {body[4:].hex()}, reference {result}"
    print("MEASURED", json.dumps({
        "cycles": (get_sim_time("ps") - begun) / CLOCK / len(CASE["samples"]),
        "sent": host.sent / len(CASE["samples"]), "heard": host.heard / len(CASE["samples"])}))


@cocotb.test()
async def a_missing_block_is_named(dut):
    _, ask = await started(dut)
    first, *others = frames_of(CASE["samples"][0], 9)
    body = await ask(first[:7] + first[8:] + b"".join(others) + encode(bytes([Kind.GO, 9])))
    assert body[:2] == bytes([Kind.MISSING, 9]) and body[2] == 1 and not body[4] & 1
    body = await ask(first + encode(bytes([Kind.GO, 9])))
    assert body[:2] == bytes([Kind.RESULT, 9]) and body[4:].hex() == CASE["results"][0]
