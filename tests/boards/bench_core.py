"""cocotb: a host on the serial line of an emitted board, block by block, with a bad frame."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer, with_timeout

from bsnn_hw.link.frames import Decoder, Kind, encode

CASE = json.loads(Path(os.environ["CASE"]).read_text(encoding="utf-8"))
DIVISOR = CASE["divisor"]


def cycles(count):
    return Timer(10 * count, unit="ns")


async def write(dut, data):
    for byte in data:
        for bit in (0, *((byte >> place & 1) for place in range(8)), 1):
            dut.rx.value = bit
            await cycles(DIVISOR)


async def listen(dut, heard):
    while True:
        await FallingEdge(dut.tx)
        byte = 0
        await cycles(DIVISOR / 2)
        for place in range(8):
            await cycles(DIVISOR)
            byte |= int(dut.tx.value) << place
        heard.append(byte)


async def answer(heard, decoder):
    while True:
        await cycles(10 * DIVISOR)
        data, heard[:] = bytes(heard), []
        for body in decoder.feed(data):
            return body


@cocotb.test()
async def samples_become_results(dut):
    dut.rx.value, dut.rst.value = 1, 1
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    heard, decoder = [], Decoder()
    await cycles(4)
    await FallingEdge(dut.clk)  # where the line changes, and no register
    dut.rst.value = 0
    cocotb.start_soon(listen(dut, heard))
    await write(dut, encode(bytes([Kind.HELLO, 0])))
    hello = await with_timeout(answer(heard, decoder), 1, "ms")
    assert hello[4:].hex() == CASE["hello"]
    for number, (sample, result) in enumerate(CASE["samples"], 1):
        frames = [encode(bytes([Kind.DATA, number]), place.to_bytes(2, "little"), bytes(block))
                  for place, block in enumerate(sample)]
        if number == 1:  # the first block comes damaged, and is missed
            await write(dut, frames[0][:7] + frames[0][8:])
            frames.append(frames.pop(0))
            await write(dut, encode(bytes([Kind.GO, number])))
            assert (await with_timeout(answer(heard, decoder), 9, "ms"))[0] == Kind.MISSING
        await write(dut, b"".join(frames) + encode(bytes([Kind.GO, number])))
        body = await with_timeout(answer(heard, decoder), 9, "ms")
        assert body[:2] == bytes([Kind.RESULT, number])
        assert body[4:].hex() == result, f"sample {number}"
    await write(dut, encode(bytes([Kind.HELLO, 77])))
    body = await with_timeout(answer(heard, decoder), 1, "ms")
    assert body[:2] == bytes([Kind.HELLO, 77]), "a host that comes later"
    assert body[4:].hex() == CASE["hello"]
