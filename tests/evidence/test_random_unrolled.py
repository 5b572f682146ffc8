"""Random networks with unrolled layers: at the input and behind others, and one is exact."""

import pytest

from bsnn_hw.ir.schedule import Engine
from evidence.random_unrolled import check_one, unrolled_schedule
from tests.hdl import nets


@pytest.mark.wide
def test_exact_in_rtl():
    assert check_one(6, lint=False).endswith(": exact")


def test_layers_are_unrolled_wherever_they_can_be():
    first, later = 0, 0
    for seed in range(20):
        engines = [plan.engine is Engine.UNROLLED for plan in unrolled_schedule(
            seed, nets.random_network(seed)).layers]
        first, later = first + engines[0], later + sum(engines[1:])
    assert first and later
