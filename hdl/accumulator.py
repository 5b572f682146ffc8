"""The neurons' synaptic sums, added to in place; reference: ``acc`` of reference/synapse.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import delayed, operation, with_carry
from bsnn_hw.hdl.memory import BlockMemory, StateMemory
from bsnn_hw.ir.raster import Raster

__all__ = ["Accumulator"]


class Accumulator(wiring.Component):
    """The sums of a layer, a row of its raster at a time; takes an operation every cycle.

    Few rows are read, added to and written within one cycle.  Many rows lie in block RAM, which is
    read two cycles before: what the operations of the last two cycles wrote is not in it yet, and
    where their row is the same, their results are taken instead.  A walk goes over all folds that
    an event reaches at a place, so with three or more that never happens.  Pipelined, block RAM is
    read a cycle earlier, and what is written comes out of a register, a cycle later: then it is the
    last four operations, and five folds.

    Parameters
    ----------
    connected : bool ndarray (channels,)
        Where False, the channel's sums stay 0.
    raster : Raster, of the neurons
    timesteps, width : int
        ``width`` in bits, of a sum.
    delta_shape : Shape, of one delta
    block : bool, rows lie in block RAM
    pipelined : bool, that is read and written through registers of its own
    gated : bool, ``sums`` are 0 behind an op that does not step
    event_folds : int, that an event reaches at a place; all of the raster's where not given

    Members
    -------
    next_row : In, the row of ``op``, as many cycles earlier as `StateRows.ahead` says
    op, deltas, carries : In; an op charges, by ``deltas + carries``, or steps, or does both; what
        they add is 0 where it does not charge
    sums : Out, one cycle after an op that steps: its sums, charged and from before any clearing
    """

    def __init__(self, connected, raster: Raster, *, timesteps: int, width: int, delta_shape,
                 block: bool = False, gated: bool = False, event_folds: int | None = None,
                 pipelined: bool = False):
        require_positive(timesteps=timesteps, width=width)
        require_instance(Raster, raster=raster)
        if len(connected) != raster.shape.channels:
            raise ValueError(f"connected must have {raster.shape.channels} channels, "
                             f"not {len(connected)}")
        self._connected = connected
        self._raster = raster
        self._width = width
        self._blocks = block
        self._pipelined = block and pipelined
        self._gated = gated
        self._event_folds = event_folds or raster.folds
        layout = operation(folds=raster.folds, timesteps=timesteps, rows=raster.rows)
        super().__init__({
            "next_row": In(layout["row"].shape),
            "op": In(layout),
            "deltas": In(data.ArrayLayout(delta_shape, raster.width)),
            "carries": In(raster.width),
            "sums": Out(data.ArrayLayout(signed(width), raster.width)),
        })

    def elaborate(self, platform):
        m = Module()
        layout = self.sums.shape()
        count, size, late = self._raster.rows, layout.size, int(self._pipelined)
        m.submodules.rows = rows = (
            BlockMemory(rows=count, width=size, pipelined=self._pipelined) if self._blocks
            else StateMemory(rows=count, width=size))
        after = Signal(layout)
        empty = Signal()
        write = Signal()
        m.d.comb += [
            empty.eq(self.op.step & self.op.clear),
            write.eq(self.op.charge | empty),
            rows.read_row.eq(self.next_row),
            rows.write_enable.eq(delayed(m, write, late, "write")),
            rows.write_row.eq(delayed(m, self.op.row, late, "write_row", reset_less=True)),
            rows.write_data.eq(delayed(m, after.as_value(), late, "write_data",
                                       reset_less=True)),
        ]
        before = layout(self._latest(m, rows.read_data, write, after)
                        if self._blocks else rows.read_data)
        for i in range(self._raster.width):
            delta, carry = self._where_connected(m, i)
            charged = Signal(signed(self._width), name=f"charged_{i}")
            m.d.comb += [
                charged.eq(with_carry(before[i], delta, carry)),
                after[i].eq(Mux(empty, 0, charged)),
            ]
            m.d.sync += self.sums[i].eq(Mux(self.op.step, charged, 0) if self._gated else charged)
        return m

    def _latest(self, m, stored, write, after):
        """The row of ``op`` with what the last operations wrote that it does not show."""
        coming = Signal.like(self.op.row)  # the next cycle's
        m.d.sync += coming.eq(delayed(m, self.next_row, int(self._pipelined), "next_row"))
        row, wrote, written = self.op.row, write, after.as_value()
        fresh = []
        for age in range(1, 5 if self._pipelined else 3):
            hit = Signal(name=f"hit_{age}")
            m.d.sync += hit.eq((coming == row) & wrote)
            row, wrote = delayed(m, row, 1, f"row_{age}"), delayed(m, wrote, 1, f"wrote_{age}")
            written = delayed(m, written, 1, f"written_{age}", reset_less=True)
            # The operation `age` cycles ago had the same fold only if there are that few.
            if self._event_folds <= age:
                fresh.append((hit, written))
        for hit, written in reversed(fresh):
            stored = Mux(hit, written, stored)
        return stored

    def _where_connected(self, m, position):
        """Delta and carry of one position, 0 in the folds where its channel is disconnected."""
        delta, carry = self.deltas[position], self.carries[position]
        cut = [fold for fold, connected
               in enumerate(self._connected[position::self._raster.width]) if not connected]
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
