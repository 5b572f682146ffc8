"""Registers over AXI4-Lite: counters of more than 32 bits, and what control does."""

import pytest

from bsnn_hw.hdl.axi_lite import OKAY, SLVERR
from bsnn_hw.hdl.axi_registers import AxiRegisters
from bsnn_hw.link.frames import LinkShape
from bsnn_hw.link.registers import Access, register_map
from tests.hdl.benches import Bench, stalls
from tests.hdl.test_axi_lite import offer, take

MAP = register_map(LinkShape(bytes(range(8)), 12, 7), ("fc1", "readout"))
STEPS = {counter.name: 40 if counter.name == "events_0" else 3 for counter in MAP.counters}
ADDRESS = {register.name: register.address for register in MAP.registers}


async def read(context, bus, address):
    await offer(context, bus, "ar", {"araddr": address}, stalls(0, 0))
    return await take(context, bus, "r", ("rdata", "rresp"), stalls(0, 0))


async def write(context, bus, address, data, strobes=15):
    await offer(context, bus, "aw", {"awaddr": address}, stalls(0, 0))
    await offer(context, bus, "w", {"wdata": data, "wstrb": strobes}, stalls(0, 0))
    return await take(context, bus, "b", ("bresp",), stalls(0, 0))


def test_constants_and_no_overlap():
    dut, found = AxiRegisters(MAP, steps=STEPS), {}
    addresses = [register.address for register in MAP.registers]
    assert len(set(addresses)) == len(addresses) and not any(each % 4 for each in addresses)

    async def host(context):
        for register in MAP.plain:
            found[register.name] = await read(context, dut.bus, register.address)
        for address in (max(addresses) + 4, 1, 0xFFC):
            assert await read(context, dut.bus, address) == (0, SLVERR)
            assert await write(context, dut.bus, address, 0) == (SLVERR,)
        assert await write(context, dut.bus, ADDRESS["version"], 7) == (SLVERR,)

    Bench(dut).run(host)
    constants = {register.name: register.fields[0].value for register in MAP.plain
                 if register.fields[0].access is Access.READ and register.name != "status"}
    assert found == {"control": (1, OKAY), "status": (0, OKAY),
                     **{name: (value, OKAY) for name, value in constants.items()}}
    assert found["identifier_low"][0] == 0x03020100 and found["sample_bytes"][0] == 12


def test_the_high_half_is_held_with_the_low_one():
    dut, step = AxiRegisters(MAP, steps=STEPS), (1 << 33) + 5

    async def host(context):
        context.set(dut.events_0, step)
        await context.tick().repeat(3)
        for _ in range(5):
            low, _ = await read(context, dut.bus, ADDRESS["events_0_low"])
            await context.tick().repeat(9)
            high, _ = await read(context, dut.bus, ADDRESS["events_0_high"])
            count = high << 32 | low
            assert count and count % step == 0
        context.set(dut.events_0, 0)
        await write(context, dut.bus, ADDRESS["control"], 5)
        assert (await read(context, dut.bus, ADDRESS["events_0_low"]))[0] == 0
        assert (await read(context, dut.bus, ADDRESS["events_0_high"]))[0] == 0

    Bench(dut).run(host)


def test_control():
    dut, pulses = AxiRegisters(MAP, steps=STEPS), []

    async def host(context):
        assert context.get(dut.enable) == 1
        await write(context, dut.bus, ADDRESS["control"], 6, strobes=14)
        assert context.get(dut.enable) == 1, "the byte was not written"
        await write(context, dut.bus, ADDRESS["control"], 6)
        assert context.get(dut.enable) == 0
        assert await read(context, dut.bus, ADDRESS["control"]) == (0, OKAY)
        context.set(dut.busy, 1)
        assert await read(context, dut.bus, ADDRESS["status"]) == (1, OKAY)

    async def watch(context):
        while True:
            *_, reset, clear = await context.tick().sample(dut.reset, dut.clear)
            pulses.append((reset, clear))

    Bench(dut).run(host, background=(watch,))
    assert pulses.count((1, 1)) == 1 and set(pulses) == {(0, 0), (1, 1)}


def test_wrong_arguments():
    with pytest.raises(TypeError, match="registers must be a RegisterMap"):
        AxiRegisters([], steps=STEPS)
    with pytest.raises(ValueError, match="steps must be of every counter in order"):
        AxiRegisters(MAP, steps={"cycles": 1})


def test_a_restart_is_asked_for_once_and_lasts_until_it_is_done():
    shape = LinkShape(bytes(range(8)), 12, 7, stateful=True)
    registers = register_map(shape, ("fc1", "readout"))
    assert [field.name for field in registers.plain[0].fields] == [
        *(field.name for field in MAP.plain[0].fields), "restart"]
    dut, control = AxiRegisters(registers, steps=STEPS), ADDRESS["control"]

    async def host(context):
        await write(context, dut.bus, control, 9)
        assert context.get(dut.restart)
        await write(context, dut.bus, control, 1)  # takes nothing back
        assert await read(context, dut.bus, control) == (9, OKAY)
        context.set(dut.restart_done, 1)
        await context.tick()
        context.set(dut.restart_done, 0)
        assert await read(context, dut.bus, control) == (1, OKAY)

    Bench(dut).run(host)
