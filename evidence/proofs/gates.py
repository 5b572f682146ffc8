"""Proofs of the gate that a sample makes: its factor is the reference's, whatever comes in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from amaranth import Array, Cat, Mux, Signal, Value, signed

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.layout.gate import gate_block
from bsnn_hw.reference.gate import looked_up
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.small import TIMESTEPS, dense, spiking

__all__ = ["PROOFS"]

INPUTS, NEURONS = 2, 2


def _gate(parts: Parts, gate: SampleGate, pipelined: bool = False) -> Harness:
    """Two inputs in a lane, two neurons in as many folds; any order of events and steps."""
    layer = spiking("fc", dense(NEURONS, INPUTS), gate=gate)
    geometry = DenseEvents.flat(INPUTS, INPUTS, NEURONS, 1, 1)
    found = hidden_bounds(layer, 1).gate
    assert found is not None
    block = gate_block(gate, geometry, found, max_value=1, pipelined=pipelined)
    module = parts("gate")
    dut = module.GateUnit(layer, replace(block, block=False), folds=geometry.folds,
                          rows=geometry.raster.rows, taps=geometry.taps)
    h = Harness(dut=dut)
    op = Signal(dut.op.shape(), name="op_early")
    h.drive(("fold", op.fold), ("timestep", op.timestep), ("charge", op.charge),
            ("step", op.step), ("clear", op.clear), ("input", dut.rows), ("value", dut.values))
    h.m.d.comb += [op.row.eq(op.fold), dut.tap.eq(op.fold),
                   Value.cast(dut.op).eq(h.delayed(op, block.delay, "op"))]
    h.show("factor", dut.factor)

    # The total of what came, as in the circuit modulo 2**width, and the reference's look-up.
    now = dut.op
    row, value = (h.delayed(each, block.delay, name) for name, each in (
        ("input_then", dut.rows[0]), ("value_then", dut.values[0])))
    width = block.total_width
    total, whole = (Signal(signed(width), init=gate.offset, name=name)
                    for name in ("total", "whole"))
    weights = Array([int(weight) for weight in gate.weights])
    taken = Signal()
    h.m.d.comb += [
        taken.eq(now.step & (now.row == 0)),
        whole.eq(total + Mux(now.charge & (now.fold == 0) & value, weights[row], 0)),
    ]
    h.m.d.sync += total.eq(Mux(taken & now.clear, gate.offset, whole))
    every = (torch.arange(1 << width) ^ 1 << width - 1) - (1 << width - 1) - gate.offset
    factors = looked_up(gate, every[:, None].expand(-1, TIMESTEPS)).T
    held, factor = Signal(block.factor_width, name="held"), Signal(block.factor_width)
    h.m.d.comb += factor.eq(Mux(taken, table(factors.ravel().tolist(), block.factor_width,
                                             Cat(whole, now.timestep)), held))
    h.m.d.sync += held.eq(factor)
    awake = Signal(name="awake")
    with h.m.If(taken):
        h.m.d.sync += awake.eq(1)
    delay = module.FACTOR_DELAY
    h.must("from a step's first row on, the factor is the reference's", ~h.delayed(
        awake | taken, delay, "came") | (dut.factor == h.delayed(factor, delay, "right")))
    return h


def _of_each_timestep(parts: Parts) -> Harness:
    return _gate(parts, SampleGate(np.array([3, -2], np.int8), 3, 2, 1,
                                   np.array([[9, 10, 11, 12], [5, 6, 7, 8]]), 2))


def _of_all(parts: Parts) -> Harness:
    return _gate(parts, SampleGate(np.array([-1, 3], np.int8), 3, 1, 0,
                                   np.array([[1, 0, 5, 7]] * TIMESTEPS), 2))


def _pipelined(parts: Parts) -> Harness:
    return _gate(parts, SampleGate(np.array([-1, 3], np.int8), 3, 1, 0,
                                   np.array([[1, 0, 5, 7]] * TIMESTEPS), 2), pipelined=True)


PROOFS = (
    Proof("gate, a table of each timestep", _of_each_timestep, Fault(
        "gate", "with m.If(self.op.charge & (self.op.fold == 0)):",
        "with m.If(self.op.charge):")),
    Proof("gate, one table", _of_all, Fault(
        "gate", "Mux(above.any(), last, wide[:bits])", "wide[:bits]")),
    Proof("gate, pipelined", _pipelined, Fault(
        "gate", "self._block.max_value, self._block.pipelined)", "self._block.max_value)")),
)
