"""GroupMerge against the timesteps of all its streams, one after the other."""

import numpy as np
import pytest

from bsnn_hw.hdl.formats import event_group
from bsnn_hw.hdl.merge import GroupMerge
from tests.for_each import for_each
from tests.hdl.benches import Bench, receive, send, stalls

GROUP = event_group(lanes=2, row_width=3, value_width=1)


def group(rows, values, mark):
    return {"rows": list(rows), "values": list(values), "charge": any(values), "mark": mark}


def drawn(rng, timesteps):
    """Timesteps of one stream: groups with events, and a mark with the last or alone."""
    found = []
    for _ in range(timesteps):
        count = int(rng.integers(4))
        groups = [group(rng.integers(8, size=2), [1, int(rng.integers(2))], 0)
                  for _ in range(count)]
        if groups and rng.random() < 0.5:
            groups[-1]["mark"] = 1
        else:
            groups.append(group((0, 0), (0, 0), 1))
        found.append(groups)
    return found


def merged(streams):
    """What must come of the streams: the events of all in order, the mark of the last."""
    found = []
    for timestep in zip(*streams, strict=True):
        *before, last = timestep
        found += [each | {"mark": 0} for groups in before for each in groups if each["charge"]]
        found += last
    return found


def plain(payload):
    return {"rows": [int(row) for row in payload.rows],
            "values": [int(value) for value in payload.values],
            "charge": int(payload.charge), "mark": int(payload.mark)}


@for_each("count, pause, full", [(2, 0, 0), (2, .5, .2), (3, .2, .5), (4, .7, .7)])
def test_every_stream_in_turn(count, pause, full):
    rng = np.random.default_rng(count)
    streams = [drawn(rng, 12) for _ in range(count)]
    dut, taken = GroupMerge(GROUP, count=count), []
    bench, wanted = Bench(dut), merged(streams)

    def source(number):
        async def give(context):
            groups = [each for timestep in streams[number] for each in timestep]
            await send(context, dut.sources[number], groups, stalls(number, pause))
        return give

    async def sink(context):
        await receive(context, dut.groups, len(wanted), stalls(9, full), taken)

    bench.run(sink, background=[source(number) for number in range(count)])
    assert [plain(each) for each in taken] == [each | {"charge": int(each["charge"])}
                                               for each in wanted]


def test_a_group_may_grow_until_it_is_taken():
    """A mark that comes while the group waits goes with it, or alone of the last stream."""
    dut = GroupMerge(GROUP, count=2)

    async def look(context):
        first, last = dut.sources
        context.set(first.payload, group((1, 2), (1, 0), 0))
        context.set(first.valid, 1)
        await context.delay(1e-9)
        assert context.get(dut.groups.valid) and not context.get(dut.groups.payload.mark)
        context.set(first.payload, group((1, 2), (1, 1), 1))
        context.set(dut.groups.ready, 1)
        await context.delay(1e-9)
        assert plain(context.get(dut.groups.payload)) == {
            "rows": [1, 2], "values": [1, 1], "charge": 1, "mark": 0}
        await context.tick()
        context.set(first.valid, 0)
        context.set(last.payload, group((0, 0), (0, 0), 1))
        context.set(last.valid, 1)
        await context.delay(1e-9)
        assert context.get(dut.groups.valid) and context.get(dut.groups.payload.mark)

    Bench(dut).run(look)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="count must be 2 or more, not 1"):
        GroupMerge(GROUP, count=1)
    with pytest.raises(TypeError):
        GroupMerge("group", count=2)
