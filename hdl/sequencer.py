"""Which operation a layer's pipeline starts in each cycle."""

from __future__ import annotations

import enum

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import event_group, operation

__all__ = ["Cadence", "Sequencer"]


class Cadence(enum.Enum):
    """When the neurons step."""

    EACH_MARK = "each mark"  # a mark ends a timestep; the neurons step
    SAMPLE = "sample"  # a mark ends a direct-coded sample; the neurons step in every timestep
    LAST_MARK = "last mark"  # sums run on over all timesteps; one step ends the inference


class Sequencer(wiring.Component):
    """Walks each group of events over the folds, and lets the neurons step.

    A group costs ``folds`` cycles.  After one with a mark the neurons step, ``folds`` cycles, fold
    after fold.  As long as there is work and ``room``, an operation starts in every cycle.  After
    a reset the first ``folds`` operations clear the state.

    Parameters
    ----------
    lanes, folds, timesteps : int, 1 or more
    row_width, value_width : int, bits
    cadence : Cadence
    recovery : int
        Cycles from an operation that steps a fold until that fold may step again.

    Members
    -------
    groups : In stream of ``event_group``
        A lone mark needs no operation, and is taken at once unless an earlier one's step is due.
    room : In, a step may start in this cycle
    op : Out, ``operation``
    rows, values : Out, per lane; the values are 0 where ``op`` charges nothing
    """

    def __init__(self, *, lanes: int, folds: int, timesteps: int, row_width: int,
                 value_width: int, cadence: Cadence, recovery: int):
        require_positive(lanes=lanes, folds=folds, timesteps=timesteps,
                         row_width=row_width, value_width=value_width, recovery=recovery)
        require_instance(Cadence, cadence=cadence)
        self._folds = folds
        self._timesteps = timesteps
        self._cadence = cadence
        self._recovery = recovery
        group = event_group(lanes=lanes, row_width=row_width, value_width=value_width)
        super().__init__({
            "groups": In(stream.Signature(group)),
            "room": In(1),
            "op": Out(operation(folds=folds, timesteps=timesteps)),
            "rows": Out(group["rows"].shape),
            "values": Out(group["values"].shape),
        })

    def elaborate(self, platform):
        m = Module()
        step_starts = Signal()

        # The operation in work.  A reset starts a walk that only clears.
        fold = Signal.like(self.op.fold)
        charging = Signal()
        stepping = Signal(init=1)
        clearing = Signal(init=1)
        closing = Signal(init=1)
        sweeping = Signal(init=1)
        timestep = Signal.like(self.op.timestep)
        m.d.comb += [
            self.op.fold.eq(fold),
            self.op.timestep.eq(timestep),
            self.op.charge.eq(charging),
            self.op.step.eq(stepping & self.room),
            self.op.clear.eq(clearing),
            self.op.close.eq(closing),
            self.op.sweep.eq(sweeping),
        ]

        # `take`: this operation ends its walk over the folds, or there is none.
        advance = Signal()
        take = Signal()
        m.d.comb += [
            advance.eq(~stepping | self.room),
            take.eq(advance & ((fold == self._folds - 1) | ~(charging | stepping))),
        ]

        next_timestep = Signal.like(timestep)
        last_timestep = Signal()
        m.d.comb += last_timestep.eq(next_timestep == self._timesteps - 1)
        offered, step_due, skipped = self._groups(m, take, last_timestep, step_starts)
        m.d.comb += step_starts.eq(take & step_due & self._rested(m, stepping))
        with m.If(step_starts | skipped):
            m.d.sync += next_timestep.eq(Mux(last_timestep, 0, next_timestep + 1))

        with m.If(take):
            m.d.sync += [
                fold.eq(0),
                charging.eq(offered),
                stepping.eq(step_starts),
                sweeping.eq(0),
                timestep.eq(next_timestep),
                closing.eq(last_timestep),
                clearing.eq(last_timestep if self._cadence is Cadence.SAMPLE else 1),
            ]
        with m.Elif(advance):
            m.d.sync += fold.eq(fold + 1)

        group = self.groups.payload
        with m.If(take):
            m.d.sync += self.rows.eq(group.rows)
            m.d.sync += self.values.eq(Mux(offered, group.values.as_value(), 0))
        return m

    def _groups(self, m, take, last_timestep, step_starts):
        """Whether a group's events are offered, a step is due, and a timestep ends without one."""
        group, valid = self.groups.payload, self.groups.valid
        marked = Signal()  # a mark was taken, its step is yet to start
        skips = ~last_timestep if self._cadence is Cadence.LAST_MARK else Const(0)
        again = ~last_timestep if self._cadence is Cadence.SAMPLE else Const(0)

        accepted = Signal()
        m.d.comb += [
            self.groups.ready.eq(~marked & (take | ~group.charge)),
            accepted.eq(valid & self.groups.ready & group.mark),
        ]
        with m.If(step_starts):
            m.d.sync += marked.eq(again)
        with m.Elif(accepted & ~skips):
            m.d.sync += marked.eq(1)
        lone = valid & ~group.charge
        return valid & group.charge & ~marked, (marked | lone) & ~skips, accepted & skips

    def _rested(self, m, stepping):
        """True once the folds' new potentials will be there for the next steps."""
        # Counts from the end of a walk: `room` may hold up any fold of it.
        gap = self._recovery - self._folds
        if gap <= 0:
            return True
        wait = Signal(range(max(2, gap)))
        with m.If(stepping):
            m.d.sync += wait.eq(gap - 1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        return ~stepping & (wait == 0)
