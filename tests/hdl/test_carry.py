"""CarryQueue against a list of timesteps."""

import numpy as np
import pytest
from amaranth.hdl import signed
from amaranth.lib import data

from bsnn_hw.hdl.carry import CarryQueue
from bsnn_hw.layout.blocks import carry_block
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls

LAYOUT = data.ArrayLayout(signed(9), 2)


class Run:
    """A layer that starts rows where there is room, ``margin - 1`` cycles before they come, and one
    that takes whole timesteps: a row a cycle at best, from ``lead`` cycles after its start."""

    def __init__(self, rows, timesteps, margin, count, *, pause=0.0, full=0.0, late=0, lead=5):
        depth = carry_block("", 0, current=True, width=18, rows=rows, timesteps=timesteps,
                            margin=margin).depth
        self.dut = CarryQueue(LAYOUT, rows=rows, depth=depth, margin=margin)
        self.rows, self.margin, self.count, self.lead = rows, margin, count, lead
        self.values = np.random.default_rng(rows).integers(-256, 256, (count * rows, 2))
        self.given = self.taken = self.most = 0
        self._pauses, self._stalls, self._late = stalls(1, pause), stalls(2, full), late
        Bench(self.dut).run(self._sink, background=[self._source])

    async def _source(self, context):
        dut, pipeline, started = self.dut, [None] * (self.margin - 1), 0
        while True:
            start = started < len(self.values) and context.get(dut.room) and not next(self._pauses)
            pipeline.append(started if start else None)
            started += start
            number = pipeline.pop(0)
            context.set(dut.write, number is not None)
            context.set(dut.row, [-1, -1])
            context.set(dut.last, 1)  # counts with a row only
            if number is not None:
                context.set(dut.row, self.values[number].tolist())
                context.set(dut.last, number % self.rows == self.rows - 1)
                self.given += 1
            self.most = max(self.most, self.given - self.taken)
            await context.tick()

    async def _sink(self, context):
        dut = self.dut
        await context.tick().repeat(self._late + 1)
        for number in range(self.count):
            while next(self._stalls) or not context.get(dut.whole):
                assert context.get(dut.whole) <= (self.given // self.rows > number)
                await context.tick()
            context.set(dut.start, 1)
            await context.tick()
            context.set(dut.start, 0)
            await context.tick().repeat(self.lead - 1)
            for row in range(self.rows):
                while next(self._stalls):
                    await context.tick()
                context.set(dut.take, 1)
                right = self.values[self.taken].tolist()
                assert list(context.get(dut.head)) == right, f"timestep {number}, row {row}"
                self.taken += 1
                await context.tick()
                context.set(dut.take, 0)


@quick(3, wide=15)
@for_each("rows, timesteps, margin", [
    (1, 1, 1), (1, 3, 4), (2, 1, 9), (5, 2, 3), (12, 1, 12), (7, 3, 20)])
@for_each("pause, full, late", [(0, 0, 0), (.5, 0, 0), (0, .7, 0),
                                                     (.2, .2, 90)])
def test_rows_in_order_and_only_whole_timesteps(rows, timesteps, margin, pause, full, late):
    run = Run(rows, timesteps, margin, 8, pause=pause, full=full, late=late)
    assert run.taken == 8 * rows
    # The queue's depth, and the row that the consumer sees.
    assert run.most <= max(3, rows * timesteps + margin) + 1


@for_each("rows, timesteps", [(1, 1), (2, 3), (5, 1), (6, 2)])
def test_whole_timesteps_fit_however_late_the_taker_is(rows, timesteps):
    """Else the producer would wait in a timestep that the consumer waits for."""
    run = Run(rows, timesteps, 4, timesteps + 3, late=99)
    assert run.most >= rows * timesteps


def test_timesteps_start_back_to_back():
    """A start in the cycle in which the next one's last row comes counts both."""
    dut = CarryQueue(LAYOUT, rows=1, depth=6, margin=2)

    async def check(context):
        context.set(dut.write, 1)
        context.set(dut.last, 1)
        await context.tick()
        for _ in range(20):
            assert context.get(dut.whole)
            context.set(dut.start, 1)
            await context.tick()
        context.set(dut.write, 0)
        assert context.get(dut.whole)
        await context.tick()
        assert not context.get(dut.whole)

    Bench(dut).run(check)


def test_wrong_arguments():
    right = {"rows": 2, "depth": 5, "margin": 3}
    for name in right:
        with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
            CarryQueue(LAYOUT, **right | {name: 0})
    with pytest.raises(ValueError, match="depth must be 5 or more, a timestep and the margin"):
        CarryQueue(LAYOUT, **right | {"depth": 4})
    with pytest.raises(TypeError, match="layout must be a ArrayLayout, not 8"):
        CarryQueue(8, **right)
