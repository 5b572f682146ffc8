"""Forecasts against what nextpnr packed, pyosys 0.70 and nextpnr 0.11.1.0.post826."""

from pathlib import Path

import pytest

from bsnn_hw.devices.families import FAMILIES, Cost
from bsnn_hw.ir.schedule import Port, Schedule
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.planning.schedule import make_schedule
from tests.for_each import for_each

EXAMPLES = Path(__file__).parents[2] / "examples"
# Example, lanes, parallel, logic cells, block RAMs, multipliers.
ECP5 = (
    ("digits_fc", (1, 1, 1), (1, 1, 1), 561, 13, 2),
    ("digits_fc", (2, 1, 1), (4, 4, 1), 1650, 9, 8),
    ("digits_fc", (2, 2, 2), (3, 5, 2), 1451, 12, 8),
    ("digits_fc", (1, 1, 1), (16, 8, 5), 3998, 3, 24),
    ("digits_fc", (1, 4, 1), (8, 4, 1), 1841, 10, 12),
    ("digits_fc", (4, 2, 1), (8, 4, 2), 2032, 12, 12),
    ("digits_fc", (8, 1, 1), (4, 8, 1), 2622, 13, 12),
    ("digits_fc", (4, 4, 2), (16, 16, 10), 5455, 6, 32),
    ("fashion_mnist_fc", (1, 1, 1), (1, 1, 1), 702, 19, 2),
    ("fashion_mnist_fc", (1, 1, 1), (4, 4, 1), 2003, 14, 8),
    ("fashion_mnist_fc", (2, 1, 1), (8, 8, 2), 2797, 14, 16),
    ("fashion_mnist_fc", (16, 6, 1), (8, 3, 1), 3325, 26, 11),
    ("fashion_mnist_fc", (8, 2, 1), (16, 12, 5), 6031, 10, 28),
    ("fashion_mnist_fc", (1, 1, 1), (32, 24, 10), 8432, 9, 56),
    ("fashion_mnist_fc", (4, 1, 1), (32, 24, 10), 8697, 10, 56),
    ("fashion_mnist_fc", (3, 4, 2), (43, 7, 3), 9230, 17, 50),
)


# Family, then likewise of digits_fc with a port of bytes; cells after packing.
NARROW = (
    ("LUT4", (1, 1, 1), (1, 1, 1), 807, 13, 2),
    ("LUT4", (2, 1, 1), (4, 4, 1), 2126, 8, 8),
    ("LUT4", (4, 2, 1), (8, 4, 2), 2719, 11, 12),
    ("OXIDE_COMB", (1, 1, 1), (1, 1, 1), 521, 13, 2),
    ("OXIDE_COMB", (2, 1, 1), (4, 4, 1), 1567, 9, 8),
)


@pytest.fixture(scope="module")
def networks():
    """Name of an example to its network."""
    from bsnn_hw.lowering.lower import lower
    from bsnn_hw.model.format import describe, read
    from bsnn_hw.samples import dataset_of, find_samples, shape_of

    found = {}
    for name in ("digits_fc", "fashion_mnist_fc"):
        document = read(EXAMPLES / f"{name}.pt")
        model = describe(document, name)
        samples = find_samples(shape_of(model), dataset_of(document), EXAMPLES, data=None,
                               data_dir=None)
        found[name] = lower(model, samples.calibration[:512]).network
    return found


@pytest.mark.wide
@for_each("row", ECP5)
def test_ecp5(networks, row):
    example, lanes, parallel, cells, blocks, multipliers = row
    network = networks[example]
    schedule = make_schedule(network, lanes, parallel)
    cost = sum(LayerCosts(network, FAMILIES["TRELLIS_COMB"]).of(schedule), Cost())
    assert cost.cells == pytest.approx(cells, rel=0.15)
    assert (cost.blocks, cost.multipliers) == (blocks, multipliers)


@pytest.mark.wide
@for_each("row", NARROW)
def test_ports_of_bytes(networks, row):
    family, lanes, parallel, cells, blocks, multipliers = row
    network = networks["digits_fc"]
    costs = LayerCosts(network, FAMILIES[family], Port.BYTES)
    cost = sum(costs.of(make_schedule(network, lanes, parallel)), Cost())
    assert cost.cells == pytest.approx(cells, rel=0.15)
    assert (cost.blocks, cost.multipliers) == (blocks, multipliers)


@pytest.mark.wide
@for_each("family", FAMILIES)
def test_costs_are_kept_apart(networks, family):
    """What is known of one plan must not be taken for another's."""
    network = networks["digits_fc"]
    costs = LayerCosts(network, FAMILIES[family])
    for lanes, parallel in (((1, 1, 1), (4, 4, 1)), ((4, 1, 1), (4, 4, 1)), ((4, 2, 1), (4, 4, 1)),
                            ((4, 2, 1), (8, 4, 1)), ((4, 2, 2), (8, 4, 1))):
        schedule: Schedule = make_schedule(network, lanes, parallel)
        assert costs.of(schedule) == LayerCosts(network, FAMILIES[family]).of(schedule)
