"""ReachLookup against ``ConvEvents``: what a position reaches, and what becomes of marks."""

import numpy as np
import pytest

from bsnn_hw.hdl.reach import ReachLookup
from bsnn_hw.ir.network import Shape
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls
from tests.hdl.groups import read_group
from tests.hdl.maps import CONVS, geometry_of, reach_of

SPARSE = (Shape(2, 7, 6), (1, 2), (3, 4), (0, 0), 3, 2, 2, 2)  # most positions reach nothing
CASES = [*CONVS, SPARSE]
VALUE_WIDTH = 3


def random_groups(rng, geometry, count):
    """((y, x), rows, values, mark); all positions, a third of the groups marked, lone marks too."""
    height, width = geometry.source.shape.height, geometry.source.shape.width
    for number in range(count):
        place = divmod(int(rng.permutation(height * width)[number % (height * width)]), width)
        rows = rng.integers(geometry.rows, size=geometry.lanes).tolist()
        values = rng.integers(1 << VALUE_WIDTH, size=geometry.lanes) * (rng.random() < .8)
        mark = rng.random() < .33 or not values.any()
        yield place, rows, values.tolist(), mark


def payload(group):
    (y, x), rows, values, mark = group
    return {"place": {"y": y, "x": x}, "rows": rows, "values": values, "charge": any(values),
            "mark": mark}


def expected(geometry, groups):
    """(reach, rows, values, mark) of what is left; a lone mark has no reach."""
    for place, rows, values, mark in groups:
        reach = reach_of(geometry, *place) if any(values) else None
        if reach:
            yield reach, rows, values, bool(mark)
        elif mark:
            yield None, None, None, True


def readable(given):
    if not given.charge:
        assert given.mark
        return None, None, None, True
    _, mark = read_group(given)
    return ({name: getattr(given.reach, name) for name in ("row", "tap", "columns", "lines")},
            list(given.rows), list(given.values), mark)


def look_up(geometry, groups, *, pause=0.0, full=0.0):
    """What comes, and the cycles until the last; nothing may follow."""
    dut, taken = ReachLookup(geometry, value_width=VALUE_WIDTH), []
    bench, cycles = Bench(dut), []
    count = len(list(expected(geometry, groups)))

    async def source(context):
        await send(context, dut.placed, map(payload, groups), stalls(1, pause))

    async def sink(context):
        await receive(context, dut.groups, count, stalls(2, full), taken)
        cycles.append(bench.cycle)
        context.set(dut.groups.ready, 1)
        for _ in range(10):
            *_, valid = await context.tick().sample(dut.groups.valid)
            assert not valid, "something after the last group"

    bench.run(source, sink)
    return [readable(given) for given in taken], cycles[0]


@quick(3, wide=11)
@for_each("case", CASES)
@for_each("pause, full", [(0, 0), (0, .6), (.4, .3)])
def test_every_group_has_its_reach(case, pause, full):
    geometry = geometry_of(case)
    groups = list(random_groups(np.random.default_rng(3), geometry, 60))
    given, _ = look_up(geometry, groups, pause=pause, full=full)
    assert given == list(expected(geometry, groups))


@quick(2, wide=None)
@for_each("case", CASES)
def test_a_group_a_cycle(case):
    geometry = geometry_of(case)
    groups = list(random_groups(np.random.default_rng(4), geometry, 40))
    groups += [((0, 0), [0] * geometry.lanes, [0] * geometry.lanes, True)]
    assert look_up(geometry, groups)[1] == len(groups) + 2, "and two through the lookup"


def test_where_a_stride_passes_over_a_pixel():
    """1x1 kernel, stride 3: pixel (1, 1) reaches nothing, its mark stays; (3, 0) reaches position 2
    of the four."""
    geometry = geometry_of(CONVS[4])
    groups = [((1, 1), [1], [1], False), ((1, 1), [1], [1], True), ((3, 0), [1], [1], False),
              ((0, 1), [1], [1], False), ((3, 3), [0], [2], True)]
    assert look_up(geometry, groups)[0] == [
        (None, None, None, True),
        ({"row": 2, "tap": 0, "columns": 0, "lines": 0}, [1], [1], False),
        ({"row": 3, "tap": 0, "columns": 0, "lines": 0}, [0], [2], True)]


@for_each("case", CASES)
@for_each("largest", [5, 19])
def test_values_times_the_factors_of_their_channels(case, largest):
    geometry = geometry_of(case)
    shape, rng = geometry.source.shape, np.random.default_rng(5)
    factors = (largest, *rng.integers(1, largest, shape.channels - 1).tolist())
    dut, taken = ReachLookup(geometry, value_width=VALUE_WIDTH, factors=factors), []
    place = next((y, x) for y in range(shape.height) for x in range(shape.width)
                 if reach_of(geometry, y, x))
    banks, rows = geometry.lane_row(np.arange(shape.channels) * shape.positions)
    events = [(channel, int(bank), int(row)) for channel, (bank, row) in enumerate(
        zip(banks, rows, strict=True))]

    def group(bank, row):
        rows = [row if lane == bank else 0 for lane in range(geometry.lanes)]
        return payload((place, rows, [5 * (lane == bank) for lane in range(geometry.lanes)], 0))

    async def source(context):
        await send(context, dut.placed, [group(bank, row) for _, bank, row in events], stalls(1, 0))

    async def sink(context):
        await receive(context, dut.groups, len(events), stalls(2, .3), taken)

    Bench(dut).run(source, sink)
    assert [list(each.values) for each in taken] == [
        [5 * factors[channel] * (lane == bank) for lane in range(geometry.lanes)]
        for channel, bank, _ in events]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="factors must be 1 numbers of 1 or more, not \\(0,\\)"):
        ReachLookup(geometry_of(CONVS[0]), value_width=1, factors=(0,))
    with pytest.raises(TypeError, match="geometry must be a ConvEvents, not None"):
        ReachLookup(None, value_width=1)
    with pytest.raises(ValueError, match="value_width must be an integer of 1 or more, not 0"):
        ReachLookup(geometry_of(CONVS[0]), value_width=0)
