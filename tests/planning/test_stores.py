"""Which memories lie in block RAM: none is worth moving any more, and what does not fit is not."""

from dataclasses import replace
from itertools import chain as every
from itertools import combinations

import numpy as np
import pytest

from bsnn_hw.devices.chips import CHIPS, NOMINAL
from bsnn_hw.devices.families import Cost
from bsnn_hw.ir.schedule import Port, Store, Stores
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.stores import STORES, prices, with_memories
from evidence.random_plans import random_schedule
from tests.planning.test_schedule import network
from tests.reference.random_maps import random_network

SUBSETS = [frozenset(names) for names in every.from_iterable(
    combinations((Store.SUMS, Store.POTENTIALS, Store.BIASES, Store.THRESHOLDS), count)
    for count in range(5))]


def cost(net, schedule, chip):
    return sum(LayerCosts(net, chip.family).of(schedule), Cost())


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_no_other_choice_takes_fewer_cells(chip):
    """Of a part with block RAMs to spare; its price, next to nothing, decides equal ones."""
    net = network((64, 40, 10), timesteps=4)
    schedule = make_schedule(net, (2, 1), (5, 1))
    chosen = with_memories(net, schedule, chip, Port.EVENTS)
    weights = prices(chip, 0, 0)
    values = [float(weights @ np.array(cost(net, schedule.placed(Stores(first), Stores(last)),
                                            chip).row))
              for first in SUBSETS for last in (frozenset(), frozenset({Store.SUMS}))]
    assert weights @ np.array(cost(net, chosen, chip).row) == pytest.approx(min(values))


def test_without_block_rams_nothing_moves():
    net = network((64, 40, 10), timesteps=4)
    schedule = make_schedule(net, (1, 1), (5, 1))
    resources = tuple(replace(each, capacity=2) if each.bel == NOMINAL.family.blocks else each
                      for each in NOMINAL.target.resources)
    none = replace(NOMINAL, target=replace(NOMINAL.target, resources=resources))
    chosen = with_memories(net, schedule, none, Port.EVENTS)
    assert not any(plan.memories.names for plan in chosen.layers)
    assert any(plan.memories.names for plan in
               with_memories(net, schedule, NOMINAL, Port.EVENTS).layers)


def test_few_potentials_do_not_wait():
    """Two rows in block RAM would step every five cycles."""
    net = network((64, 40, 10), timesteps=4)
    chosen = with_memories(net, make_schedule(net, (1, 1), (20, 1)), NOMINAL, Port.EVENTS)
    assert Store.POTENTIALS not in chosen.layers[0].memories.names


def test_layouts_have_what_was_chosen():
    for seed in range(20):
        net = random_network(np.random.default_rng(seed))
        schedule = with_memories(net, random_schedule(seed, net), NOMINAL, Port.EVENTS)
        for plan, block in zip(schedule.layers, build_layout(net, schedule).blocks, strict=True):
            assert plan.memories.names == block.in_blocks, f"seed {seed}"
            assert plan.memories.names <= set(STORES)
