"""What the search counts of an option is what the forecast counts of a plan that has it."""

from itertools import pairwise

import numpy as np
import pytest

from bsnn_hw.ir.network import Coding, Conv, SynapseShortcut
from bsnn_hw.ir.schedule import Engine, Port, Rows, Stores
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.planning.options import _Builder, _fold_sizes, search_space
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.stores import STORES
from bsnn_hw.planning.throughput import throughput
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick
from tests.planning.test_schedule import network
from tests.planning.test_search import ECP5, flat
from tests.reference.gates import with_gates
from tests.reference.random_maps import random_inputs, random_network

MOST = 24  # options of a layer that are looked at
NO_LIMIT = 1e9


class Options:
    """A network's options, and the plans that have them."""

    def __init__(self, net, activity, rows=None, port=Port.EVENTS, units=True):
        self.net, self.activity = net, activity
        self.rows = rows or Stores()
        self.space = search_space(net, activity, ECP5.family, rows, NO_LIMIT, units=units)
        self.costs = LayerCosts(net, ECP5.family, port)

    def of_layer(self, number, rng):
        """(plan, cost, cycles, moves) of options of layer ``number``, as the search counts them."""
        main, *beside = (table for table in self.space.tables if table.number == number)
        assert main.main and not any(table.main for table in beside)
        legal = np.argwhere(np.isfinite(main.cycles))
        for a, b, way in rng.permutation(legal)[:MOST].tolist():
            chosen = [0] * len(self.space.members)
            for group, choice in ((main.groups[0], a), (main.groups[1], b)):
                if group is not None:
                    chosen[group] = choice
            at = [(a, b, way), *((chosen[table.groups[0]], b, 0) for table in beside)]
            tables = list(zip((main, *beside), at, strict=True))
            cost = sum(table.costs[(slice(None), *place)] for table, place in tables)
            cycles = max(table.cycles[place] for table, place in tables)
            yield self.plan(number, main.ways[a][way], chosen), cost, cycles, main.moved(b, way)

    def plan(self, number, way, chosen):
        parallel = self.space.parallel(chosen)
        lanes, engines, places = ([each] * len(parallel) for each in (1, Engine.EVENTS, 1))
        engines[number], lanes[number], places[number], _ = way
        units = [None] * len(parallel)
        units[number] = way.units(parallel[number])
        return make_schedule(self.net, lanes, parallel, engines, places, units).placed(
            *[self.rows] * len(parallel)).pipelined(ECP5.family.pipelined)

    def counted(self, schedule, number):
        return np.array(self.costs.of(schedule)[number].row)


def check(options, exact=True):
    rng, seen = np.random.default_rng(0), 0
    for number in range(len(options.net.layers)):
        for plan, cost, cycles, _ in options.of_layer(number, rng):
            found = options.counted(plan, number)
            if exact:
                assert cost == pytest.approx(found), plan.layers[number]
            else:  # engines that wait for each other, and queues for late words, are not in it
                assert cost == pytest.approx(found, rel=0.05, abs=2), plan.layers[number]
            taken = throughput(options.net, plan, options.activity).layers[number]
            if any(isinstance(each, SynapseShortcut)
                   for each in options.net.layers[number].shortcuts):
                # Two engines wait for each other in each timestep.
                assert taken / 2 <= cycles <= taken * (1 + 1e-9), plan.layers[number]
            else:
                assert cycles == pytest.approx(taken), plan.layers[number]
            seen += 1
    assert seen > len(options.net.layers)


@quick(1, wide=None)
@for_each("coding", Coding)
@for_each("rows", [None, Rows(), Rows(8)])
def test_flat_layers(coding, rows):
    check(Options(*flat((6, 7, 5, 3), coding), rows))


@pytest.mark.wide
def test_a_port_of_bytes():
    net, _ = flat((6, 7, 3), Coding.DIRECT)
    inputs = np.random.default_rng(2).integers(0, 2, (20, 6)).astype(np.uint8)
    check(Options(net, measure_activity(net, inputs, run(net, inputs), Port.BYTES),
                  port=Port.BYTES))


@pytest.mark.wide
def test_gates():
    net = with_gates(np.random.default_rng(3), network((6, 7, 5, 3)), share=1)
    inputs = np.ones((4, net.timesteps, 6), np.uint8)
    check(Options(net, measure_activity(net, inputs, run(net, inputs))), exact=False)


@quick(0, wide=None)
@for_each("seed", range(6))
def test_maps_and_joins(seed):
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    inputs = random_inputs(net, rng, 6)
    check(Options(net, measure_activity(net, inputs, run(net, inputs))), exact=False)


@pytest.mark.wide
@for_each("coding", Coding)
def test_a_memory_that_moves(coding):
    options, rng, moved = Options(*flat((6, 7, 5, 3), coding)), np.random.default_rng(1), 0
    for number in range(len(options.net.layers)):
        for plan, _, _, moves in list(options.of_layer(number, rng))[:4]:
            before = options.counted(plan, number)
            for store, more in zip(STORES, moves.T, strict=True):
                if not more.any():
                    continue
                places = [Stores()] * len(plan.layers)
                places[number] = Stores(frozenset({store}))
                after = options.counted(plan.placed(*places), number)
                assert more == pytest.approx(after - before), (number, store)
                moved += 1
    assert moved


def test_a_choice_too_large_is_left_out_but_not_the_smallest():
    net, activity = flat((6, 7, 5, 3))
    every = search_space(net, activity, ECP5.family, None, NO_LIMIT).choices
    assert every == ((1, 2, 3, 4, 7), (1, 2, 3, 5), (1, 2, 3))
    assert search_space(net, activity, ECP5.family, None, 0).choices == ((1,), (1,), (1,))
    costs = LayerCosts(net, ECP5.family)
    largest = costs.of(make_schedule(net, (1, 1, 1), (7, 1, 1)))[0].cells
    assert search_space(net, activity, ECP5.family, Rows(), largest).choices[0][-1] == 7


def test_sizes_of_folds():
    assert _fold_sizes(1) == [1]
    assert _fold_sizes(8) == [1, 2, 3, 4, 8]
    # Each is the smallest for its number of folds, and of large ones a step apart.
    sizes = _fold_sizes(1000)
    assert sizes[:8] == [1, 2, 3, 4, 5, 6, 7, 8] and sizes[-1] == 1000
    folds = [-(-1000 // size) for size in sizes]
    assert sizes == [-(-1000 // each) for each in folds]
    steps = [later / sooner for sooner, later in pairwise(sizes[8:])]
    assert min(steps) >= (1000 / 8) ** (1 / 11) and len(sizes) <= 8 + 12
    # Of fewer, those that are 12 % apart at least.
    assert _fold_sizes(30) == [1, 2, 3, 4, 5, 6, 8, 10, 15, 30]


def test_neurons_side_by_side_of_a_map_are_halves_of_its_channels():
    net = random_network(np.random.default_rng(0))
    inputs = random_inputs(net, np.random.default_rng(0), 2)
    builder = _Builder(net, measure_activity(net, inputs, run(net, inputs)), ECP5.family, None,
                       False)
    number, layer = next((number, each) for number, each in enumerate(net.layers)
                         if isinstance(each.synapse, Conv) and each.synapse.groups == 1
                         and each.synapse.shape.channels > 3)
    channels = layer.synapse.shape.channels
    halves = sorted({-(-channels // 2 ** k) for k in range(9)})
    assert builder.choices([number], NO_LIMIT, [None] * len(net.layers)) == tuple(halves)
