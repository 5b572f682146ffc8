"""Proofs of held sums: units take each row as often as they should, and never what is not there."""

from __future__ import annotations

from amaranth import Array, Mux, Signal

from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.held import HeldSums
from bsnn_hw.layout.state import StateRows
from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

WIDTH, TIMESTEPS = 2, 2
LATE = 2  # cycles from the operation that hands a row over to the accumulators
PLACES = (2, 1)  # steps of each of two rows: three neurons, two of them side by side, one unit


def _held(parts: Parts, walks: int) -> Harness:
    row_width = 2 * WIDTH
    block = HeldSums(Raster(Shape(3), 2), Raster(Shape(3), 1), walks, TIMESTEPS,
                     StateRows(2, row_width, block=False), recovery=4)
    dut = parts("held_sums").HeldSums(block)
    h = Harness(dut=dut)
    h.drive(("room", dut.room), ("sums", dut.sums))
    m, hand, row = h.m, h.anything("hand") & dut.free, Signal(name="handed_row")
    step, op_row = h.delayed(hand, LATE, "op"), h.delayed(row, LATE, "op_row")
    writes, write_row = h.register(step, "writes"), h.register(op_row, "write_row")
    m.d.comb += [dut.handed.eq(hand), dut.op.step.eq(step), dut.op.row.eq(op_row)]
    with m.If(hand):
        m.d.sync += row.eq(~row)

    # What each row holds, and how often its sums are still to be taken.
    takes = dut.unit_op.step & ~dut.unit_op.sweep
    place = dut.unit_op.row == 1  # rows of units: 0 and 1 in the first row of sums, then 2
    taken_row = dut.unit_op.row == 2
    held, left = [], []
    for number, places in enumerate(PLACES):
        values = Signal(row_width, name=f"held_{number}")
        count = Signal(range(walks * places + 1), name=f"left_{number}")
        with m.If(writes & (write_row == number)):
            m.d.sync += [values.eq(dut.sums.as_value()), count.eq(walks * places)]
        with m.Elif(takes & (taken_row == number)):
            m.d.sync += count.eq(count - 1)
        held.append(values)
        left.append(count)
        h.show(f"left_{number}", count)
        h.must(f"row {number} is replaced once it was taken as often as it should",
               ~(writes & (write_row == number)) | (count == 0))
    for name in ("unit_op", "unit_sums"):
        h.show(name, getattr(dut, name))
    h.must("what is taken is there, and is to be taken", ~takes | (Array(left)[taken_row] != 0))
    right = Array(held)[taken_row]
    h.must("units get the row's sums, one after the other",
           ~h.register(takes, "took") | (dut.unit_sums.as_value() == h.register(
               Mux(place, right[WIDTH:], right[:WIDTH]), "right")))
    return h


def _once(parts: Parts) -> Harness:
    return _held(parts, 1)


def _each_timestep(parts: Parts) -> Harness:
    return _held(parts, TIMESTEPS)


PROOFS = (
    Proof("held sums", _once, Fault(
        "held_sums", "final = ~steps.sweep  #", "final = Const(1)  #")),
    Proof("held sums of a sample", _each_timestep, Fault(
        "held_sums", "(row > coming) & ~self.handed", "(row > coming)")),
)
