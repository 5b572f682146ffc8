"""Random networks whose neurons step in units: many layers have some, and networks are exact."""

import pytest

from evidence.random_units import check_one, units_schedule
from tests.for_each import for_each
from tests.hdl import nets


@pytest.mark.wide
@for_each("seed", [6, 9])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


def test_layers_have_units_that_divide_their_parallel_neurons():
    plans = [plan for seed in range(20)
             for plan in units_schedule(seed, nets.random_network(seed)).layers]
    some = [plan for plan in plans if plan.units is not None]
    assert 0.3 < len(some) / len(plans) < 1
    assert all(plan.parallel % plan.units == 0 for plan in some)
    assert {plan.parallel // plan.units for plan in some} > {1, 2}
