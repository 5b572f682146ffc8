"""The plans that are offered: legal, the cheapest there are, and within what was asked for."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bsnn_hw.devices.chips import CHIPS, Chip, find_chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.devices.targets import TARGETS
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.schedule import Engine, Rows
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound, least_bound
from bsnn_hw.planning.forecast import LayerCosts, forecast
from bsnn_hw.planning.goal import Goal, Objective
from bsnn_hw.planning.plan import choose, look_at
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.search import Candidate, Search
from bsnn_hw.planning.throughput import throughput
from bsnn_hw.reference.network import run
from evidence.random_plans import random_schedule
from tests.for_each import for_each, quick
from tests.planning.test_schedule import network
from tests.reference.gates import with_gates
from tests.reference.random_maps import random_inputs, random_network

ECP5 = find_chip("ecp5-25k")


def flat(sizes=(12, 9, 8, 4), coding=Coding.EVENTS):
    net = network(sizes, coding=coding)
    rng = np.random.default_rng(1)
    shape = (20, sizes[0]) if coding is Coding.DIRECT else (20, net.timesteps, sizes[0])
    inputs = (rng.random(shape) < 0.4).astype(np.uint8)
    return net, measure_activity(net, inputs, run(net, inputs))


def counts(schedule):
    layers = schedule.layers
    return ([plan.lanes for plan in layers], [plan.parallel for plan in layers],
            [plan.engine for plan in layers], [plan.places for plan in layers],
            [plan.units for plan in layers])


def remade(net, schedule):
    """A schedule of the same counts and memories, if it is legal."""
    memories = [plan.memories for plan in schedule.layers]
    return make_schedule(net, *counts(schedule)).placed(*memories).pipelined(
        *(plan.pipelined for plan in schedule.layers))


def test_points_of_the_front_lie_a_ratio_apart():
    """From 100 to 1,000 cycles eleven steps of 1.25 and less, and plans of each limit once."""
    asked = []

    def within(limit):
        asked.append(limit)
        yield Candidate("plan", Cost(limit), 5.0)

    found = Search.weighed(SimpleNamespace(limits=lambda: np.array([100., 130., 1000.]),
                                           within=within))
    assert len(asked) == 12
    assert asked == pytest.approx(100 * 10 ** (np.arange(12) / 11))
    assert all(limit >= exact for limit, exact in zip(asked, np.geomspace(100, 1000, 12),
                                                      strict=True))
    assert [each.cost.cells for each in found] == [asked[-1]]


def test_the_smallest_is_the_smallest():
    """Against every plan there is, of a network that is small enough."""
    net, activity = flat((5, 4, 3))
    least = min(forecast(net, make_schedule(net, lanes, parallel).pipelined(True), activity,
                         ECP5.family).cost.cells
                for parallel in itertools.product(range(1, 5), range(1, 4))
                for lanes in itertools.product(range(1, 6), range(1, parallel[0] + 1)))
    asked = [Engine.EVENTS] * 2
    plan = choose(net, activity, ECP5, Goal(Objective.SMALLEST), rows=Rows(), engines=asked)
    assert plan.forecast.cost.cells == pytest.approx(least)
    free = choose(net, activity, ECP5, Goal(Objective.SMALLEST), engines=asked)
    assert free.forecast.cost.cells < least


def test_the_fastest_is_the_fastest():
    net, activity = flat((5, 4, 3))
    least = min(max(forecast(net, make_schedule(net, lanes, parallel).pipelined(True), activity,
                             ECP5.family).layer_cycles)
                for parallel in itertools.product(range(1, 5), range(1, 4))
                for lanes in itertools.product(range(1, 6), range(1, parallel[0] + 1)))
    plan = choose(net, activity, ECP5, Goal(Objective.FASTEST), engines=[Engine.EVENTS] * 2)
    assert max(*plan.forecast.layer_cycles, 3) == pytest.approx(max(least, 3))


@quick(1, wide=7)
@for_each("chip", CHIPS)
@for_each("goal", [Goal(Objective.SMALLEST), Goal(Objective.FASTEST), Goal(Objective.RATE, 2e5)])
@for_each("coding", Coding)
def test_plans_are_legal_and_fit(chip, goal, coding):
    net, activity = flat(coding=coding)
    plan = choose(net, activity, chip, goal, 40)
    assert remade(net, plan.schedule) == plan.schedule
    assert not plan.excess
    assert goal.objective is not Objective.RATE or plan.forecast.speed(40) >= goal.rate
    assert [each.schedule for each in plan.alternatives].count(plan.schedule) == 1
    cycles = [each.forecast.cycles for each in plan.alternatives]
    assert cycles == sorted(cycles)


@quick(1, wide=7)
@for_each("seed", range(8))
@for_each("goal", [Goal(Objective.SMALLEST), Goal(Objective.FASTEST)])
def test_plans_of_maps_and_joins_are_legal(seed, goal):
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    inputs = random_inputs(net, rng, 6)
    activity = measure_activity(net, inputs, run(net, inputs))
    plan = choose(net, activity, find_chip("ecp5-85k"), goal)
    assert remade(net, plan.schedule) == plan.schedule


@quick(0, wide=2)
@for_each("seed", range(4))
def test_what_the_search_counts_is_the_forecast(seed):
    rng = np.random.default_rng(seed)
    sizes = tuple(int(n) for n in rng.integers(4, 40, size=4))
    net, activity = flat(sizes, list(Coding)[seed % 2])
    for candidate in Search(net, activity, ECP5).front():
        seen = forecast(net, candidate.schedule, activity, ECP5.family)
        assert candidate.cost == seen.cost
        assert candidate.cycles == pytest.approx(max(*seen.layer_cycles, sizes[-1]))


@quick(1, wide=None)
@for_each("seed", range(4))
def test_what_the_search_counts_of_gates_is_the_forecast(seed):
    rng = np.random.default_rng(seed)
    net = with_gates(rng, network((12, 9, 8, 4), coding=list(Coding)[seed % 2]), share=1)
    inputs = np.ones((5, 12) if seed % 2 == 0 else (5, net.timesteps, 12), np.uint8)
    activity = measure_activity(net, inputs, run(net, inputs))
    for candidate in Search(net, activity, ECP5).front():
        assert Engine.WORDS not in counts(candidate.schedule)[2][:-1]
        assert candidate.cost == forecast(net, candidate.schedule, activity, ECP5.family).cost


def small(logic=0, **capacities):
    """An ECP5 with less of some resources."""
    capacities |= {"TRELLIS_COMB": logic} if logic else {}
    return Chip(replace(ECP5.target, name="tiny", resources=tuple(
        replace(each, capacity=capacities.get(each.bel, each.capacity))
        for each in ECP5.target.resources)), ECP5.family)


@quick(1, wide=None)
@for_each("engine", Engine)
def test_an_engine_that_is_asked_for(engine):
    net, activity = flat()
    plan = choose(net, activity, ECP5, Goal(Objective.FASTEST), engines=[engine] * 3)
    assert {layer.engine for layer in plan.schedule.layers} == {engine}
    assert remade(net, plan.schedule) == plan.schedule
    assert not plan.notes


@pytest.mark.wide
def test_why_a_layer_takes_what_it_does():
    """Events cost a cycle each where all of them come, words a cycle for many."""
    net, activity = flat((12, 40, 20, 4))
    plan = choose(net, activity, ECP5, Goal(Objective.FASTEST))
    assert any(layer.engine is Engine.WORDS for layer in plan.schedule.layers)
    assert len(plan.notes) == 2
    for note, layer in zip(plan.notes, ("fc2", "out"), strict=True):
        assert note.startswith(f"layer {layer} takes ")
        assert "logic cells; " in note and " would take " in note


def test_nothing_fits():
    net, activity = flat()
    with pytest.raises(InputError) as caught:
        choose(net, activity, small(logic=300), Goal(Objective.SMALLEST))
    message = str(caught.value)
    assert message.startswith("tiny: a plan must fit, and none does; the one that comes nearest "
                              "needs ")
    assert "logic cells, " in message and " more than 270; layer '" in message
    assert message.endswith("take `target` ecp5-25k, the smallest of the listed parts that would "
                            "do")


@pytest.mark.wide
def test_a_rate_that_nothing_reaches():
    net, activity = flat()
    with pytest.raises(InputError, match=r"^`goal`: fps=1000000000 must be reached on ecp5-25k at "
                                         r"100 MHz, but the fastest plan that fits makes .* "
                                         r"inferences per second, .* cycles each; layer '.*' takes "
                                         "the most; no listed part would do$"):
        choose(net, activity, ECP5, Goal(Objective.RATE, 1e9))


def leaky(sizes):
    """Neurons that each take a product."""
    net, activity = flat(sizes)
    hidden = tuple(replace(layer, neuron=replace(
        layer.neuron, threshold=9 * layer.neuron.threshold, leak_bits=12,
        leak=np.array([0, 3000]))) for layer in net.hidden)
    return replace(net, hidden=hidden), activity


def refusal(net, activity, part, rate, clock=None):
    with pytest.raises(InputError) as caught:
        choose(net, activity, find_chip(part), Goal(Objective.RATE, rate), clock)
    return str(caught.value)


@pytest.mark.wide
def test_a_rate_that_another_family_reaches():
    """No plan for an iCE40 is near it, not even one that is too large: products are logic there."""
    net, activity = leaky((200, 150, 4))
    large = find_chip("ecp5-85k")
    fastest = choose(net, activity, large, Goal(Objective.FASTEST))
    rate = 0.9 * fastest.forecast.speed(fastest.clock)
    assert refusal(net, activity, "ice40-up5k", rate).endswith(
        "; take `target` ecp5-85k, the smallest of the listed parts that would do")


@pytest.mark.wide
def test_the_fastest_makes_the_most_at_its_likely_clock(monkeypatch):
    """With a clock that is asked for, fewer cycles are always better; else a smaller plan may be,
    whose clock is higher."""
    net, activity = flat()
    monkeypatch.setattr(Chip, "likely_clock",
                        lambda chip, cost, pipelined=True: 1e8 / cost.cells ** 2)
    plan = choose(net, activity, ECP5, Goal(Objective.FASTEST))
    least = choose(net, activity, ECP5, Goal(Objective.FASTEST), 100)
    assert least.clock == 100 and plan.clock == min(100, 1e8 / plan.forecast.cost.cells ** 2)
    assert least.forecast.cycles <= plan.forecast.cycles
    assert least.forecast.cost.cells > plan.forecast.cost.cells
    assert plan.forecast.speed(ECP5.likely_clock(plan.forecast.cost)) > least.forecast.speed(
        ECP5.likely_clock(least.forecast.cost))
    assert all(each.clock == ECP5.counted_clock(each.forecast.cost) for each in plan.alternatives)
    assert [each.speed for each in plan.alternatives] == [
        each.forecast.speed(each.clock) for each in plan.alternatives]


@pytest.mark.wide
def test_another_part_has_a_clock_of_its_own():
    """iCE40 UltraPlus counts on 24 MHz, HX on 80; a clock that is asked for holds for all."""
    net, activity = flat()
    fastest = choose(net, activity, find_chip("ice40-up5k"), Goal(Objective.FASTEST)).forecast
    rate = 1.2 * fastest.speed(24)
    assert "take `target` ice40-hx8k, " in refusal(net, activity, "ice40-up5k", rate)
    assert refusal(net, activity, "ice40-up5k", rate, 24).endswith("; no listed part would do")


@pytest.mark.wide
def test_neurons_that_fit_with_their_state_in_block_ram_are_weighed():
    """Here an iCE40 has room for 25 side by side; with all state in logic, for 19."""
    net, activity = leaky((200, 150, 4))
    chip = find_chip("ice40-hx8k")
    free = Search(net, activity, chip).space.choices
    ruled = Search(net, activity, chip, Rows(2, 2)).space.choices
    assert max(ruled[0]) == 25
    for some, weighed in zip(ruled, free, strict=True):
        assert set(some) <= set(weighed)


@for_each("seed", range(8))
def test_the_least_bound_is_that_of_no_schedule(seed):
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    inputs = random_inputs(net, rng, 6)
    activity = measure_activity(net, inputs, run(net, inputs))
    least = least_bound(net, activity)
    for plan in range(8):
        assert least <= event_bound(net, random_schedule(plan, net), activity) + 1e-9


@pytest.mark.wide
def test_multipliers_are_a_limit():
    net, activity = leaky((12, 40, 8, 4))
    assert choose(net, activity, ECP5, Goal(Objective.FASTEST)).forecast.cost.multipliers > 5
    plan = choose(net, activity, small(MULT18X18D=5), Goal(Objective.FASTEST))
    assert 0 < plan.forecast.cost.multipliers <= 5


def test_a_given_plan_that_does_not_fit_says_so():
    net, activity = flat()
    plan = look_at(net, make_schedule(net, (12, 9, 8), (9, 8, 4)), activity, small(logic=300), None)
    assert [each.words for each in plan.excess] == ["logic cells"]
    assert plan.clock == ECP5.clock


def test_every_part_of_a_known_family_can_be_planned_for():
    assert [chip.target for chip in CHIPS] == [
        target for target in TARGETS if target.logic.bel in {chip.family.logic for chip in CHIPS}]
    for chip in CHIPS:
        bels = {resource.bel for resource in chip.target.resources}
        assert {bel for bel in (chip.family.logic, chip.family.blocks, chip.family.registers,
                                chip.family.multipliers) if bel} <= bels
        assert chip.clock > 0


def test_an_unknown_part():
    with pytest.raises(InputError, match=r"^`target`: must be one of ecp5-25k, "):
        find_chip("ecp6")


def test_cells_of_a_plan_and_of_its_rivals():
    """For each layer behind another the plan's own cells, and what other engines would take."""
    net, activity = flat((12, 20, 8, 4))
    search = Search(net, activity, ECP5)
    plan = search.front()[0]
    layers = LayerCosts(net, ECP5.family).of(plan.schedule)
    cycles = throughput(net, plan.schedule, activity).layers
    found = search.rivals(plan)
    assert sorted(found) == [1, 2]
    for number, ((cells, taken), others) in found.items():
        assert cells == pytest.approx(layers[number].cells, rel=.02)  # but for what links wait for
        assert taken == pytest.approx(cycles[number])
        assert plan.schedule.layers[number].engine not in others


@for_each("coding", Coding)
def test_units_of_their_own_are_legal_and_take_fewer_cells(coding):
    net, activity = flat((60, 64, 32, 4), coding)
    goal = Goal(Objective.RATE, 1_000_000)
    plain, found = (choose(net, activity, ECP5, goal, 100, units=units) for units in (False, True))
    assert not any(plan.units for plan in plain.schedule.layers)
    assert any(plan.units for plan in found.schedule.layers)
    assert remade(net, found.schedule) == found.schedule
    assert found.forecast.cost.cells < plain.forecast.cost.cells
    assert found.forecast.speed(100) >= goal.rate
