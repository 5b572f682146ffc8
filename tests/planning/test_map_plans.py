"""Plans of maps and joins: which are legal, and which are chosen."""

import re

import numpy as np
import pytest

from bsnn_hw.devices.chips import NOMINAL, nominal_chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.devices.parts import Access
from bsnn_hw.errors import InputError
from bsnn_hw.hdl.pooling import placed_word
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import predicted_cycles
from bsnn_hw.planning.default import default_schedule
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.planning.schedule import joins, make_schedule
from bsnn_hw.reference.network import run
from evidence.random_plans import random_schedule
from tests.for_each import for_each, quick
from tests.planning.maps import chain, joined
from tests.reference.random_maps import random_inputs, random_network


@for_each("lanes, parallel, problems", [
    ((4, 1, 1), (5, 1, 3), ["layer 'c1': lanes must be 1..3, the input's channels, not 4",
                            "layer 'c1': parallel must be 1..4, its output channels, not 5",
                            "layer 'out': parallel must be 1..2, its neurons, not 3"]),
    ((1, 3, 1), (2, 5, 1), ["layer 'c2': lanes must be 1..2, the parallel neurons of 'c1', not 3"]),
    ((1, 1, 4), (2, 3, 1), ["layer 'out': lanes must be 1..3, the parallel neurons of 'c2', "
                            "not 4"]),
])
def test_illegal_counts_are_all_named(lanes, parallel, problems):
    with pytest.raises(InputError, match=f"^{re.escape(chr(10).join(problems))}$"):
        make_schedule(chain(), lanes, parallel)


def test_joined_layers_have_the_same_parallel():
    net = joined()
    assert list(joins(net)) == [(2, 0, "it adds its current row by row"),
                                (3, 2, "it adds its spikes row by row")]
    make_schedule(net, (1, 1, 1, 1, 1), (2, 3, 2, 2, 1))
    problems = ["layer 'c3': parallel must be 2, that of 'c1', as it adds its current row by row, "
                "not 4",
                "layer 'c4': parallel must be 4, that of 'c3', as it adds its spikes row by row, "
                "not 1"]
    with pytest.raises(InputError, match=f"^{re.escape(chr(10).join(problems))}$"):
        make_schedule(net, (1, 1, 1, 1, 1), (2, 3, 4, 1, 1))


def test_lanes_are_shared_where_one_encoder_keeps_up():
    net = chain(Shape(2, 1, 1), (4, 4))
    # Of a place of its own an event reaches one: two folds of it keep two lanes busy, not three.
    assert [plan.shared for plan in make_schedule(net, (2, 2, 1), (4, 2, 2)).layers] == [
        False, True, False]
    assert not make_schedule(net, (2, 3, 1), (4, 2, 2)).layers[1].shared
    # A dense layer behind a map shares as any other.
    assert make_schedule(net, (2, 2, 2), (2, 2, 1)).layers[2].shared


def test_lanes_are_shared_where_copies_are_affordable():
    """512 inputs to 512 channels in 3x3 are 2.4 Mbit: two lanes read them through the two ports."""
    net = chain(Shape(2, 8, 8), (512, 512))
    assert make_schedule(net, (1, 2, 1), (8, 8, 1)).layers[1].shared
    assert not make_schedule(net, (1, 4, 1), (8, 8, 1)).layers[1].shared


@quick(2, wide=8)
@for_each("seed", range(10))
@for_each("goal", [1, 200, 1e9])
def test_the_default_is_legal(seed, goal):
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    inputs = random_inputs(net, rng, 4)
    schedule = default_schedule(net, measure_activity(net, inputs, run(net, inputs)), goal)
    again = make_schedule(net, [plan.lanes for plan in schedule.layers],
                          [plan.parallel for plan in schedule.layers],
                          [plan.engine for plan in schedule.layers],
                          [plan.places for plan in schedule.layers],
                          [plan.units for plan in schedule.layers])
    assert all(plan.pipelined for plan in schedule.layers)
    assert again.placed(*(plan.memories for plan in schedule.layers)).pipelined(True) == schedule


@for_each("seed", range(10))
def test_random_plans_are_legal(seed):
    net = random_network(np.random.default_rng(seed))
    schedule = random_schedule(seed, net)
    make_schedule(net, [plan.lanes for plan in schedule.layers],
                  [plan.parallel for plan in schedule.layers],
                  [plan.engine for plan in schedule.layers])


@pytest.mark.wide
def test_the_default_balances_layers_of_bearable_size():
    net = chain(Shape(3, 16, 16), (96, 64, 64), coding=Coding.DIRECT)
    inputs = np.ones((1, 3 * 16 * 16), np.uint8)
    activity = measure_activity(net, inputs, run(net, inputs))
    schedule = default_schedule(net, activity)
    cycles = [float(c.mean()) for c in predicted_cycles(net, schedule, activity)]
    cost = sum(LayerCosts(net, NOMINAL.family).of(schedule), Cost())
    assert not NOMINAL.excess(cost)
    assert cost.cells > NOMINAL.capacity(NOMINAL.family.logic) / 8
    for number, plan in enumerate(schedule.layers[:-1]):
        assert plan.parallel == 1 or cycles[number] > max(cycles) / 8


@pytest.mark.wide
def test_a_network_that_is_too_large_gets_a_larger_part():
    """2.4 M weights are more than the block RAMs of the nominal part hold."""
    net = chain(Shape(2, 8, 8), (512, 512, 512))
    inputs = np.ones((1, 2, 128), np.uint8)
    schedule = default_schedule(net, measure_activity(net, inputs, run(net, inputs)))
    cost = sum(LayerCosts(net, NOMINAL.family).of(schedule), Cost())
    assert NOMINAL.excess(cost)
    assert any(not nominal_chip(scale).excess(cost) for scale in (2, 4))


@pytest.mark.wide
def test_the_default_gives_a_busy_layer_its_lanes():
    """The layer before it needs no more than one neuron at a time, for itself."""
    net = chain(Shape(1, 12, 12), (96, 96))
    inputs = np.zeros((4, 2, 144), np.uint8)
    inputs[:, :, ::40] = 1
    schedule = default_schedule(net, measure_activity(net, inputs, run(net, inputs)))
    assert schedule.layers[1].lanes > 1


def test_a_map_s_queue_is_as_wide_as_its_words():
    net = chain(Shape(3, 6, 7), (5, 4))
    schedule = make_schedule(net, (1, 2, 1), (3, 4, 1))
    link = build_layout(net, schedule).layers[1].synapses.source
    geometry = link.geometry
    queues = [memory.width for memory in link.parts().memories if memory.access is Access.QUEUE]
    word = placed_word(geometry.source)  # of which the row is not kept
    assert queues == [word.size - word["row"].width]


def test_memory_by_hand():
    net = joined()
    schedule = make_schedule(net, (1, 2, 1, 1, 1), (2, 4, 2, 2, 2))
    first, second, _, last, readout = layer_memories(build_layout(net, schedule))
    # 9 taps, 2 folds, 2 channels; 18 rows of sums -18..18 and of potentials -18..18 or less.
    assert first.weights == 9 * 2 * 2 * 2
    assert first.accumulators == 18 * 2 * 6
    assert first.queues == 0
    # 4 channels come as two words, of which each of two lanes gets one.
    assert second.weights == 2 * 9 * 2 * 4
    assert second.queues > 0
    # A 1x1 convolution beside: its weights, sums of 4, and a timestep of spikes that wait, with 11
    # that come late; the last of them is in a register.
    assert last.weights == 9 * 2 * 4 * 2 + 2 * 4 * 2
    assert last.accumulators == 18 * 2 * 7 + 18 * 2 * 4
    assert last.carried == (18 + 11 - 1) * 2
    assert readout.potentials == 0
    assert all(memory.bits >= memory.weights for memory in (first, second, last, readout))
