"""``take_lowest`` against the bits of a number."""

import numpy as np
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from bsnn_hw.hdl.priority import CHUNK, take_lowest
from tests.for_each import for_each


class Lowest(wiring.Component):
    """The function between ports."""

    def __init__(self, width, chained=True):
        self._chained = chained
        super().__init__({"spikes": In(width), "slot": Out(8), "rest": Out(width), "more": Out(1)})

    def elaborate(self, platform):
        m = Module()
        slot, rest, more = take_lowest(m, "lowest", self.spikes, chained=self._chained)
        assert len(rest) == len(self.spikes)
        m.d.comb += [self.slot.eq(slot), self.rest.eq(rest), self.more.eq(more)]
        return m


def check(width, words, chained=True):
    dut = Lowest(width, chained)

    async def bench(context):
        for word in words:
            context.set(dut.spikes, word)
            await context.delay(1e-9)
            rest = word & (word - 1)
            given = context.get(dut.slot), context.get(dut.rest), context.get(dut.more)
            assert given == ((word ^ rest).bit_length() - 1, rest, rest != 0), f"{word:b}"

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


@for_each("width", [1, 2, 3, CHUNK, CHUNK + 1])
@for_each("chained", [True, False])
def test_all_words(width, chained):
    check(width, range(1, 1 << width), chained)


@for_each("width", [CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK + 3])
def test_one_two_and_many_spikes(width):
    bits = [1 << i for i in range(width)]
    rng = np.random.default_rng(width)
    many = [sum(bit for bit in bits if rng.random() < density) for density in
            np.repeat([.05, .3, .9, 1], 25)]
    check(width, [word for word in [*bits, *(a | b for a in bits for b in bits), *many] if word])


def test_silence_has_no_rest():
    dut = Lowest(CHUNK + 2)

    async def bench(context):
        await context.delay(1e-9)
        assert (context.get(dut.rest), context.get(dut.more)) == (0, 0)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
