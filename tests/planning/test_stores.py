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
from bsnn_hw.planning.stores import BLOCK_PRICES, STORES, filled, prices, with_memories
from evidence.random_plans import random_schedule
from tests.for_each import for_each, quick
from tests.planning.test_schedule import network
from tests.reference.random_maps import random_network

SUBSETS = [frozenset(names) for names in every.from_iterable(
    combinations((Store.SUMS, Store.POTENTIALS, Store.BIASES, Store.THRESHOLDS), count)
    for count in range(5))]


def cost(net, schedule, chip):
    return sum(LayerCosts(net, chip.family).of(schedule), Cost())


def with_blocks(chip, count):
    """The part with so many block RAMs."""
    resources = tuple(replace(each, capacity=count) if each.bel == chip.family.blocks else each
                      for each in chip.target.resources)
    return replace(chip, target=replace(chip.target, resources=resources))


def test_each_price_of_a_block_is_another():
    assert list(BLOCK_PRICES) == sorted(set(BLOCK_PRICES))


@quick(2, wide=None)
@for_each("chip", CHIPS)
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
    none = with_blocks(NOMINAL, 2)
    chosen = with_memories(net, schedule, none, Port.EVENTS)
    assert not any(plan.memories.names for plan in chosen.layers)
    assert any(plan.memories.names for plan in
               with_memories(net, schedule, NOMINAL, Port.EVENTS).layers)


def test_few_potentials_do_not_wait():
    """Two rows in block RAM would step every five cycles."""
    net = network((64, 40, 10), timesteps=4)
    chosen = with_memories(net, make_schedule(net, (1, 1), (20, 1)), NOMINAL, Port.EVENTS)
    assert Store.POTENTIALS not in chosen.layers[0].memories.names


def test_synaptic_currents_move_like_potentials():
    """Where their memory is large enough to save cells, and their rows do not wait."""
    net = network((64, 40, 10), timesteps=4)
    leak = np.array([0, 3, 3, 3])
    first = net.hidden[0]
    net = replace(net, hidden=(replace(first, neuron=replace(
        first.neuron, leak_bits=2, current_leak=leak)), *net.hidden[1:]))
    few, many = (with_memories(net, make_schedule(net, (1, 1), (parallel, 1)), NOMINAL,
                               Port.EVENTS).layers[0].memories.names for parallel in (20, 1))
    assert Store.SYNAPTIC not in few
    assert Store.SYNAPTIC in many


@quick(5, wide=None)
@for_each("seed", range(20))
def test_layouts_have_what_was_chosen(seed):
    net = random_network(np.random.default_rng(seed))
    schedule = with_memories(net, random_schedule(seed, net), NOMINAL, Port.EVENTS)
    for plan, block in zip(schedule.layers, build_layout(net, schedule).blocks, strict=True):
        assert plan.memories.names == block.in_blocks
        assert plan.memories.names <= set(STORES)


def test_block_rams_that_are_left_over_take_what_saves_the_most():
    moves = [np.zeros((4, len(STORES))) for _ in range(2)]
    for number, at, cells, blocks in ((0, 0, -90, 1), (0, 1, -100, 2), (0, 2, 5, 1),
                                      (1, 0, -80, 1), (1, 3, -300, 9)):
        moves[number][0, at], moves[number][2, at] = cells, blocks
    none = [Stores(frozenset())] * 2
    assert [filled(none, moves, free)[0].names | filled(none, moves, free)[1].names
            for free in (0, 1)] == [frozenset(), {STORES[0]}]
    first, last = filled(none, moves, 4)
    assert first.names == {STORES[0], STORES[1]} and last.names == {STORES[0]}
    first, last = filled([Stores(frozenset({STORES[0]})), none[1]], moves, 3)
    assert first.names == {STORES[0], STORES[1]} and last.names == {STORES[0]}


@for_each("spare", range(6))
def test_no_further_memory_would_fit_and_save_cells(spare):
    """With few block RAMs beyond those of the weights."""
    net = network((64, 40, 10), timesteps=4)
    schedule = make_schedule(net, (2, 1), (5, 1))
    least = cost(net, schedule.placed(Stores(frozenset())), NOMINAL).blocks
    chip = with_blocks(NOMINAL, int(least) + spare)
    chosen = with_memories(net, schedule, chip, Port.EVENTS)
    taken = cost(net, chosen, chip)
    assert not chip.excess(taken)
    for number, plan in enumerate(chosen.layers):
        for store in set(STORES) - plan.memories.names:
            more = [each.memories for each in chosen.layers]
            more[number] = Stores(plan.memories.names | {store})
            other = cost(net, chosen.placed(*more), chip)
            assert chip.excess(other) or other.cells >= taken.cells or other == taken, store
