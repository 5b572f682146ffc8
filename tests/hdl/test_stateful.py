"""What resets a network's state: when it does, and which packets wait for it."""

import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.stateful import StatefulTop
from tests.for_each import for_each
from tests.hdl.benches import Bench, stalls


class Counter(wiring.Component):
    """A network of which a packet's answer is how many there were since the reset, later."""

    def __init__(self, delay):
        self._delay = delay
        super().__init__({
            "s_axis_tdata": In(8), "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
            "s_axis_tlast": In(1), "s_axis_tuser": In(1),
            "m_axis_tdata": Out(8), "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
            "m_axis_tlast": Out(1)})

    def elaborate(self, platform):
        m = Module()
        awake, left, count = Signal(), Signal(8), Signal(8)
        m.d.sync += awake.eq(1)
        m.d.comb += [
            self.s_axis_tready.eq(awake & (left == 0) & ~self.m_axis_tvalid),
            self.m_axis_tlast.eq(1),
        ]
        with m.If(self.s_axis_tvalid & self.s_axis_tready & self.s_axis_tlast):
            m.d.sync += [left.eq(self._delay), count.eq(count + 1)]
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
            with m.If(left == 1):
                m.d.sync += [self.m_axis_tvalid.eq(1), self.m_axis_tdata.eq(count)]
        with m.If(self.m_axis_tvalid & self.m_axis_tready):
            m.d.sync += self.m_axis_tvalid.eq(0)
        return m


def answers(packets, pause, delay=5):
    """What comes of packets of two beats, each the s_axis_tuser of both."""
    dut, found = StatefulTop(Counter(delay)), []
    giving, taking = stalls(1, pause), stalls(2, pause)

    async def give(context):
        for packet in packets:
            for place, user in enumerate(packet):
                while next(giving):
                    await context.tick()
                context.set(dut.s_axis_tvalid, 1)
                context.set(dut.s_axis_tuser, user)
                context.set(dut.s_axis_tlast, place)
                await context.tick().until(dut.s_axis_tready)
                context.set(dut.s_axis_tvalid, 0)

    async def take(context):
        while len(found) < len(packets):
            context.set(dut.m_axis_tready, not next(taking))
            _, _, valid, ready, value = await context.tick().sample(
                dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tdata)
            if valid and ready:
                found.append(value)

    Bench(dut).run(give, take)
    return found


@for_each("pause", [0, 0.5])
@for_each("delay", [1, 20])
def test_a_packet_that_asks_starts_anew_and_no_answer_is_lost(pause, delay):
    assert answers([(0, 0), (1, 1), (2, 0), (1, 1), (3, 1), (2, 0), (0, 0)], pause, delay) == [
        1, 2, 1, 2, 1, 1, 2]


@for_each("pause", [0, 0.5])
def test_only_the_first_beat_asks(pause):
    assert answers([(0, 2), (0, 2), (1, 3), (2, 2)], pause) == [1, 2, 3, 1]


def test_the_port_has_a_bit_more():
    top = StatefulTop(Counter(1))
    assert len(top.s_axis_tuser) == 2


def test_wrong_arguments():
    with pytest.raises(TypeError, match="top must be a Component"):
        StatefulTop("network")
