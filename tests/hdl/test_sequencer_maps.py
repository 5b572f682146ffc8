"""Sequencer with a MapWalk: the walks of its groups one behind the other, then the step's."""

import numpy as np

from bsnn_hw.hdl.sequencer import Cadence, Sequencer
from bsnn_hw.hdl.walk import MapWalk
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, send, stalls
from tests.hdl.maps import CONVS, geometry_of, reach_of, walk_of

VALUE_WIDTH = 2


def random_groups(rng, geometry, marks):
    """(place, rows, values, mark) of each group; a place of None is a lone mark."""
    places = [place for place in np.ndindex(*geometry.reach.shape) if geometry.reach[place]]
    groups = []
    for _ in range(marks):
        count = int(rng.integers(0, 5))
        for number in range(count):
            rows = rng.integers(geometry.rows, size=geometry.lanes).tolist()
            values = rng.integers(1 << VALUE_WIDTH, size=geometry.lanes).tolist()
            values[int(rng.integers(geometry.lanes))] = 1
            place = places[rng.integers(len(places))]
            groups.append((place, rows, values, number == count - 1 and rng.random() < .6))
        if not count or not groups[-1][3]:
            groups.append((None, [0] * geometry.lanes, [0] * geometry.lanes, True))
    return groups


def payload(geometry, group):
    place, rows, values, mark = group
    result = {"rows": rows, "values": values, "charge": place is not None, "mark": mark}
    return result | ({"reach": reach_of(geometry, *place)} if place else {})


def expected_starts(geometry, groups, cadence, timesteps):
    """Each operation as (kind, row, fold, tap, rows, values); a step's kind is its timestep."""
    rows = [(row, row % geometry.folds) for row in range(geometry.raster.rows)]
    starts = [("sweep", *row) for row in rows]
    inference = 0
    for place, lanes, values, mark in groups:
        if place:
            starts += [("charge", *visit, lanes, values) for visit in walk_of(geometry, *place)]
        if not mark:
            continue
        steps = range(timesteps) if cadence is Cadence.SAMPLE else [inference % timesteps]
        starts += [(t, *row) for t in steps for row in rows]
        inference += 1
    return starts


class Record:
    """Runs a sequencer on groups and writes down (cycle, start) of all that it starts."""

    def __init__(self, geometry, groups, cadence, timesteps, *, recovery, pause=0.0, full=0.0,
                 held=0.0):
        self.dut = Sequencer(MapWalk(geometry), lanes=geometry.lanes, timesteps=timesteps,
                             row_width=max(1, geometry.row_bits), value_width=VALUE_WIDTH,
                             cadence=cadence, recovery=recovery)
        self.starts, self._timesteps, self._sample = [], timesteps, cadence is Cadence.SAMPLE
        self._stop, self._hold = stalls(3, full), stalls(4, held)
        payloads = [payload(geometry, group) for group in groups]
        self._count = len(expected_starts(geometry, groups, cadence, timesteps))

        async def source(context):
            await send(context, self.dut.groups, payloads, stalls(5, pause))

        Bench(self.dut).run(self._watch, background=[source])

    async def _watch(self, context):
        dut, cycle, after, granted = self.dut, 0, 0, 0
        while after < 20:  # nothing may follow the last
            context.set(dut.room, not next(self._stop))
            context.set(dut.go, not next(self._hold))
            *_, op, tap, rows, values, due, go = await context.tick().sample(
                dut.op, dut.tap, dut.rows, dut.values, dut.due, dut.go)
            cycle += 1
            if op.charge:
                self.starts.append((cycle, ("charge", op.row, op.fold, tap, list(rows),
                                            list(values))))
            elif op.step:
                last = op.timestep == self._timesteps - 1
                assert op.sweep or (op.close, op.clear) == (last, last or not self._sample)
                kind = "sweep" if op.sweep else op.timestep
                if not op.sweep and op.row == 0:
                    assert granted, f"cycle {cycle}: a step that was not told to go"
                    granted -= 1
                self.starts.append((cycle, (kind, op.row, op.fold)))
            else:
                assert not any(values)
            granted += due and go
            after += len(self.starts) >= self._count


@quick(2, wide=7)
@for_each("case", CONVS)
@for_each("cadence", [Cadence.EACH_MARK, Cadence.SAMPLE])
@for_each("pause, full, held", [(0, 0, 0), (.3, .5, .3)])
def test_every_walk_then_the_step(case, cadence, pause, full, held):
    geometry, timesteps, recovery = geometry_of(case), 3, 6
    marks = 3 if cadence is Cadence.SAMPLE else 2 * timesteps
    groups = random_groups(np.random.default_rng(len(str(case))), geometry, marks)
    record = Record(geometry, groups, cadence, timesteps, recovery=recovery, pause=pause,
                    full=full, held=held)
    assert [start for _, start in record.starts] == expected_starts(geometry, groups, cadence,
                                                                    timesteps)
    latest = {}
    for cycle, (kind, row, *_) in record.starts:
        if kind != "charge":
            since = cycle - latest.get(row, -99)
            assert since >= recovery, f"row {row}: {since} cycles between steps"
            latest[row] = cycle


@quick(2, wide=None)
@for_each("case", CONVS[1:-1])
def test_no_cycle_is_lost(case):
    geometry = geometry_of(case)
    groups = random_groups(np.random.default_rng(0), geometry, 4)
    record = Record(geometry, groups, Cadence.SAMPLE, 2, recovery=1)
    assert record.starts[-1][0] - record.starts[0][0] + 1 == len(record.starts)


def test_a_reset_amid_a_walk_starts_with_a_sweep():
    geometry = geometry_of(CONVS[1])
    dut = Sequencer(MapWalk(geometry), lanes=2, timesteps=2, row_width=1, value_width=1,
                    cadence=Cadence.EACH_MARK, recovery=3)
    bench = Bench(dut)
    group = payload(geometry, ((1, 1), [0, 0], [1, 1], False))

    async def check(context):
        context.set(dut.room, 1)
        context.set(dut.groups.payload, group)
        context.set(dut.groups.valid, 1)
        for length in (geometry.raster.rows, geometry.raster.rows):
            for row in range(length):
                op = context.get(dut.op)
                assert (op.sweep, op.step, op.row, op.clear, op.close) == (1, 1, row, 1, 1)
                await context.tick()
            await context.tick().repeat(7)
            context.set(bench.reset, 1)
            await context.tick()
            context.set(bench.reset, 0)

    bench.run(check)
