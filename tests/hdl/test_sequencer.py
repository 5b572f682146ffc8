"""Sequencer against the order of operations that its groups ask for."""

import numpy as np
import pytest

from bsnn_hw.hdl.sequencer import Cadence, Sequencer
from bsnn_hw.hdl.walk import FoldWalk
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls
from tests.hdl.groups import GroupSource

SHAPES = [(1, 1, 1), (2, 1, 3), (3, 2, 3), (5, 3, 2), (2, 5, 4), (4, 1, 5)]
ROW_WIDTH, VALUE_WIDTH = 8, 3


def random_periods(rng, lanes, marks, density):
    """Per mark and lane the events (row, value) before it."""
    return [[[(int(rng.integers(200)), int(rng.integers(1, 8)))
              for _ in range(int(rng.integers(0, 5) * (rng.random() < density)))]
             for _ in range(lanes)] for _ in range(marks)]


def passes_of(cadence, timesteps):
    """Timesteps that step at each mark of one inference."""
    if cadence is Cadence.SAMPLE:
        return [list(range(timesteps))]
    if cadence is Cadence.LAST_MARK:
        return [[]] * (timesteps - 1) + [[timesteps - 1]]
    return [[t] for t in range(timesteps)]


class Record:
    """Runs a sequencer and writes down what it starts in every cycle."""

    def __init__(self, periods, rng, *, lanes, folds, timesteps, cadence, recovery,
                 pause=0.0, full=0.0, lone=0.5):
        self.dut = Sequencer(FoldWalk(folds), lanes=lanes, timesteps=timesteps, cadence=cadence,
                             row_width=ROW_WIDTH, value_width=VALUE_WIDTH,
                             recovery=recovery)
        self.folds, self.lanes, self.cadence, self.timesteps = folds, lanes, cadence, timesteps
        self.recovery = recovery
        self.shared = 0  # walks of events and a step
        self.starts = []  # (cycle, op, room, [(row, value), ...]) where anything happens
        self._steps = sum(len(p) for p in passes_of(cadence, timesteps)) * folds * (
            len(periods) // len(passes_of(cadence, timesteps)))
        self._stop = stalls(rng.integers(99), full)
        source = GroupSource(self.dut.groups, periods, stalls(rng.integers(99), pause),
                             seed=rng.integers(99), lone=lone)
        Bench(self.dut, deadline=6000).run(self._watch, background=[source.run])

    async def _watch(self, context):
        steps, cycle, idle = 0, 0, 0
        while idle < 4 * self.folds + 8:  # nothing may follow the last step
            room = not next(self._stop)
            context.set(self.dut.room, room)
            *_, op, tap, rows, values = await context.tick().sample(
                self.dut.op, self.dut.tap, self.dut.rows, self.dut.values)
            cycle += 1
            if op.charge or op.step:
                assert op.row == op.fold == tap
                self.starts.append((cycle, op, room, list(zip(rows, values, strict=True))))
                steps += op.step and not op.sweep
            idle = idle + 1 if steps == self._steps else 0

    def check(self, periods):
        """The sweep, then per mark exactly its events, fold after fold, then its steps; the first
        may be in the walk of the last events."""
        starts = iter(self.starts)
        self._walk([next(starts) for _ in range(self.folds)], step=1, sweep=1, clear=1, close=1)
        per_inference = passes_of(self.cadence, self.timesteps)
        left = None
        for number, period in enumerate(periods):
            if left is None:
                left = [[] for _ in range(self.lanes)]
            left = [a + b for a, b in zip(left, period, strict=True)]
            for timestep in per_inference[number % len(per_inference)]:
                stepped = False
                while any(left):
                    assert not stepped, f"events behind the step of timestep {timestep}"
                    walk = [next(starts) for _ in range(self.folds)]
                    stepped = walk[0][1].step
                    self._walk(walk, charge=1, step=stepped)
                    self._charges(walk, left)
                last = timestep == self.timesteps - 1
                self.shared += stepped
                if not stepped:
                    walk = [next(starts) for _ in range(self.folds)]
                    self._walk(walk, charge=0)
                self._walk(walk, step=1, sweep=0, timestep=timestep, close=last,
                           clear=last or self.cadence is not Cadence.SAMPLE)
        assert next(starts, None) is None, "something after the last step"
        self._rules()

    def _walk(self, walk, **fields):
        for fold, (cycle, op, _, _) in enumerate(walk):
            for name, value in {"fold": fold, **fields}.items():
                assert op[name] == value, f"cycle {cycle}: {name} is {op[name]}, not {value}"

    def _charges(self, walk, left):
        for lane in range(self.lanes):
            given = [events[lane] for *_, events in walk]
            if given[0][1]:
                assert given == [left[lane].pop(0)] * self.folds, f"lane {lane}"
            else:
                assert not any(value for _, value in given), f"lane {lane}"

    def _rules(self):
        latest = {}
        for cycle, op, room, _ in self.starts:
            if op.step:
                assert room, f"cycle {cycle}: a step without room"
                since = cycle - latest.get(op.fold, -99)
                assert since >= self.recovery, f"fold {op.fold}: {since} cycles between steps"
                latest[op.fold] = cycle


@quick(2, wide=12)
@for_each("cadence", Cadence)
@for_each("pause, full", [(0, 0), (.3, .3), (0, .8)])
@for_each("seed", range(6))
def test_every_event_once_then_the_step(cadence, pause, full, seed):
    rng = np.random.default_rng(seed)
    lanes, folds, timesteps = SHAPES[seed]
    marks = 3 if cadence is Cadence.SAMPLE else 3 * timesteps
    periods = random_periods(rng, lanes, marks, [1, .5][seed % 2])
    recovery = 1 if cadence is Cadence.LAST_MARK else 3 + seed % 2
    Record(periods, rng, lanes=lanes, folds=folds, timesteps=timesteps, cadence=cadence,
           recovery=recovery, pause=pause, full=full).check(periods)


@quick(1, wide=5)
@for_each("cadence", [Cadence.EACH_MARK, Cadence.SAMPLE])
@for_each("lanes, folds", [(1, 1), (1, 4), (3, 3), (4, 5), (2, 1)])
def test_no_cycle_is_lost(cadence, lanes, folds):
    rng = np.random.default_rng(lanes + folds)
    timesteps = 4
    periods = random_periods(rng, lanes, 5 * timesteps, .7)
    record = Record(periods, rng, lanes=lanes, folds=folds, timesteps=timesteps,
                    cadence=cadence, recovery=1, lone=0)
    record.check(periods)
    groups = [max(map(len, period)) for period in periods]
    passes = len(periods) * (timesteps if cadence is Cadence.SAMPLE else 1)
    assert record.shared == np.count_nonzero(groups)
    first, last = record.starts[folds][0], record.starts[-1][0]
    assert last - first + 1 == (sum(groups) + passes - record.shared) * folds


@for_each("folds", [1, 2, 3])
def test_marks_without_a_step_are_free(folds):
    """Where they come with events; one that comes alone has a cycle of the stream to itself."""
    rng = np.random.default_rng(folds)
    timesteps, lanes = 3, 2
    periods = [[[(1, 1)] * (1 + int(rng.integers(3))) for _ in range(lanes)]
               for _ in range(4 * timesteps)]
    record = Record(periods, rng, lanes=lanes, folds=folds, timesteps=timesteps,
                    cadence=Cadence.LAST_MARK, recovery=1, lone=0 if folds == 1 else .5)
    record.check(periods)
    groups = sum(max(map(len, period)) for period in periods)
    assert (record.starts[-1][0] - record.starts[folds][0] + 1
            == (groups + 4 - record.shared) * folds)


@for_each("recovery", [3, 4])
@for_each("folds", [1, 2, 3, 4, 5])
def test_silent_timesteps_step_as_often_as_potentials_allow(folds, recovery):
    periods = [[[], []]] * 6
    record = Record(periods, np.random.default_rng(0), lanes=2, folds=folds, timesteps=6,
                    cadence=Cadence.EACH_MARK, recovery=recovery)
    record.check(periods)
    cycles = record.starts[-1][0] - record.starts[folds][0] + 1
    assert cycles == 5 * max(recovery, folds) + folds


def test_a_reset_starts_with_a_sweep():
    dut = Sequencer(FoldWalk(3), lanes=1, timesteps=2, row_width=4, value_width=1,
                    cadence=Cadence.EACH_MARK, recovery=3)
    bench = Bench(dut)

    async def check(context):
        context.set(dut.room, 1)
        for folds in (range(3), [-1], range(3), [-2]):
            for fold in folds:
                op = context.get(dut.op)
                assert (op.step, op.sweep) == ((1, 1) if fold >= 0 else (0, 0))
                assert fold < 0 or (op.fold == fold and op.clear and op.close)
                if fold == -1:
                    context.set(bench.reset, 1)
                await context.tick()
            context.set(bench.reset, 0)

    bench.run(check)


CORRECT = {"lanes": 2, "timesteps": 2, "row_width": 4, "value_width": 1,
           "cadence": Cadence.SAMPLE, "recovery": 3}


@for_each("name, value", [
    *((name, 0) for name in CORRECT if name != "cadence"), ("lanes", -1), ("lanes", "2")])
def test_wrong_arguments(name, value):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not {value!r}"):
        Sequencer(FoldWalk(3), **CORRECT | {name: value})


def test_wrong_argument_cadence():
    with pytest.raises(TypeError, match="cadence must be a Cadence, not 'each mark'"):
        Sequencer(FoldWalk(3), **CORRECT | {"cadence": "each mark"})


def test_wrong_argument_walk():
    with pytest.raises(TypeError, match="walk must be a FoldWalk or MapWalk or LineWalk, not 3"):
        Sequencer(3, **CORRECT)
