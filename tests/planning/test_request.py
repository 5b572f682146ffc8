"""What is asked for is planned: counts given in part or whole, for a part or for none."""

from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.schedule import Engine, Rows, Stores
from bsnn_hw.planning.goal import Goal, Objective
from bsnn_hw.planning.plan import choose
from bsnn_hw.planning.request import PlanRequest, make_plan
from tests.for_each import for_each, quick
from tests.planning.test_search import ECP5, counts, flat

EVENTS, WORDS = Engine.EVENTS, Engine.WORDS


def asked(**what):
    return make_plan(*flat((6, 7, 5, 3)), PlanRequest(**what))


def test_counts_that_are_given_are_taken():
    plan = asked(chip=ECP5, lanes=(2, 3, 1), parallel=(4, 2, 1))
    assert counts(plan.schedule) == ([2, 3, 1], [4, 2, 1], [EVENTS] * 3, [1] * 3, [None] * 3)
    assert plan.forecast is not None and not plan.excess
    bare = asked(lanes=(2, 3, 1), parallel=(4, 2, 1))
    assert counts(bare.schedule) == counts(plan.schedule) and bare.forecast is None
    words = asked(engines=[EVENTS, WORDS, EVENTS], lanes=(2, 4, 1), parallel=(4, 2, 1))
    assert counts(words.schedule) == (
        [2, 4, 1], [4, 2, 1], [EVENTS, WORDS, EVENTS], [1] * 3, [None] * 3)


def test_lanes_give_way_to_parallel_neurons_that_are_given():
    plan = asked(parallel=(1, 1, 1), engines=[EVENTS])
    lanes, parallel, *_ = counts(plan.schedule)
    assert parallel == [1, 1, 1] and lanes[1:] == [1, 1]


def test_lanes_alone_are_of_events():
    assert counts(asked(lanes=(1, 1, 1)).schedule)[2] == [EVENTS] * 3


@for_each("rows", [Rows(), Rows(4)])
def test_memories_as_they_are_said(rows):
    plan = asked(lanes=(1, 1, 1), parallel=(1, 1, 1), rows=rows)
    assert {layer.memories for layer in plan.schedule.layers} == {rows}
    free = asked(lanes=(1, 1, 1), parallel=(1, 1, 1))
    assert all(isinstance(layer.memories, Stores) for layer in free.schedule.layers)


@quick(0, wide=None)
@for_each("coding", Coding)
def test_the_best_for_a_part_or_the_default(coding):
    net, activity = flat((6, 7, 5, 3), coding)
    smallest = make_plan(net, activity, PlanRequest(ECP5))
    assert smallest.schedule == choose(net, activity, ECP5, Goal(Objective.SMALLEST)).schedule
    fastest = make_plan(net, activity, PlanRequest(ECP5, Goal(Objective.FASTEST)))
    assert fastest.forecast.cycles < smallest.forecast.cycles
    assert make_plan(net, activity, PlanRequest()).forecast is None
