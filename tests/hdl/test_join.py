"""EventJoin against the lanes' own streams: every event once, in its lane and timestep."""

import itertools

import numpy as np
import pytest

from bsnn_hw.hdl.join import EventJoin
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, send, stalls
from tests.hdl.groups import receive_groups


def heads_of(period, lone):
    """A lane's rows of one timestep as heads; the mark comes with the last one, or alone."""
    heads = [{"row": row, "event": 1, "mark": 0} for row in period]
    if period and not lone:
        heads[-1]["mark"] = 1
    else:
        heads.append({"row": 77, "event": 0, "mark": 1})
    return heads


def random_streams(rng, lanes, timesteps):
    """Per lane and timestep its heads; many rows are equal, and many timesteps empty."""
    return [[heads_of(rng.integers(4, size=int(rng.integers(0, 5) * (rng.random() < .8))).tolist(),
                      rng.random() < .5) for _ in range(timesteps)] for _ in range(lanes)]


def join(streams, pauses, full):
    """Groups, and the cycle of the last; ``pauses`` has a lane's chance of a pause."""
    dut = EventJoin(lanes=len(streams), row_width=8)
    bench, taken = Bench(dut), []

    def source(lane):
        async def process(context):
            heads = itertools.chain(*streams[lane])
            await send(context, dut.heads[lane], heads, stalls(lane, pauses[lane]))
        return process

    async def sink(context):
        await receive_groups(context, dut.groups, len(streams[0]), stalls(99, full), taken)

    bench.run(sink, background=map(source, range(len(streams))))
    return taken, bench.cycle


def check(streams, groups):
    """Between two marks, the groups hold exactly the lanes' events, in the lanes' order."""
    rows = [[[]] for _ in streams]
    for events, mark in groups:
        for lane, periods in enumerate(rows):
            if lane in events:
                row, value = events[lane]
                assert value == 1
                periods[-1].append(row)
            if mark:
                periods.append([])
    for lane, stream in enumerate(streams):
        right = [[head["row"] for head in heads if head["event"]] for heads in stream]
        assert rows[lane] == [*right, []], f"lane {lane}"


@quick(4, wide=7)
@for_each("lanes", [1, 2, 3, 6])
@for_each("pause, full", [(0, 0), (.4, 0), (0, .7), (.3, .4)])
def test_every_event_in_its_timestep(lanes, pause, full):
    streams = random_streams(np.random.default_rng(lanes), lanes, 20)
    # Lanes have speeds of their own, so that some run ahead to the next timestep.
    pauses = [pause * (lane + 1) / lanes for lane in range(lanes)]
    check(streams, join(streams, pauses, full)[0])


@quick(0, wide=None)
@for_each("pauses, full", [((0, 0), 0), ((.1, .5), .4)])
def test_all_pairs_of_short_timesteps(pauses, full):
    """Two lanes; each way to end a timestep before and after each other."""
    ways = [heads_of([], True), heads_of([1], False), heads_of([1], True), heads_of([1, 2], False)]
    pairs = list(itertools.product(ways, ways))
    order = [pair for both in itertools.product(pairs, pairs) for pair in both]
    streams = [[list(map(dict, pair[lane])) for pair in order] for lane in range(2)]
    check(streams, join(streams, pauses, full)[0])


@for_each("lanes", [1, 2, 5])
def test_no_cycle_is_lost(lanes):
    """A timestep takes as many cycles as the fullest lane has heads."""
    streams = random_streams(np.random.default_rng(lanes), lanes, 40)
    cycles = sum(max(map(len, timestep)) for timestep in zip(*streams, strict=True))
    assert join(streams, [0] * lanes, 0)[1] == cycles


def test_groups_fill_while_they_wait():
    """Once all lanes have an event to offer, the group has all of them."""
    dut = EventJoin(lanes=3, row_width=4)

    async def check_offer(context):
        for lane in range(3):
            assert context.get(dut.groups.valid) == (lane > 0)
            context.set(dut.heads[lane].payload, {"row": lane, "event": 1, "mark": 1})
            context.set(dut.heads[lane].valid, 1)
            await context.tick()
            group = context.get(dut.groups.payload)
            assert list(group.values) == [int(other <= lane) for other in range(3)]
            assert group.mark == (lane == 2)

    Bench(dut).run(check_offer)


def test_a_lone_mark_is_taken_at_once():
    """Its lane may get its next timestep ready, and waits with it."""
    dut = EventJoin(lanes=2, row_width=4)

    async def check_ready(context):
        head = dut.heads[0]
        for payload, ready in (({"mark": 1}, 1), ({"row": 3, "event": 1}, 0)):
            context.set(head.payload, payload)
            context.set(head.valid, 1)
            assert context.get(head.ready) == ready
            assert not context.get(dut.groups.valid)
            await context.tick()

    Bench(dut).run(check_ready)


@for_each("name", ["lanes", "row_width"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        EventJoin(**{"lanes": 2, "row_width": 4} | {name: 0})
