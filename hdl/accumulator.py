"""The neurons' synaptic sums, added to in place; reference: ``acc`` of reference/synapse.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_positive
from bsnn_hw.hdl.formats import operation, with_carry
from bsnn_hw.hdl.memory import StateMemory

__all__ = ["Accumulator"]


class Accumulator(wiring.Component):
    """One row of ``parallel`` sums per fold; reads, adds and writes a row in one cycle.

    Parameters
    ----------
    connected : bool ndarray (neurons,)
        Where False, the neuron's sum stays 0.
    parallel, folds, timesteps, width : int
        ``width`` in bits, of a sum.
    delta_shape : Shape, of one delta

    Members
    -------
    next_fold : In, the fold of the next cycle's ``op``
    op, deltas, carries : In; an op either charges, by ``deltas + carries``, or steps
    sums : Out, one cycle after an op that steps: its sums from before any clearing
    """

    def __init__(self, connected, *, parallel: int, folds: int, timesteps: int, width: int,
                 delta_shape):
        require_positive(parallel=parallel, folds=folds, timesteps=timesteps, width=width)
        if not (folds - 1) * parallel < len(connected) <= folds * parallel:
            raise ValueError(f"connected must fill {folds} folds of {parallel} neurons, "
                             f"not {len(connected)} neurons")
        self._connected = connected
        self._parallel = parallel
        self._folds = folds
        self._width = width
        layout = operation(folds=folds, timesteps=timesteps)
        super().__init__({
            "next_fold": In(layout["fold"].shape),
            "op": In(layout),
            "deltas": In(data.ArrayLayout(delta_shape, parallel)),
            "carries": In(parallel),
            "sums": Out(data.ArrayLayout(signed(width), parallel)),
        })

    def elaborate(self, platform):
        m = Module()
        layout = self.sums.shape()
        m.submodules.rows = rows = StateMemory(rows=self._folds, width=layout.size)
        before = layout(rows.read_data)
        after = Signal(layout)
        empty = Signal()
        m.d.comb += [
            empty.eq(self.op.step & self.op.clear),
            rows.read_row.eq(self.next_fold),
            rows.write_enable.eq(self.op.charge | empty),
            rows.write_row.eq(self.op.fold),
            rows.write_data.eq(after),
        ]
        for i in range(self._parallel):
            delta, carry = self._where_connected(m, i)
            m.d.comb += after[i].eq(Mux(empty, 0, with_carry(before[i], delta, carry)))
            m.d.sync += self.sums[i].eq(before[i])
        return m

    def _where_connected(self, m, position):
        """Delta and carry of one position, 0 in the folds where its neuron is disconnected."""
        delta, carry = self.deltas[position], self.carries[position]
        cut = [fold for fold, connected in enumerate(self._connected[position::self._parallel])
               if not connected]
        if not cut:
            return delta, carry
        masked = Signal.like(delta, name=f"masked_{position}")
        masked_carry = Signal(name=f"masked_carry_{position}")
        with m.Switch(self.op.fold):
            with m.Case(*cut):
                m.d.comb += [masked.eq(0), masked_carry.eq(0)]
            with m.Default():
                m.d.comb += [masked.eq(delta), masked_carry.eq(carry)]
        return masked, masked_carry
