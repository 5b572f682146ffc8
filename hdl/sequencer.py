"""Which operation a layer's pipeline starts in each cycle."""

from __future__ import annotations

import enum

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import lane_event, operation

__all__ = ["Cadence", "Sequencer"]


class Cadence(enum.Enum):
    """When the neurons step."""

    EACH_MARK = "each mark"  # a mark ends a timestep; the neurons step
    SAMPLE = "sample"  # a mark ends a direct-coded sample; the neurons step in every timestep
    LAST_MARK = "last mark"  # sums run on over all timesteps; one step ends the inference


class Sequencer(wiring.Component):
    """Groups the lanes' events, walks each group over the folds, and lets the neurons step.

    A group is whatever events the lanes offer in one cycle; it costs ``folds`` cycles.  When every
    lane has given its mark the neurons step, ``folds`` cycles, fold after fold.  As long as there
    is work and ``room``, an operation starts in every cycle.  After a reset the first ``folds``
    operations clear the state.

    Parameters
    ----------
    lanes, folds, timesteps : int, 1 or more
    address_width, value_width : int, bits
    cadence : Cadence
    recovery : int
        Cycles from an operation that steps a fold until that fold may step again.

    Members
    -------
    heads : In, one stream of ``lane_event`` per lane; a lone mark is taken at once
    room : In, a step may start in this cycle
    op : Out, ``operation``
    addresses, values : Out, per lane; the values are 0 where ``op`` charges nothing
    """

    def __init__(self, *, lanes: int, folds: int, timesteps: int, address_width: int,
                 value_width: int, cadence: Cadence, recovery: int):
        require_positive(lanes=lanes, folds=folds, timesteps=timesteps,
                         address_width=address_width, value_width=value_width, recovery=recovery)
        require_instance(Cadence, cadence=cadence)
        self._lanes = lanes
        self._folds = folds
        self._timesteps = timesteps
        self._cadence = cadence
        self._recovery = recovery
        head = lane_event(address_width=address_width, value_width=value_width)
        super().__init__({
            "heads": In(stream.Signature(head)).array(lanes),
            "room": In(1),
            "op": Out(operation(folds=folds, timesteps=timesteps)),
            "addresses": Out(address_width).array(lanes),
            "values": Out(value_width).array(lanes),
        })

    def elaborate(self, platform):
        m = Module()

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

        offered, all_marked, step_starts, marks_used = self._lane_heads(m, take)
        may_step = take & self._rested(m, stepping)
        next_timestep = self._next_step(m, may_step, all_marked, step_starts, marks_used)
        last_timestep = next_timestep == self._timesteps - 1

        with m.If(take):
            m.d.sync += [
                fold.eq(0),
                charging.eq(offered.any()),
                stepping.eq(step_starts),
                sweeping.eq(0),
                timestep.eq(next_timestep),
                closing.eq(last_timestep),
                clearing.eq(last_timestep if self._cadence is Cadence.SAMPLE else 1),
            ]
        with m.Elif(advance):
            m.d.sync += fold.eq(fold + 1)

        for lane, head in enumerate(self.heads):
            with m.If(take):
                m.d.sync += [
                    self.addresses[lane].eq(head.payload.address),
                    self.values[lane].eq(
                        head.payload.value & offered[lane].replicate(len(self.values[lane]))),
                ]
            with m.Elif(advance):
                # The weights of one input lie fold after fold.
                m.d.sync += self.addresses[lane].eq(self.addresses[lane] + 1)
        return m

    def _lane_heads(self, m, take):
        """What the lanes offer; a lane that gave its mark waits for the others."""
        offered = Signal(self._lanes)
        marked = Signal(self._lanes)
        step_starts = Signal()
        marks_used = Signal()
        lone = Signal(self._lanes)
        for lane, head in enumerate(self.heads):
            m.d.comb += [
                offered[lane].eq(head.valid & head.payload.event & ~marked[lane]),
                lone[lane].eq(head.valid & ~head.payload.event),
                head.ready.eq(~marked[lane] & (take | ~head.payload.event)),
            ]
            with m.If(marks_used):
                m.d.sync += marked[lane].eq(0)
            with m.Elif(head.valid & head.ready & head.payload.mark):
                m.d.sync += marked[lane].eq(1)
        return offered, (marked | lone).all(), step_starts, marks_used

    def _next_step(self, m, may_step, all_marked, step_starts, marks_used):
        """The timestep that steps next, and whether it does so now."""
        next_timestep = Signal.like(self.op.timestep)
        last = next_timestep == self._timesteps - 1
        due = all_marked & may_step
        if self._cadence is Cadence.EACH_MARK:
            m.d.comb += [step_starts.eq(due), marks_used.eq(due)]
            passes = step_starts
        elif self._cadence is Cadence.SAMPLE:
            m.d.comb += [step_starts.eq(due), marks_used.eq(due & last)]
            passes = step_starts
        else:
            m.d.comb += [step_starts.eq(due & last),
                         marks_used.eq(Cat(due & last, all_marked & ~last).any())]
            passes = marks_used
        with m.If(passes):
            m.d.sync += next_timestep.eq(0)
            if self._timesteps > 1:
                with m.If(~last):
                    m.d.sync += next_timestep.eq(next_timestep + 1)
        return next_timestep

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
