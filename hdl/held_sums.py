"""Sums that are held while neurons step on them and the synapses take the next events."""

from __future__ import annotations

from amaranth import Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import delayed, operation
from bsnn_hw.hdl.memory import BlockMemory, StateMemory
from bsnn_hw.layout.held import HeldSums as Block

__all__ = ["HeldSums"]


class HeldSums(wiring.Component):
    """Stands between accumulators and neurons, which are fewer: units that walk over the sums.

    At the end of a timestep, or of a direct-coded sample, the accumulators hand over a row of sums
    a cycle and go on with the next events.  The units step ``count`` times for a row, over all rows
    once, of a sample once per timestep.  A row is handed over as soon as the units have taken, for
    the last time, what lies in its place; and they take it as soon as it is there.  After a reset
    the first walk clears the neurons' state.

    Parameters
    ----------
    block : layout's ``HeldSums``

    Members
    -------
    free : Out, the sequencer may start an operation that hands over a row; handed : In, it does
    op : In, ``operation`` on a row of sums; sums : In, one cycle after it
    room : In, a step may start in this cycle
    unit_op : Out, ``operation`` on a row of units; unit_sums : Out, one cycle after it
    """

    def __init__(self, block: Block):
        require_instance(Block, block=block)
        self._block = block
        summed, units = block.summed, block.units
        super().__init__({
            "free": Out(1, init=1),
            "handed": In(1),
            "op": In(operation(folds=summed.folds, timesteps=1, rows=summed.rows)),
            "sums": In(data.ArrayLayout(signed(block.sum_width), summed.width)),
            "room": In(1),
            "unit_op": Out(operation(folds=units.folds, timesteps=block.timesteps,
                                     rows=units.rows)),
            "unit_sums": Out(data.ArrayLayout(signed(block.sum_width), units.width)),
        })

    def elaborate(self, platform):
        m = Module()
        block = self._block
        rows, last_row = block.summed.rows, block.summed.rows - 1
        steps = Signal.like(self.unit_op, name="steps")
        row, place, ends = self._walk(m, steps)
        final = ~steps.sweep  # rows are taken for the last time
        if block.walks > 1:
            final = final & (steps.timestep == block.timesteps - 1)
        taken = Signal()  # all of them
        m.d.comb += taken.eq(steps.step & ends & final)

        # Handed over are all rows of a timestep, from their operations on; held, once they are in
        # the memory.  Of the timestep that is on its way there, `coming` rows are handed over and
        # `written` are there.
        complete = Signal()
        stored = Signal()
        coming = Signal(range(max(2, rows)))
        written = Signal.like(coming)
        wrote = Signal()
        m.d.sync += wrote.eq(self.op.step & ~self.op.sweep)
        write_row = delayed(m, self.op.row, 1, "write_row", reset_less=True)
        waits = Signal()  # `complete` in the next cycle
        m.d.comb += waits.eq(complete & ~taken | self.handed & (coming == last_row))
        m.d.sync += complete.eq(waits)
        with m.If(taken):
            m.d.sync += stored.eq(0)
        with m.If(self.handed):
            m.d.sync += coming.eq(Mux(coming == last_row, 0, coming + 1))
        with m.If(wrote):
            m.d.sync += written.eq(Mux(write_row == last_row, 0, write_row + 1))
            with m.If(write_row == last_row):
                m.d.sync += stored.eq(1)
        # Known a cycle before, as what the synapses do hangs on it.
        m.d.sync += self.free.eq(~waits | (final & (row > coming) & ~self.handed))
        m.d.comb += steps.step.eq(self.room & self._rested(m, steps, ends)
                                  & (steps.sweep | stored | (written > row)))

        store = (BlockMemory(rows=rows, width=block.store.width, pipelined=block.store.pipelined)
                 if block.store.block else StateMemory(rows=rows, width=block.store.width))
        m.submodules.rows = store
        ahead, size = block.store.ahead, self.unit_sums.shape().size
        m.d.comb += [
            store.read_row.eq(row),
            store.write_enable.eq(wrote),
            store.write_row.eq(write_row),
            store.write_data.eq(self.sums),
            self.unit_op.clear.eq(1),
            *(self.unit_op[field].eq(delayed(m, steps[field], ahead, f"unit_{field}"))
              for field in ("row", "fold", "timestep", "step", "close", "sweep")),
        ]
        place = delayed(m, place, ahead, "place_read", reset_less=True)
        m.d.sync += self.unit_sums.eq(store.read_data.word_select(place, size))
        return m

    def _walk(self, m, steps):
        """Count through ``steps``: the row of sums and the place in it, and whether it is the last
        step of all rows."""
        block, units = self._block, self._block.units
        row = Signal(range(max(2, block.summed.rows)))
        place = Signal(range(max(2, block.count)))
        unit_row = Signal.like(steps.row, name="unit_row")
        timestep = Signal.like(steps.timestep, name="timestep")
        sweep = Signal(init=1)
        ends = Signal()
        fold = unit_row
        if units.shape.positions > 1:
            fold = Signal.like(steps.fold, name="fold")
        position_ends = fold == units.folds - 1
        row_ends = position_ends | (place == block.count - 1)
        closing = timestep == block.timesteps - 1
        m.d.comb += [
            ends.eq(unit_row == units.rows - 1),
            steps.row.eq(unit_row),
            steps.fold.eq(fold),
            steps.timestep.eq(timestep),
            steps.close.eq(sweep | closing),
            steps.sweep.eq(sweep),
        ]
        with m.If(steps.step):
            m.d.sync += [
                unit_row.eq(Mux(ends, 0, unit_row + 1)),
                place.eq(Mux(row_ends, 0, place + 1)),
            ]
            if fold is not unit_row:
                m.d.sync += fold.eq(Mux(position_ends, 0, fold + 1))
            with m.If(row_ends):
                m.d.sync += row.eq(Mux(ends, 0, row + 1))
            with m.If(ends):
                m.d.sync += sweep.eq(0)
                with m.If(~sweep):
                    m.d.sync += timestep.eq(Mux(closing, 0, timestep + 1))
        return row, place, ends

    def _rested(self, m, steps, ends):
        """True once the rows' new potentials will be there for the next steps."""
        gap = self._block.recovery - self._block.units.rows
        if gap <= 0:
            return Const(1)
        wait = Signal(range(gap + 1))
        with m.If(steps.step & ends):
            m.d.sync += wait.eq(gap)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        return wait == 0
