"""Proofs of when a layer works: every group is walked once, every timestep stepped once."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Mux, Signal, Value

from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

FOLDS, TIMESTEPS = 2, 2


def _offered(h: Harness, groups: Any) -> Value:
    """Let ``groups`` offer anything that may grow until it is taken; returns whether one is."""
    group = groups.payload
    h.drive(("valid", groups.valid), ("row", group.rows), ("value", group.values),
            ("mark", group.mark))
    h.m.d.comb += group.charge.eq(Cat(group.values).any())
    h.limit(~groups.valid | group.charge | group.mark)
    waits = h.register(groups.valid & ~groups.ready, "waits")
    row, value, mark = (h.register(each, f"{name}_before") for name, each in (
        ("row", group.rows), ("value", group.values), ("mark", group.mark)))
    same = (Value.cast(group.values) == value) & (Value.cast(group.rows) == row)
    h.limit(~waits | groups.valid & Mux(value.any(), same, ~mark | same) & (~mark | group.mark))
    return groups.valid & groups.ready


def _sequencer(parts: Parts, cadence: str, recovery: int = 1) -> Harness:
    module = parts("sequencer")
    kind = module.Cadence[cadence]
    dut = module.Sequencer(parts("walk").FoldWalk(FOLDS), lanes=1, timesteps=TIMESTEPS,
                           row_width=1, value_width=1, cadence=kind, recovery=recovery)
    h = Harness(dut=dut)
    taken = _offered(h, dut.groups)
    h.drive(("room", dut.room), ("go", dut.go))
    for name in ("due", "op", "rows", "values"):
        h.show(name, getattr(dut, name))
    _charged_once(h, dut, taken & dut.groups.payload.charge)
    _stepped_once(h, dut, taken & dut.groups.payload.mark, cadence)
    _rests(h, dut, recovery)
    free = dut.room & dut.go
    h.must("a group is taken soon where neurons may step", h.soon(
        "stuck", dut.groups.valid & ~dut.groups.ready & free, 4 * FOLDS + recovery))
    return h


def _charged_once(h: Harness, dut: Any, enters: Value) -> None:
    """Each group with an event is walked over all folds, once, as it came."""
    m, op = h.m, dut.op
    left = Signal(range(FOLDS + 1), name="left")  # folds of the group in work, before this cycle
    row = Signal(1, name="row_in_work")
    m.d.sync += left.eq(left - op.charge)
    with m.If(enters):
        m.d.sync += [left.eq(FOLDS), row.eq(dut.groups.payload.rows.as_value())]
    h.must("a group is charged over its folds in order, as it came", ~op.charge | (left != 0) & (
        op.fold == FOLDS - left) & (dut.rows.as_value() == row) & dut.values.as_value().any())
    h.must("none comes before the last is done", ~enters | (left - op.charge == 0))
    h.must("no fold steps before it is charged",
           ~op.step | op.sweep | (left == 0) | op.charge & (op.fold == FOLDS - left))


def _stepped_once(h: Harness, dut: Any, marked: Value, cadence: str) -> None:
    """After a mark the neurons step, all folds in order, in as many timesteps as it ends."""
    m, op = h.m, dut.op
    owed = Signal(range(TIMESTEPS * FOLDS + 2), name="owed")  # operations, before this cycle
    fold, timestep, swept = Signal(range(FOLDS)), Signal(range(TIMESTEPS)), Signal(name="swept")
    marks = Signal(range(TIMESTEPS), name="marks")
    with m.If(marked):
        m.d.sync += marks.eq(Mux(marks == TIMESTEPS - 1, 0, marks + 1))
    each = {"EACH_MARK": FOLDS, "SAMPLE": TIMESTEPS * FOLDS,
            "LAST_MARK": Mux(marks == TIMESTEPS - 1, FOLDS, 0)}[cadence]
    works = op.step & ~op.sweep
    m.d.sync += owed.eq(owed + Mux(marked, each, 0) - works)
    with m.If(op.step):
        m.d.sync += fold.eq(Mux(fold == FOLDS - 1, 0, fold + 1))
        with m.If(fold == FOLDS - 1):
            m.d.sync += swept.eq(1)
            with m.If(swept):
                m.d.sync += timestep.eq(Mux(timestep == TIMESTEPS - 1, 0, timestep + 1))
    now = TIMESTEPS - 1 if cadence == "LAST_MARK" else timestep
    h.must("folds step in order", ~op.step | (op.fold == fold))
    h.must("the first steps only clear", ~op.step | (op.sweep == ~swept))
    h.must("neurons step for a mark, and for nothing else", ~works | (owed != 0))
    h.must("a step says its timestep, and the last closes", ~works | (op.timestep == now) & (
        op.close == (now == TIMESTEPS - 1)))
    h.must("sums are cleared behind their last step",
           ~works | (op.clear == (now == TIMESTEPS - 1 if cadence == "SAMPLE" else 1)))
    h.must("no step without room", dut.room | ~op.step)
    h.must("a step that is owed comes", h.soon("late", (owed != 0) & dut.room & dut.go & ~works
                                               & ~op.charge, FOLDS + 6))


def _rests(h: Harness, dut: Any, recovery: int) -> None:
    for age in range(1, recovery):
        again = h.delayed(dut.op.step, age, f"stepped_{age}") & (
            dut.op.fold == h.delayed(dut.op.fold, age, f"fold_{age}"))
        h.must(f"a row does not step again after {age} cycles", ~(dut.op.step & again))


def _each(parts: Parts) -> Harness:
    return _sequencer(parts, "EACH_MARK")


def _rested(parts: Parts) -> Harness:
    return _sequencer(parts, "EACH_MARK", recovery=4)


def _sample(parts: Parts) -> Harness:
    return _sequencer(parts, "SAMPLE")


def _last(parts: Parts) -> Harness:
    return _sequencer(parts, "LAST_MARK")


PROOFS = (
    Proof("steps at each mark", _each, Fault(
        "sequencer", "self.groups.ready.eq(~marked & (take | ~group.charge))",
        "self.groups.ready.eq(take | ~group.charge)")),
    Proof("steps at each mark, rows that rest", _rested, Fault(
        "sequencer", "wait.eq(gap - 1)", "wait.eq(gap - 2)")),
    Proof("steps of a direct-coded sample", _sample, Fault(
        "sequencer", "m.d.sync += marked.eq(again)", "m.d.sync += marked.eq(0)")),
    Proof("steps at the last mark", _last, Fault(
        "sequencer", "m.Elif(accepted & ~skips)", "m.Elif(accepted)")),
)
