"""Which operation a layer's pipeline starts in each cycle."""

from __future__ import annotations

import enum

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import event_group, operation
from bsnn_hw.hdl.line_walk import LineWalk
from bsnn_hw.hdl.walk import FoldWalk, MapWalk

__all__ = ["Cadence", "Sequencer"]


class Cadence(enum.Enum):
    """When the neurons step."""

    EACH_MARK = "each mark"  # a mark ends a timestep; the neurons step
    SAMPLE = "sample"  # a mark ends a direct-coded sample; the neurons step in every timestep
    LAST_MARK = "last mark"  # sums run on over all timesteps; one step ends the inference


class Sequencer(wiring.Component):
    """Walks each group of events over the rows that it reaches, and lets the neurons step.

    A group of a fully connected layer reaches all folds; that of a convolution what its ``reach``
    says.  After one with a mark the neurons step, all rows in order; in a fully connected layer
    the events that come with the mark are charged in the same walk, if the step may start with
    it.  As long as there is work and ``room``, an operation starts in every cycle.  After a reset
    the first operations, one per row, clear the state.

    Parameters
    ----------
    walk : FoldWalk, MapWalk or LineWalk
    lanes, timesteps : int, 1 or more
    row_width, value_width : int, bits
    row_count : int, rows of a group; as many as lanes where not given
    cadence : Cadence
    recovery : int
        Cycles from an operation that steps a row until that row may step again.

    Members
    -------
    groups : In stream of ``event_group``, with ``reach`` where the walk needs one
        A lone mark needs no operation, and is taken at once unless an earlier one's step is due.
    due : Out, the neurons' step waits for nothing but ``go``
    go : In, the step may start, in a layer of several engines once all of them are ``due``
    room : In, a step's operation may start in this cycle
    op : Out, ``operation``
    tap : Out, which of the weights, or places : Out, ``places_layout``, of a walk over lines
    rows, values : Out, of the group
        The values are 0 where ``op`` charges nothing.
    """

    def __init__(self, walk: FoldWalk | MapWalk | LineWalk, *, lanes: int, timesteps: int,
                 row_width: int, value_width: int, cadence: Cadence, recovery: int,
                 row_count: int | None = None):
        require_positive(lanes=lanes, timesteps=timesteps,
                         row_width=row_width, value_width=value_width, recovery=recovery)
        require_instance(FoldWalk | MapWalk | LineWalk, walk=walk)
        require_instance(Cadence, cadence=cadence)
        self._walk = walk
        self._mapped = mapped = isinstance(walk, MapWalk | LineWalk)
        self._where = where = "places" if isinstance(walk, LineWalk) else "tap"
        self._timesteps = timesteps
        self._cadence = cadence
        self._recovery = recovery
        group = event_group(lanes=lanes, row_width=row_width, value_width=value_width,
                            row_count=row_count,
                            **({"reach": walk.reach.shape()} if mapped else {}))
        super().__init__({
            "groups": In(stream.Signature(group)),
            "due": Out(1),
            "go": In(1, init=1),
            "room": In(1),
            "op": Out(operation(folds=walk.folds, timesteps=timesteps, rows=walk.rows)),
            where: Out(getattr(walk, where).shape()),
            "rows": Out(group["rows"].shape),
            "values": Out(group["values"].shape),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.walk = walk = self._walk
        step_starts = Signal()
        advance = Signal()

        # The operation in work.  A reset starts a walk that only clears.
        charging = Signal()
        stepping = Signal(init=1)
        clearing = Signal(init=1)
        closing = Signal(init=1)
        sweeping = Signal(init=1)
        timestep = Signal.like(self.op.timestep)
        m.d.comb += [
            self.op.row.eq(walk.row),
            self.op.fold.eq(walk.fold),
            getattr(self, self._where).eq(getattr(walk, self._where)),
            self.op.timestep.eq(timestep),
            self.op.charge.eq(charging & advance),
            self.op.step.eq(stepping & self.room),
            self.op.clear.eq(clearing),
            self.op.close.eq(closing),
            self.op.sweep.eq(sweeping),
        ]

        # `take`: this operation ends its walk, or there is none.
        take = Signal()
        m.d.comb += [
            advance.eq(~stepping | self.room),
            take.eq(advance & (walk.last | ~(charging | stepping))),
            walk.advance.eq(advance),
            walk.load.eq(take),
            walk.whole.eq(step_starts),
        ]
        group = self.groups.payload
        if self._mapped:
            m.d.comb += walk.reach.eq(group.reach)

        next_timestep = Signal.like(timestep)
        last_timestep = Signal()
        m.d.comb += last_timestep.eq(next_timestep == self._timesteps - 1)
        offered, step_due, skipped = self._groups(m, take, last_timestep, step_starts)
        m.d.comb += [
            self.due.eq(take & step_due & self._rested(m, stepping)),
            step_starts.eq(self.due & self.go),
        ]
        with m.If(step_starts | skipped):
            m.d.sync += next_timestep.eq(Mux(last_timestep, 0, next_timestep + 1))

        with m.If(take):
            m.d.sync += [
                charging.eq(offered),
                stepping.eq(step_starts),
                sweeping.eq(0),
                timestep.eq(next_timestep),
                closing.eq(last_timestep),
                clearing.eq(last_timestep if self._cadence is Cadence.SAMPLE else 1),
            ]
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
        # A walk over some rows of a map is no step.
        ends = valid & (~group.charge if self._mapped else group.mark)
        return valid & group.charge & ~marked, (marked | ends) & ~skips, accepted & skips

    def _rested(self, m, stepping):
        """True once the rows' new potentials will be there for the next steps."""
        # Counts from the end of a walk: `room` may hold up any row of it.
        gap = self._recovery - self._walk.rows
        if gap <= 0:
            return True
        wait = Signal(range(max(2, gap)))
        with m.If(stepping):
            m.d.sync += wait.eq(gap - 1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        return ~stepping & (wait == 0)
