"""EventCollector against its contract: events to the lanes in turn, one mark per timestep."""

import itertools

import numpy as np
import pytest

from bsnn_hw.hdl.collector import EventCollector
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, send, stalls
from tests.hdl.groups import receive_groups


def random_steps(rng, count):
    """Rows of every timestep's events."""
    return [rng.integers(256, size=rng.integers(0, 9)).tolist() for _ in range(count)]


def stream_of(steps, rng):
    """Marks come with the last event, or alone."""
    for step in steps:
        joined = bool(step) and rng.random() < .5
        for number, row in enumerate(step):
            yield {"row": row, "event": 1, "mark": joined and number == len(step) - 1}
        if not joined:
            yield {"row": 9, "event": 0, "mark": 1}


def expected_lanes(steps, lanes):
    """Per lane and timestep the rows; the turn goes on from timestep to timestep."""
    result, turn = [[[] for _ in steps] for _ in range(lanes)], itertools.cycle(range(lanes))
    for number, step in enumerate(steps):
        for row in step:
            result[next(turn)][number].append(row)
    return result


def given_lanes(groups, lanes):
    """The same of groups, and one empty timestep behind the last mark."""
    result = [[[]] for _ in range(lanes)]
    for events, mark in groups:
        for lane, (row, value) in events.items():
            assert value == 1
            result[lane][-1].append(row)
        if mark:
            for rows in result:
                rows.append([])
    return result


def collect(lanes, events, marks, pauses, sink_pauses):
    """Groups, and the cycle of the last."""
    dut = EventCollector(lanes=lanes, row_width=8)
    bench, taken = Bench(dut), []

    async def source(context):
        await send(context, dut.events, events, pauses)

    async def sink(context):
        await receive_groups(context, dut.groups, marks, sink_pauses, taken)

    bench.run(sink, background=[source])
    return taken, bench.cycle


@quick(3, wide=None)
@for_each("lanes", [1, 2, 3, 5])
@for_each("pause, full", [(0, 0), (.4, 0), (0, .7), (.3, .4)])
def test_events_in_turn_and_a_mark_each_timestep(lanes, pause, full):
    rng = np.random.default_rng(lanes)
    steps = random_steps(rng, 25)
    taken, _ = collect(lanes, stream_of(steps, rng), 25, stalls(1, pause), stalls(2, full))
    right = expected_lanes(steps, lanes)
    for lane, rows in enumerate(given_lanes(taken, lanes)):
        assert rows == [*right[lane], []], f"lane {lane}"


@pytest.mark.wide
@for_each("pause, full", [(0, 0), (.5, 0), (0, .5)])
def test_all_ways_of_short_timesteps(pause, full):
    """Two lanes; timesteps of up to three events and either mark, each before each other."""
    ways = [(length, joined) for length in range(4) for joined in (False, True)[:1 + bool(length)]]
    order = [way for pair in itertools.product(ways, ways) for way in pair]
    steps, events = [], []
    for number, (length, joined) in enumerate(order):
        steps.append([(number + i) % 256 for i in range(length)])
        heads = [{"row": row, "event": 1, "mark": 0} for row in steps[-1]]
        if joined:
            heads[-1]["mark"] = 1
        else:
            heads.append({"row": 0, "event": 0, "mark": 1})
        events += heads
    taken, _ = collect(2, events, len(steps), stalls(1, pause), stalls(2, full))
    right = expected_lanes(steps, 2)
    assert given_lanes(taken, 2) == [[*rows, []] for rows in right]


@for_each("lanes", [1, 2, 3])
@for_each("slower", [0, 1, 4])
def test_groups_are_full_where_the_layer_is_no_faster_than_the_events(lanes, slower):
    """A layer of ``folds`` takes a group each so many cycles."""
    folds = lanes + slower
    events = [{"row": i, "event": 1, "mark": i == 29} for i in range(30)]
    # The first event needs a cycle to arrive.
    busy = itertools.chain([True], itertools.cycle([True] * (folds - 1) + [False]))
    taken, _ = collect(lanes, events, 1, stalls(0, 0), busy)
    assert [len(events) for events, _ in taken] == [lanes] * (30 // lanes)


@for_each("lanes", [1, 2, 3])
@for_each("mark", [0, 1])
def test_no_cycle_is_lost(lanes, mark):
    """One event a cycle, and also one timestep a cycle."""
    events = [{"row": i, "event": 1, "mark": mark or i == 19} for i in range(20)]
    taken, cycles = collect(lanes, events, 20 if mark else 1, stalls(0, 0), stalls(0, 0))
    assert len(taken) == 20
    assert cycles == 21, "a cycle for each, and one through the collector"


@for_each("name", ["lanes", "row_width"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        EventCollector(**{"lanes": 2, "row_width": 4} | {name: 0})
