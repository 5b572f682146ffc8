"""AXI4-Lite: strobes for what was asked, answers for every request, whoever comes first."""

from amaranth import Module
from amaranth.lib import wiring

from bsnn_hw.hdl.axi_lite import OKAY, SLVERR, AxiLite, axi_lite_signature
from tests.for_each import for_each
from tests.hdl.benches import Bench, stalls

KNOWN = 0x10  # and above is not


class Registers(wiring.Component):
    """What reads as 3 * ADDRESS up to KNOWN."""

    def __init__(self):
        self.port = AxiLite(address_bits=5)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.port = port = self.port
        m.d.comb += [
            port.read_data.eq(3 * port.read_address),
            port.read_known.eq(port.read_address < KNOWN),
            port.write_known.eq(port.write_address < KNOWN),
        ]
        return m


def run(dut, *processes):
    """What is written while the processes run."""
    port, written = dut.port, []

    async def note(context):
        while True:
            *_, write, to, data, strobes = await context.tick().sample(
                port.write, port.write_address, port.write_data, port.write_strobes)
            if write:
                written.append((to, data, strobes))

    Bench(dut).run(*processes, background=(note,))
    return written


async def offer(context, bus, channel, payload, pauses):
    while next(pauses):
        await context.tick()
    for name, value in payload.items():
        context.set(getattr(bus, name), value)
    context.set(getattr(bus, f"{channel}valid"), 1)
    await context.tick().until(getattr(bus, f"{channel}ready"))
    context.set(getattr(bus, f"{channel}valid"), 0)


async def take(context, bus, channel, names, pauses):
    while next(pauses):
        await context.tick()
    context.set(getattr(bus, f"{channel}ready"), 1)
    found = await context.tick().sample(*(getattr(bus, name) for name in names)).until(
        getattr(bus, f"{channel}valid"))
    context.set(getattr(bus, f"{channel}ready"), 0)
    return found


@for_each("seed", range(4))
def test_reads_and_writes(seed):
    dut = Registers()
    bus, addresses, answers, replies = dut.port.bus, [0, 4, 12, 16, 8, 28], [], []

    def channel(name, payloads):
        pauses = stalls((seed, len(name)), 0.4 if seed else 0)

        async def process(context):
            for payload in payloads:
                await offer(context, bus, name, payload, pauses)
        return process

    async def read_answers(context):
        pauses = stalls((seed, 7), 0.4 if seed else 0)
        for _ in addresses:
            answers.append(await take(context, bus, "r", ("rdata", "rresp"), pauses))

    async def write_answers(context):
        pauses = stalls((seed, 8), 0.4 if seed else 0)
        for _ in addresses:
            replies.extend(await take(context, bus, "b", ("bresp",), pauses))

    written = run(dut, channel("ar", [{"araddr": each} for each in addresses]),
                  channel("aw", [{"awaddr": each} for each in addresses]),
                  channel("w", [{"wdata": 7 * each, "wstrb": each % 16} for each in addresses]),
                  read_answers, write_answers)
    verdicts = [OKAY if each < KNOWN else SLVERR for each in addresses]
    assert answers == [(3 * each, verdict) for each, verdict in zip(addresses, verdicts,
                                                                   strict=True)]
    assert replies == verdicts
    assert written == [(each, 7 * each, each % 16) for each in addresses]


def test_the_widths_are_the_protocol_s():
    widths = {"awaddr": 9, "wdata": 32, "wstrb": 4, "bresp": 2, "araddr": 9, "rdata": 32,
              "rresp": 2}
    found = {name: member.shape for name, member in axi_lite_signature(9).members.items()}
    assert {name: width for name, width in found.items() if width != 1} == widths
    assert set(found) - set(widths) == {channel + wire for channel in ("aw", "w", "b", "ar", "r")
                                        for wire in ("valid", "ready")}
