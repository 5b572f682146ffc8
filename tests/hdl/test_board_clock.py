"""A board's reset, which begins by itself and ends late, and a divided clock."""

import pytest

from bsnn_hw.hdl.board_clock import BoardReset, ClockDivider
from tests.for_each import for_each
from tests.hdl.benches import Bench


async def lasts(context, reset):
    """Cycles until the reset ends."""
    count = 0
    while context.get(reset.reset):
        await context.tick()
        count += 1
    return count


@for_each("held", [1, 3, 5])
def test_it_begins_by_itself_and_comes_again(held):
    reset = BoardReset(held)

    async def watch(context):
        assert context.get(reset.reset) == 1
        first = await lasts(context, reset)
        assert 2**held <= first <= 2**held + 3
        await context.tick().repeat(7)
        assert context.get(reset.reset) == 0
        context.set(reset.asked, 1)  # for one cycle
        await context.tick()
        context.set(reset.asked, 0)
        await context.tick().repeat(2)
        assert context.get(reset.reset) == 1
        assert 2**held <= await lasts(context, reset) <= 2**held + 3

    Bench(reset).run(watch)


def test_it_lasts_while_it_is_asked_for():
    reset = BoardReset(2)

    async def watch(context):
        context.set(reset.asked, 1)
        for _ in range(50):
            await context.tick()
            assert context.get(reset.reset) == 1
        context.set(reset.asked, 0)
        assert 4 <= await lasts(context, reset) <= 7

    Bench(reset).run(watch)


def test_the_circuit_s_reset_does_not_reach_it():
    reset = BoardReset(2)
    bench = Bench(reset)

    async def watch(context):
        await lasts(context, reset)
        context.set(bench.reset, 1)
        for _ in range(3):
            async for _ in context.tick():
                break
            assert context.get(reset.reset) == 0

    bench.run(watch)


@for_each("bits", [1, 2, 4])
def test_a_divided_clock(bits):
    divider = ClockDivider(bits)
    levels = []

    async def watch(context):
        for _ in range(4 * 2**bits):
            levels.append(context.get(divider.slow))
            await context.tick()

    Bench(divider).run(watch)
    assert levels == ([0] * 2**(bits - 1) + [1] * 2**(bits - 1)) * 4


@for_each("make", [BoardReset, ClockDivider])
def test_wrong_arguments(make):
    with pytest.raises(ValueError, match="must be an integer of 1 or more, not 0"):
        make(0)
