"""cocotb, with cocotbext-axi as a stranger: samples and registers of an emitted `bsnn_axi`.

The environment's CASE is a JSON file of ``evidence.activity_rtl.case_of``.
"""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

CASE = json.loads(Path(os.environ["CASE"]).read_text(encoding="utf-8"))
ADDRESS = CASE["addresses"]
NS_PER_SAMPLE = 1_000_000
ENABLE, RESET, CLEAR, RESTART = 1, 2, 4, 8


def pauses(chance):
    while True:
        yield random.random() < chance


class Host:
    """A processor and its DMA."""

    def __init__(self, dut, chance):
        cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
        self.dut = dut
        at = dut.aclk, dut.aresetn
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *at,
                                      reset_active_level=False)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *at,
                                  reset_active_level=False)
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), *at,
                                  reset_active_level=False)
        read, write = self.lite.read_if, self.lite.write_if
        self.channels = [self.source, self.sink, read.ar_channel, read.r_channel,
                         write.aw_channel, write.w_channel, write.b_channel]
        if chance:
            for channel in self.channels:
                channel.set_pause_generator(pauses(chance))

    async def reset(self):
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    async def read(self, name):
        return await self.lite.read_dword(ADDRESS[name])

    async def count(self, name):
        low = await self.read(f"{name}_low")
        return low | await self.read(f"{name}_high") << 32

    async def control(self, value):
        await self.lite.write_dword(ADDRESS["control"], value)

    async def result(self):
        return bytes((await with_timeout(self.sink.recv(), NS_PER_SAMPLE, "ns")).tdata)


async def started(dut, chance):
    host = Host(dut, chance)
    await host.reset()
    return host


async def classify_all(host, name):
    """All samples, as they come between two that start from a state of 0."""
    starts = [number for number, asked in enumerate(CASE["restarts"]) if asked and number]
    for first, end in zip([0, *starts], [*starts, len(CASE["samples"])], strict=True):
        if any(CASE["restarts"][first:first + 1]):
            await restart(host)
        for sample in CASE["samples"][first:end]:
            host.source.send_nowait(AxiStreamFrame(bytes.fromhex(sample)))
        for number, wanted in enumerate(CASE["results"][first:end], first):
            found = (await host.result()).hex()
            assert found == wanted, f"{name}, sample {number}: RTL {found}, reference {wanted}"
        assert await host.read("control") == ENABLE, "the sample has begun"


async def restart(host):
    """Ask for a state of 0 at the next sample, which writing 0 does not take back."""
    await host.control(ENABLE | RESTART)
    await host.control(ENABLE)
    assert await host.read("control") == ENABLE | RESTART


async def check_counters(host):
    found = {name: await host.count(name) for name in CASE["counters"]}
    for name, wanted in CASE["counters"].items():
        assert found[name] == wanted, f"{name}: RTL {found[name]:,}, reference {wanted:,}"
    print("COUNTED", json.dumps(found | {"cycles": await host.count("cycles")}))


@cocotb.test()
async def counters_are_the_reference_s(dut):
    host = await started(dut, 0)
    await classify_all(host, "back to back")
    await check_counters(host)


@cocotb.test()
async def a_sample_that_starts_anew(dut):
    """Of a network that keeps its state: the first sample after `restart`, also one that waits in
    front of the core; a reset of the core leaves a state of 0 too."""
    host = await started(dut, CASE["pause"])
    sample, wanted = AxiStreamFrame(bytes.fromhex(CASE["samples"][0])), CASE["results"][0]
    for _ in range(3):
        host.source.send_nowait(sample)
        await host.result()
    await host.control(0)
    host.source.send_nowait(sample)
    await ClockCycles(dut.aclk, 300)
    await host.control(RESTART)
    await ClockCycles(dut.aclk, 300)
    await host.control(ENABLE)
    assert (await host.result()).hex() == wanted, "a sample that waited"
    host.source.send_nowait(sample)
    await host.result()
    await host.control(ENABLE | RESET)
    await ClockCycles(dut.aclk, 100)
    host.source.send_nowait(sample)
    assert (await host.result()).hex() == wanted, "after a reset"


@cocotb.test()
async def results_under_random_pauses(dut):
    host = await started(dut, CASE["pause"])
    await classify_all(host, "with pauses")
    await check_counters(host)


@cocotb.test()
async def registers_say_what_it_is(dut):
    host = await started(dut, CASE["pause"])
    for name, value in CASE["constants"].items():
        assert await host.read(name) == value, name
    assert await host.read("control") == ENABLE and await host.read("status") == 0
    unknown = max(ADDRESS.values()) + 4
    assert (await host.lite.read(unknown, 4)).resp == AxiResp.SLVERR
    assert (await host.lite.write(unknown, bytes(4))).resp == AxiResp.SLVERR
    assert (await host.lite.write(ADDRESS["version"], bytes(4))).resp == AxiResp.SLVERR
    assert await host.read("version") == CASE["constants"]["version"]
    # Bytes without a strobe stay.
    await host.lite.write(ADDRESS["control"] + 1, bytes(3))
    assert await host.read("control") == ENABLE


@cocotb.test()
async def control_is_obeyed(dut):
    host = await started(dut, 0)
    sample, wanted = bytes.fromhex(CASE["samples"][0]), CASE["results"][0]
    await host.control(0)
    host.source.send_nowait(AxiStreamFrame(sample))
    await ClockCycles(dut.aclk, 3000)
    assert host.sink.empty() and not await host.read("status")
    await host.control(ENABLE)
    assert (await host.result()).hex() == wanted
    assert await host.count("inferences") == 1 and await host.count("cycles") > len(sample)
    await host.control(ENABLE | CLEAR)
    for name in CASE["counters"]:
        assert not await host.count(name), name

    # Half a sample, and then a reset: it is forgotten, and so is its place in the packet.
    half = AxiStreamFrame(sample[:len(sample) // 2])
    host.source.send_nowait(half)
    while not await host.read("status"):
        pass
    await host.control(ENABLE | RESET)
    await ClockCycles(dut.aclk, 100)
    host.source.clear()
    await host.control(ENABLE | RESET | CLEAR)
    await ClockCycles(dut.aclk, 4000)
    while not host.sink.empty():
        host.sink.recv_nowait()
    host.source.send_nowait(AxiStreamFrame(sample))
    assert (await host.result()).hex() == wanted
    assert not await host.read("status")


@cocotb.test()
async def packets_that_are_no_samples(dut):
    host = await started(dut, CASE["pause"])
    sample, wanted = bytes.fromhex(CASE["samples"][0]), CASE["results"][0]
    for odd in (sample + bytes(range(9)), sample[:-1] + b"\0", sample[:-1]):
        host.source.send_nowait(AxiStreamFrame(odd))
    assert (await host.result()).hex() == wanted, "what is left over is dropped"
    assert await host.result() == await host.result(), "what is missing is 0"
    # Bytes that are not kept, in front, between and behind.
    spread = b"".join(bytes([byte, 0x5A]) for byte in sample) + b"\xA5" * 4
    host.source.send_nowait(AxiStreamFrame(spread, tkeep=[1, 0] * len(sample) + [0] * 4))
    assert (await host.result()).hex() == wanted
    host.source.send_nowait(AxiStreamFrame(bytes(4), tkeep=[0] * 4))
    host.source.send_nowait(AxiStreamFrame(bytes(len(sample))))
    assert await host.result() == await host.result(), "no byte at all is a silent sample"
