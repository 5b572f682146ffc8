"""Proofs of what follows the sums: currents and neurons are the reference's, whatever comes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from amaranth import Cat, Mux, Signal, Value, signed

from bsnn_hw.ir.bounds import HiddenBounds, Interval, hidden_bounds
from bsnn_hw.ir.network import (
    Comparison,
    CurrentShortcut,
    Dense,
    Hidden,
    NeuronSpec,
    Reset,
    SpikeShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import USUAL_ROWS, Rows, Store
from bsnn_hw.layout.timing import SYNAPTIC_DELAY, recovery, synaptic_recovery
from bsnn_hw.reference.neuron import advance, at_rest, charge, fire, scaled
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

TIMESTEPS = 2
BLOCKS = Rows(2, 2)  # all that has two rows lies in block RAM


def _layer(spec: NeuronSpec, *shortcuts: CurrentShortcut | SpikeShortcut) -> Hidden:
    """Neurons whose sums are -1..1."""
    neurons = spec.threshold.shape[1]
    weights = np.tile(np.array([1, -1], np.int8), (neurons, 1))
    return Hidden("layer", Dense(weights, np.ones(neurons, bool)), spec, shortcuts=shortcuts)


def _spec(reset: Reset, comparison: Comparison, leak: Sequence[int], neurons: int, *,
          gain: np.ndarray | None = None, refractory: bool = False,
          saturation: int | None = None, floor: np.ndarray | None = None) -> NeuronSpec:
    """Two timesteps; a leak is of quarters."""
    rng = np.random.default_rng(5)
    size = TIMESTEPS, neurons
    amounts = rng.integers(1, 3, size) if reset is Reset.SOFT else None
    return NeuronSpec(1, 2, np.array([[0] * neurons, leak]), rng.integers(-1, 2, size),
                      rng.integers(1, 4, size), reset, comparison, gain, amounts,
                      refractory=refractory, saturation=saturation, floor=floor)


class _Reference:
    """The reference's step of a channel, as tables over timestep, the spike before, potential and
    sum.

    width : bits of a potential, 0 among them
    """

    def __init__(self, spec: NeuronSpec, bounds: HiddenBounds, channel: int):
        settled = bounds.settled
        kept = Interval(min(settled.low, 0), max(settled.high, 0))
        self.width, self._low, self._count = kept.width, kept.low, kept.high - kept.low + 1
        found = [_stepped(spec, t, channel, before, potential, acc) for t in range(TIMESTEPS)
                 for before in (0, 1) for potential in range(kept.low, kept.high + 1)
                 for acc in (-1, 0, 1)]
        self._current, self._fired, self._settled = ([each[i] for each in found] for i in range(3))
        self._current_width = bounds.current.width

    def step(self, timestep: Value, before: Value, potential: Value,
             acc: Value) -> tuple[Value, Value, Value]:
        """``(current, fired, settled)``."""
        at = (Cat(before, timestep) * self._count + (potential - self._low)) * 3 + (acc + 1)
        index = at.as_unsigned()[:(TIMESTEPS * 2 * self._count * 3).bit_length()]
        return (table(self._current, self._current_width, index).as_signed(),
                table(self._fired, 1, index), table(self._settled, self.width, index).as_signed())


def _stepped(spec: NeuronSpec, timestep: int, channel: int, before: int, potential: int,
             acc: int) -> tuple[int, int, int]:
    """``(current, fired, settled)`` of one neuron, by the reference."""
    potentials, accs = (torch.full((1, spec.threshold.shape[1]), value, dtype=torch.int64)
                        for value in (potential, acc))
    current = charge(spec, timestep, accs)
    _, fired, settled = fire(spec, timestep, potentials, current,
                             torch.full(potentials.shape, bool(before)))
    return int(current[0, channel]), int(fired[0, channel]), int(settled[0, channel])


def _neurons(parts: Parts, spec: NeuronSpec, pipelined: bool = False) -> Harness:
    """Three neurons, two side by side, in rows that step in turn, at any time."""
    raster = Raster(_layer(spec).shape, 2)
    bounds, delay = hidden_bounds(_layer(spec), 1), 3
    dut = parts("neuron").NeuronArray(spec, bounds, raster, current_delay=delay,
                                      pipelined=pipelined)
    h = Harness(dut=dut)
    came = _op_in_turn(h, dut.op, delay, recovery(spec, False, pipelined))
    fired = Signal(2)
    for position in range(2):
        h.m.d.comb += fired[position].eq(_follow(h, dut, spec, bounds, position, came))
    rest = dut.delay - delay
    for name in ("words_valid", "words"):
        h.show(name, getattr(dut, name))
    valid = h.delayed(came.step & ~came.sweep, rest, "due")
    h.must("a step gives a word, and nothing else does", dut.words_valid == valid)
    h.must("spikes are the reference's",
           ~valid | (dut.words.spikes == h.delayed(fired, rest, "fired")))
    h.must("a word says its row, and the last that it is",
           ~valid | (dut.words.row == h.delayed(came.row, rest, "row")) & (
               dut.words.last == dut.words.row))
    return h


def _op_in_turn(h: Harness, op: Any, delay: int, rests: int) -> Any:
    """Two rows that step in turn, first to clear, then in two timesteps again and again; a row
    never within less than ``rests`` cycles.  Returns the operation ``delay`` cycles later."""
    h.drive(("step", op.step))
    row, timestep, swept = Signal(), Signal(), Signal()
    h.m.d.comb += [op.row.eq(row), op.fold.eq(row), op.timestep.eq(timestep & swept),
                   op.close.eq(~swept | timestep), op.sweep.eq(~swept), op.clear.eq(1)]
    with h.m.If(op.step):
        h.m.d.sync += row.eq(~row)
        with h.m.If(row):
            h.m.d.sync += [swept.eq(1), timestep.eq(swept & ~timestep)]
    for age in range(1, rests):
        before = h.delayed(row, age, f"row_before_{age}")
        h.limit(~(op.step & h.delayed(op.step, age, f"stepped_{age}") & (row == before)))
    return op.shape()(h.delayed(op, delay, "came"))


def _follow(h: Harness, dut: Any, spec: NeuronSpec, bounds: HiddenBounds, position: int,
            came: Any) -> Value:
    """Give the neurons at ``position`` of a row any sums, and step them as the reference does;
    returns whether that of this row fires."""
    acc = h.anything(f"sum_{position}", signed(2))
    h.limit(acc != -2)
    current, fired = Signal(signed(bounds.current.width)), Signal()
    for row in range(2 - position):  # the second row has a single neuron
        right = _Reference(spec, bounds, 2 * row + position)
        potential = Signal(signed(right.width), name=f"potential_{position}_{row}")
        before = Signal(name=f"before_{position}_{row}")
        now, fires, settled = right.step(came.timestep, before, potential, acc)
        with h.m.If(came.row == row):
            h.m.d.comb += [current.eq(now), fired.eq(fires)]
            with h.m.If(came.step):
                h.m.d.sync += [potential.eq(Mux(came.close, 0, settled)),
                               before.eq(fires & ~came.close)]
    h.m.d.comb += dut.currents[position].eq(current)
    return fired


def _hard(parts: Parts) -> Harness:
    return _neurons(parts, _spec(Reset.HARD, Comparison.AT_LEAST, [2, 2, 2], 3))


def _soft(parts: Parts) -> Harness:
    return _neurons(parts, _spec(Reset.SOFT, Comparison.ABOVE, [3, 1, 2], 3))


def _synaptic(parts: Parts, leak: Sequence[int], pipelined: bool = False,
              memories: Rows = USUAL_ROWS) -> Harness:
    """Synaptic currents of three neurons, two side by side, whose rows step in turn.

    leak : of each channel, in quarters, from the first timestep to the second
    """
    spec = replace(_spec(Reset.HARD, Comparison.AT_LEAST, [2, 2, 2], 3),
                   current_leak=np.array([[0] * 3, leak]))
    bounds, delay = hidden_bounds(_layer(spec), 1), 3
    dut = parts("synaptic").SynapticArray(spec, bounds, Raster(_layer(spec).shape, 2),
                                          current_delay=delay, memories=memories,
                                          pipelined=pipelined)
    h = Harness(dut=dut)
    block = memories.hold(Store.SYNAPTIC, 2)
    came = _op_in_turn(h, dut.op, delay, synaptic_recovery(spec, block, pipelined))
    h.show("synaptic", dut.synaptic)
    now = h.delayed(came.step & ~came.sweep, SYNAPTIC_DELAY, "due")
    row = h.delayed(came.row, SYNAPTIC_DELAY, "row")
    assert bounds.synaptic is not None
    for position in range(2):
        current = h.anything(f"current_{position}", signed(bounds.current.width))
        h.limit((current >= bounds.current.low) & (current <= bounds.current.high))
        h.m.d.comb += dut.currents[position].eq(current)
        right = Signal(signed(bounds.synaptic.current.width), name=f"right_{position}")
        for each in range(2 - position):
            held = Signal(signed(bounds.synaptic.current.width), name=f"held_{position}_{each}")
            kept = _kept(spec, 2 * each + position, bounds, came.timestep, held)
            with h.m.If(came.row == each):
                h.m.d.comb += right.eq(kept + current)
                with h.m.If(came.step):
                    h.m.d.sync += held.eq(Mux(came.close, 0, right))
        h.must(f"synaptic current {position} is the reference's", ~now | (
            row != 0 if position else 0) | (
                dut.synaptic[position] == h.delayed(right, SYNAPTIC_DELAY, f"then_{position}")))
    return h


def _kept(spec: NeuronSpec, channel: int, bounds: HiddenBounds, timestep: Value,
          held: Signal) -> Value:
    """What the reference has left of the synaptic current ``held``."""
    assert bounds.synaptic is not None
    width, neurons = len(held), spec.threshold.shape[1]
    found = []
    for t in range(TIMESTEPS):
        for code in range(1 << width):
            before = torch.full((1, neurons), (code ^ 1 << width - 1) - (1 << width - 1))
            none = torch.zeros_like(before)
            _, state = advance(spec, t, at_rest(none)._replace(synaptic=before), none)
            found.append(int(state.synaptic[0, channel]))
    return table(found, width, Cat(held, timestep)).as_signed()


def _shifted(parts: Parts) -> Harness:
    return _synaptic(parts, [2, 2, 2])


def _scaled(parts: Parts) -> Harness:
    return _synaptic(parts, [3, 1, 2])


def _pipelined_scaled(parts: Parts) -> Harness:
    return _synaptic(parts, [3, 1, 2], pipelined=True)


def _pipelined_block(parts: Parts) -> Harness:
    return _synaptic(parts, [2, 2, 2], pipelined=True, memories=BLOCKS)


def _resting(parts: Parts) -> Harness:
    return _neurons(parts, _spec(Reset.HARD, Comparison.AT_LEAST, [2, 2, 2], 3, refractory=True))


def _saturating(parts: Parts) -> Harness:
    return _neurons(parts, _spec(Reset.SOFT, Comparison.ABOVE, [4, 4, 4], 3, saturation=2))


def _floored(parts: Parts, pipelined: bool = False) -> Harness:
    """Each neuron has a floor of its own, at t = 1 another one."""
    return _neurons(parts, _spec(Reset.HARD, Comparison.AT_LEAST, [4, 4, 4], 3, floor=np.array(
        [[0, -1, -1], [-1, -1, 0]])), pipelined)


def _pipelined_floored(parts: Parts) -> Harness:
    return _floored(parts, pipelined=True)


def _pipelined(parts: Parts) -> Harness:
    return _neurons(parts, _spec(Reset.SOFT, Comparison.AT_LEAST, [2, 2, 2], 3), pipelined=True)


def _currents(parts: Parts, pipelined: bool = False) -> Harness:
    """Two rows of two, with a gain, a spike's shortcut and a current's."""
    rng = np.random.default_rng(6)
    gain, weight = rng.integers(-2, 3, (TIMESTEPS, 3)), rng.integers(-3, 4, (TIMESTEPS, 3))
    spec = _spec(Reset.HARD, Comparison.AT_LEAST, [1, 1, 1], 3, gain=gain)
    layer = _layer(spec, SpikeShortcut(2, weight), CurrentShortcut(1))
    raster, joined = Raster(layer.shape, 2), Interval(-2, 1)
    own = hidden_bounds(_layer(spec), 1)
    whole = Interval(own.current.low - 3 - 2, own.current.high + 3 + 1)
    bounds = HiddenBounds(own.acc, whole, own.charged, own.settled, own.carried, own.threshold,
                          (Interval(0, 1), joined))
    dut = parts("current").CurrentArray(layer, bounds, raster, pipelined=pipelined)
    h = Harness(dut=dut)
    h.drive(("step", dut.op.step), ("sweep", dut.op.sweep), ("row", dut.op.row),
            ("timestep", dut.op.timestep))
    h.m.d.comb += dut.op.fold.eq(dut.op.row)
    h.show("take", dut.take)
    h.show("currents", dut.currents)
    # Sums come a cycle after the op, what is carried with `take`.
    at_sums, at_take, delay = 1, 2 + 2 * pipelined, dut.delay
    came = h.delayed(1, delay, "came")
    row, timestep = (h.delayed(getattr(dut.op, name), delay, name) for name in ("row", "timestep"))
    h.must("a step takes what is carried", ~h.delayed(1, at_take, "awake") | (
        dut.take == h.delayed(dut.op.step & ~dut.op.sweep, at_take, "taken")))
    for position in range(2):
        acc = h.anything(f"sum_{position}", signed(bounds.acc.width))
        spike = h.anything(f"spike_{position}")
        added = h.anything(f"added_{position}", signed(joined.width))
        h.m.d.comb += [dut.sums[position].eq(acc),
                       dut.carried_0[position].eq(spike), dut.carried_1[position].eq(added)]
        h.limit((acc >= bounds.acc.low) & (added <= joined.high))
        acc = h.delayed(acc, delay - at_sums, f"sum_then_{position}")
        spike = h.delayed(spike, delay - at_take, f"spike_then_{position}")
        added = h.delayed(added, delay - at_take, f"added_then_{position}")
        index = Cat(added[:2], spike, acc[:2], timestep)
        right = [table(_joined(spec, weight, channel), whole.width, index).as_signed()
                 for channel in [position, position + 2][:2 - position]]
        now = Mux(row, right[1], right[0]) if len(right) == 2 else right[0]
        inside = ~row if len(right) == 1 else 1
        h.must(f"current {position} is the reference's",
               ~(came & inside) | (dut.currents[position] == now))
    return h


def _pipelined_currents(parts: Parts) -> Harness:
    return _currents(parts, pipelined=True)


def _joined(spec: NeuronSpec, weight: np.ndarray, channel: int) -> list[int]:
    """The reference's current for {timestep, sum, spike, added}, the last lowest."""
    found = []
    for timestep in range(TIMESTEPS):
        for acc in (0, 1, -2, -1):
            for spike in (0, 1):
                for added in (0, 1, -2, -1):
                    accs, spikes = (torch.full((1, 3), value, dtype=torch.int64)
                                    for value in (acc, spike))
                    more = scaled(weight[timestep], spikes) + added
                    found.append(int(charge(spec, timestep, accs, more)[0, channel]))
    return found


PROOFS = (
    Proof("currents of a join", _currents, Fault(
        "current", "Mux(carried[i], gain[i], 0)", "Mux(carried[i], gain[i], gain[i] >> 3)")),
    Proof("currents of a join, pipelined", _pipelined_currents, Fault(
        "current", "sums = delayed(m, self.sums, 1 + self._late,",
        "sums = delayed(m, self.sums, 1,")),
    Proof("synaptic currents, a shift", _shifted, Fault(
        "synaptic", "Mux(empties, 0, synaptic[i] >> shift)", "synaptic[i] >> shift")),
    Proof("synaptic currents, leaks of their own", _scaled, Fault(
        "synaptic", "synaptic[i] * factor[i]", "synaptic[i] * factor[0]")),
    Proof("synaptic currents, leaks of their own, pipelined", _pipelined_scaled, Fault(
        "synaptic", "ops[at - 2 - self._late]", "ops[at - 2]"), quick=False),
    Proof("synaptic currents in block RAM, pipelined", _pipelined_block, Fault(
        "synaptic", "ahead = 2 + self._late if", "ahead = 2 if")),
    Proof("neurons, hard reset", _hard, Fault(
        "neuron", "Mux(empties, 0, self._saturated(", "Mux(op.sweep, 0, self._saturated("),
        quick=False),
    Proof("neurons, refractory", _resting, Fault(
        "neuron", "Mux(rests[position], 0, potential)", "potential"), quick=False),
    Proof("neurons, saturating", _saturating, Fault(
        "neuron", "Mux(beyond, Mux(whole[-1], low, high), whole[:bits].as_signed())",
        "whole[:bits].as_signed()"), quick=False),
    Proof("neurons, with a floor", _floored, Fault(
        "neuron", "charged[i] < floor[i]", "charged[i] > floor[i]"), quick=False),
    Proof("neurons, with a floor, pipelined", _pipelined_floored, Fault(
        "neuron", 'below = delayed(m, below, 1,', 'below = delayed(m, below, 0,'), quick=False),
    Proof("neurons, soft reset and a leak of their own", _soft, Fault(
        "neuron", "return charged > threshold", "return charged >= threshold"),
        quick=False),
    Proof("neurons, pipelined", _pipelined, Fault(
        "neuron", "fired = delayed(m, fired, 1,", "fired = delayed(m, fired, 0,"), quick=False),
)
