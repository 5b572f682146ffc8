"""StateMemory and BlockMemory against a list of rows."""

import numpy as np
import pytest

from bsnn_hw.hdl.memory import BlockMemory, StateMemory
from bsnn_hw.ir.schedule import Rows, Store, Stores
from tests.for_each import for_each
from tests.hdl.benches import Bench


@for_each("rows", [1, 2, 3, 8])
@for_each("seed", range(3))
def test_a_row_has_every_write_up_to_the_cycle_that_asked_for_it(rows, seed):
    rng = np.random.default_rng(seed)
    dut = StateMemory(rows=rows, width=5)
    bench = Bench(dut)

    async def check(context):
        state, expected = [0] * rows, 0
        for cycle in range(300):
            read, write, value, enable = (int(rng.integers(n)) for n in (rows, rows, 32, 2))
            context.set(dut.read_row, read)
            context.set(dut.write_row, write)
            context.set(dut.write_data, value)
            context.set(dut.write_enable, enable)
            *_, shown = await context.tick().sample(dut.read_data)
            assert shown == expected, f"cycle {cycle}, rows {rows}"
            if enable:
                state[write] = value
            expected = state[read]

    bench.run(check)


@for_each("rows", [1, 2, 3, 40])
@for_each("pipelined", [False, True])
def test_a_row_of_block_ram_has_every_write_before_the_cycle_that_asked_for_it(rows, pipelined):
    rng = np.random.default_rng(rows)
    dut = BlockMemory(rows=rows, width=5, pipelined=pipelined)
    bench = Bench(dut)

    async def check(context):
        state, expected = [0] * rows, [0, 0] + [0] * pipelined
        for cycle in range(300):
            read, write = (int(n) for n in rng.integers(min(rows, 3), size=2))
            value, enable = int(rng.integers(32)), int(rng.integers(2))
            context.set(dut.read_row, read)
            context.set(dut.write_row, write)
            context.set(dut.write_data, value)
            context.set(dut.write_enable, enable)
            *_, shown = await context.tick().sample(dut.read_data)
            right, *expected = *expected, None if enable and read == write else state[read]
            assert right is None or shown == right, f"cycle {cycle}"
            if enable:
                state[write] = value

    bench.run(check)


def test_few_rows_are_not_worth_a_block_ram():
    assert [Rows().hold(Store.SUMS, rows) for rows in (1, 32, 33, 500)] == [False, False, True,
                                                                            True]


def test_a_rule_may_put_few_rows_into_block_ram():
    state, constants = Rows(2, 40), Rows(40, 2)
    assert [state.hold(Store.POTENTIALS, rows) for rows in (1, 2, 33)] == [False, True, True]
    assert [state.hold(Store.BIASES, rows) for rows in (33, 40)] == [False, True]
    assert [constants.hold(Store.GAINS, rows) for rows in (1, 2)] == [False, True]
    assert not Rows(0, 0).hold(Store.SUMS, 1)


def test_memories_by_name():
    stores = Stores(frozenset({Store.SUMS}))
    assert [stores.hold(Store.SUMS, rows) for rows in (1, 2, 500)] == [False, True, True]
    assert not stores.hold(Store.POTENTIALS, 500)


@for_each("kind", [StateMemory, BlockMemory])
@for_each("arguments, message", [
    ({"rows": 0, "width": 4}, "rows must be an integer of 1 or more, not 0"),
    ({"rows": 4, "width": 0}, "width must be an integer of 1 or more, not 0"),
    ({"rows": 2.5, "width": 4}, r"rows must be an integer of 1 or more, not 2\.5"),
])
def test_wrong_arguments(arguments, message, kind):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)
