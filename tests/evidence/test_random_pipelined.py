"""Random networks with pipelined plans: both kinds of layers occur, and one network is exact."""

import pytest

from bsnn_hw.ir.schedule import Rows
from evidence.random_pipelined import check_one, pipelined_schedule
from tests.hdl import nets


@pytest.mark.wide
def test_exact_in_rtl():
    assert check_one(4, lint=False).endswith(": exact")


def test_layers_are_pipelined_but_for_some():
    plans = [plan for seed in range(20)
             for plan in pipelined_schedule(seed, nets.random_network(seed)).layers]
    share = sum(plan.pipelined for plan in plans) / len(plans)
    assert 0.7 < share < 1
    assert {plan.memories for plan in plans} > {Rows(2, 2)}
