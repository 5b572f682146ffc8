"""Clocks that plans count on."""

from bsnn_hw.devices.chips import CHIPS, find_chip
from bsnn_hw.devices.families import FAMILIES, Cost, Period
from bsnn_hw.devices.parts import Parts
from tests.for_each import for_each


def test_a_period_grows_with_cells_block_rams_and_multipliers():
    period = Period(5.0, 2.0, 0.5, 0.25)
    assert period.of(Cost()) == 5
    assert period.of(Cost(cells=1500, blocks=4, multipliers=8)) == 5 + 3 + 2 + 2


def test_a_path_of_its_own_length_bounds_small_designs_alone():
    """A product that no register of the multiplier's splits, the walk into a map's tables."""
    family = find_chip("ecp5-25k").family
    product, walk = Parts.path("product"), Parts.path("reach")
    assert family.cost(product).path < family.cost(walk).path == family.cost(walk + product).path
    assert (family.cost(2 * walk) + Cost(cells=10)).path == family.cost(walk).path
    assert FAMILIES["ICESTORM_LC"].cost(walk).path == family.cost(Parts.path("another")).path == 0
    period = Period(5.0, 2.0)
    assert period.of(Cost(cells=500, path=7)) == 7
    assert period.of(Cost(cells=1500, path=7)) == 8


@for_each("chip", CHIPS)
def test_no_larger_design_is_faster(chip):
    clocks = [chip.likely_clock(Cost(cells=cells, blocks=cells // 100)) for cells in
              (0, 500, 5000, 50000)]
    assert clocks == sorted(clocks, reverse=True) and clocks[0] < 250
    assert all(chip.counted_clock(Cost(cells=cells)) <= chip.clock for cells in (0, 50000))


@for_each("part, cost, placed, pipelined", [
    ("ecp5-85k", Cost(2501, 0, 41, 10), 120.4, False),
    ("ecp5-85k", Cost(13071, 0, 82, 38), 99.9, False),
    ("ecp5-85k", Cost(38529, 0, 77, 96), 60.4, False),
    ("ecp5-85k", Cost(5409, 0, 118, 44), 90.7, False),
    ("ecp5-85k", Cost(15918, 0, 110, 59), 88.7, False),
    ("ecp5-85k", Cost(2377, 0, 41, 10), 130.1, True),
    ("ecp5-85k", Cost(3370, 0, 53, 0), 147.4, True),
    ("ecp5-85k", Cost(16843, 0, 110, 59), 100.0, True),
    ("ecp5-85k", Cost(40942, 0, 54, 0), 87.4, True),
    ("ice40-up5k", Cost(1220, 0, 29, 0), 46.0, False),
    ("ice40-up5k", Cost(2847, 0, 29, 0), 42.3, False),
    ("ice40-up5k", Cost(4851, 0, 28, 0), 32.7, False)])
def test_placed_designs_have_about_the_likely_clock(part, cost, placed, pipelined):
    """Means over seeds, of docs/results."""
    assert abs(find_chip(part).likely_clock(cost, pipelined) / placed - 1) <= 0.10
