"""The integrate-and-fire step; the reference is reference/neuron.py."""

from __future__ import annotations

from typing import assert_never

from amaranth import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.constants import constant_rows
from bsnn_hw.hdl.formats import delayed, operation, spike_word
from bsnn_hw.hdl.memory import BlockMemory, StateMemory
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.network import Comparison, JoinKind, NeuronSpec
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import USUAL_ROWS, Rows, Store, Stores
from bsnn_hw.layout.tables import table_rows
from bsnn_hw.layout.timing import leak_shift, neuron_delay, recovery

__all__ = ["NeuronArray"]


class NeuronArray(wiring.Component):
    """A row of neurons steps side by side, a row per cycle, never stalling.

    Charge, fire and settle, leak and store, a cycle each.  Between two steps of the same row there
    must be ``recovery`` cycles or more.  Pipelined, a row settles in the cycle after it fired, and
    potentials in block RAM, constants and products come through registers of their own.

    Parameters
    ----------
    spec : NeuronSpec
    bounds : HiddenBounds
        Every width follows from it; nothing saturates or wraps.
    raster : Raster
    current_delay : int, cycles from an op to what charges the membranes, 3 or more
    memories : which memories lie in block RAM; pipelined : see `LayerPlan`
    join : JoinKind or None, what becomes of spikes before they leave as words

    Members
    -------
    op : In, ``operation``
    currents : In, ``current_delay`` cycles after it, of second-order neurons the synaptic ones
    joined : In, of a join, a row of the other layer's spikes, a cycle after the currents
    words : Out, ``spike_word``; words_valid : Out, ``delay`` cycles after the op
    """

    def __init__(self, spec: NeuronSpec, bounds: HiddenBounds, raster: Raster, *,
                 current_delay: int, memories: Rows | Stores = USUAL_ROWS,
                 join: JoinKind | None = None, pipelined: bool = False):
        require_instance(NeuronSpec, spec=spec)
        require_instance(JoinKind | None, join=join)
        require_instance(HiddenBounds, bounds=bounds)
        require_instance(Raster, raster=raster)
        if not isinstance(current_delay, int) or current_delay < 3:
            raise ValueError(f"current_delay must be an integer of 3 or more, "
                             f"not {current_delay!r}")
        if spec.threshold.shape[1] != raster.shape.channels:
            raise ValueError(f"spec must be of {raster.shape.channels} channels, "
                             f"not {spec.threshold.shape[1]}")
        self._spec = spec
        self._bounds = bounds
        self._raster = raster
        self._memories = memories
        self._join = join
        self._late = int(pipelined)  # cycles that settling, constants and products take longer
        self._blocks = memories.hold(Store.POTENTIALS, raster.rows)
        self._floors = 0 if spec.floor is None else len(table_rows(spec.floor, raster))
        self._shift = leak_shift(spec.leak, spec.leak_bits)
        self._charges = current_delay  # the stage that has an op's currents
        self._timesteps = len(spec.leak)
        self.delay = neuron_delay(current_delay)
        super().__init__({
            "op": In(operation(folds=raster.folds, timesteps=self._timesteps, rows=raster.rows)),
            "currents": In(data.ArrayLayout(signed(bounds.charging.width), raster.width)),
            "words": Out(spike_word(parallel=raster.width, rows=raster.rows)),
            "words_valid": Out(1),
            **({} if join is None else {"joined": In(data.ArrayLayout(1, raster.width))}),
        })

    @property
    def recovery(self) -> int:
        """Cycles between two steps of one row, at least."""
        return recovery(self._spec, self._blocks, bool(self._late))

    def elaborate(self, platform):
        m = Module()
        spec, bounds, width = self._spec, self._bounds, self._raster.width
        ops = [self.op]
        for stage in range(1, self.delay + 2 + 2 * self._late):
            ops.append(delayed(m, ops[-1], 1, f"op_{stage}"))
        charges, fires = self._charges, self._charges + 1

        # Charge what the last timestep left.
        carried, rests, store = self._kept(m, ops)
        charged = self._signals("charged", bounds.charged.width)
        m.d.sync += [charged[i].eq(self._unless(rests, i, carried[i] + self.currents[i]))
                     for i in range(width)]

        # Fire and settle.
        threshold = self._constants(m, "threshold", Store.THRESHOLDS, spec.threshold,
                                    ops[charges - 1 - self._late])
        reset_by = self._reset_amounts(m, threshold, ops[charges - 1 - self._late])
        floor = None if spec.floor is None else self._constants(
            m, "floor", Store.FLOORS, spec.floor, ops[charges - 1 - self._late])
        op = ops[fires]
        fired = Signal(width)
        firing = Signal()  # `charged` and `fired` are a neuron row's; benches look here
        m.d.comb += firing.eq(op.step & ~op.sweep)
        m.d.comb += [fired[i].eq(self._fires(charged[i], threshold[i])
                                 & self._exists(i, op.fold)) for i in range(width)]
        settled = self._settle(m, charged, fired, reset_by, floor, ops[fires + self._late])
        m.d.sync += [
            self.words.spikes.eq(self._leaving(fired)),
            self.words.row.eq(op.row),
            self.words.last.eq(op.row == self._raster.rows - 1),
            self.words_valid.eq(firing),
        ]

        if store is not None:
            leaked, op = self._leak(m, settled, ops)
            m.d.comb += [
                store.write_enable.eq(op.step),
                store.write_row.eq(op.row),
                store.write_data.eq(Cat(leaked, self._resting(m, fired, ops[fires]))),
            ]
        return m

    def _settle(self, m, charged, fired, reset_by, floor, op):
        """The potentials behind the reset; pipelined, a register stands before its choice.

        No spike takes a potential below its floor, so it is compared beside the threshold.
        """
        width = self._raster.width
        settled = self._signals("settled", self._bounds.settled.width)
        lowered = [charged[i] - reset_by[i] if reset_by is not None else 0 for i in range(width)]
        below = self._below(m, charged, floor)
        if self._late:
            if reset_by is not None:
                # As wide as the difference where it is cut to a range behind this.
                kept = self._signals("rest", self._bounds.settled.width
                                     if self._spec.saturation is None
                                     else len(charged[0] - reset_by[0]))
                m.d.sync += [kept[i].eq(lowered[i]) for i in range(width)]
                lowered = list(kept)
            charged = delayed(m, charged, 1, "charged", reset_less=True)
            fired = delayed(m, fired, 1, "fired", reset_less=True)
            if floor is not None:
                below = delayed(m, below, 1, "below", reset_less=True)
                floor = delayed(m, floor, int(self._floors > 1), "floor_row", reset_less=True)
        held = (charged if floor is None else
                [Mux(below[i], floor[i], charged[i]) for i in range(width)])
        empties = op.sweep if self._spec.carries else op.close  # V is 0 afterwards
        for i in range(width):
            m.d.sync += settled[i].eq(Mux(empties, 0, self._saturated(
                m, i, Mux(fired[i], lowered[i], held[i]))))
        return settled

    def _below(self, m, charged, floor):
        """Which neurons' potentials are below their floor, None without one."""
        if floor is None:
            return None
        below = Signal(self._raster.width)
        m.d.comb += [below[i].eq(charged[i] < floor[i]) for i in range(self._raster.width)]
        return below

    def _signals(self, name, width):
        return Signal(data.ArrayLayout(signed(width), self._raster.width), name=name,
                      reset_less=True)

    def _kept(self, m, ops):
        """The leaked potentials of the row whose currents are there, which of its neurons rest, or
        None where none ever does, and the memory of both."""
        width, rows = self._raster.width, self._raster.rows
        layout = data.ArrayLayout(signed(self._bounds.carried.width), width)
        if not self._spec.remembers:
            return [0] * width, None, None
        size, ahead = layout.size + width * self._spec.rests, 2 + self._late if self._blocks else 1
        m.submodules.potentials = store = (
            BlockMemory(rows=rows, width=size, pipelined=bool(self._late)) if self._blocks
            else StateMemory(rows=rows, width=size))
        m.d.comb += store.read_row.eq(ops[self._charges - ahead].row)
        rests = store.read_data[layout.size:] if self._spec.rests else None
        return layout(store.read_data[:layout.size]), rests, store

    def _unless(self, rests, position, potential):
        """``potential``, or 0 of a neuron that rests."""
        return potential if rests is None else Mux(rests[position], 0, potential)

    def _resting(self, m, fired, op):
        """Which neurons rest in the next timestep, as soon as it is known what they start from."""
        if not self._spec.rests:
            return []
        rests = Signal(self._raster.width, reset_less=True)
        ends = op.sweep if self._spec.stateful else op.close  # of an inference, or of its state
        m.d.sync += rests.eq(Mux(ends, 0, fired))
        later = self._late + (0 if self._shift is not None else 1 + self._late)
        return delayed(m, rests, later, "rests_later")

    def _constants(self, m, name, store, table, op):
        return constant_rows(m, name, table, self._raster, op, store, self._memories,
                             pipelined=bool(self._late))

    def _reset_amounts(self, m, threshold, op):
        """What a soft reset subtracts: the threshold's own row where no neuron has another; None
        with a hard reset."""
        separate = self._spec.separate_reset_by
        if separate is not None:
            return self._constants(m, "reset_by", Store.RESETS, separate, op)
        return threshold if self._spec.reset_by is not None else None

    def _fires(self, charged, threshold):
        match self._spec.comparison:
            case Comparison.AT_LEAST:
                return charged >= threshold
            case Comparison.ABOVE:
                return charged > threshold
            case _:
                assert_never(self._spec.comparison)

    def _leaving(self, fired):
        """The spikes that leave the layer."""
        match self._join:
            case None:
                return fired
            case JoinKind.AND:
                return fired & self.joined.as_value()
            case JoinKind.IAND:
                return ~fired & self.joined.as_value()
            case JoinKind.INHIBIT:
                return fired & ~self.joined.as_value()
            case _:
                assert_never(self._join)

    def _saturated(self, m, position, potential):
        """``potential``, or the end of the range of ``saturation`` bits that it is beyond."""
        bits = self._spec.saturation
        if bits is None or len(potential) <= bits:
            return potential
        whole = Signal(potential.shape(), name=f"whole_{position}")
        m.d.comb += whole.eq(potential)
        beyond = whole[bits - 1:].any() & ~whole[bits - 1:].all()
        low, high = self._spec.ends
        return Mux(beyond, Mux(whole[-1], low, high), whole[:bits].as_signed())

    def _exists(self, position, fold):
        """False where the last fold has fewer channels than positions."""
        folds = self._raster.folds
        tail = self._raster.shape.channels - (folds - 1) * self._raster.width
        return 1 if position < tail else fold != folds - 1

    def _leak(self, m, settled, ops):
        """What the next timestep starts from, and the op that it belongs to."""
        spec, width, settles = self._spec, self._raster.width, self._charges + 2 + self._late
        carried_width = self._bounds.carried.width
        leaked = Signal(data.ArrayLayout(signed(carried_width), width), name="leaked")
        if self._shift is not None:
            m.d.comb += [leaked[i].eq(settled[i] >> self._shift) for i in range(width)]
            return leaked, ops[settles]

        factor = self._factors(m, ops[settles - 2 - self._late], ops[settles - 1])
        product = self._signals("product", carried_width + spec.leak_bits)
        m.d.sync += [product[i].eq(settled[i] * factor[i]) for i in range(width)]
        product = delayed(m, product, self._late, "product", reset_less=True)
        m.d.comb += [leaked[i].eq(product[i] >> spec.leak_bits) for i in range(width)]
        return leaked, ops[settles + 1 + self._late]

    def _factors(self, m, early, late):
        """Leak factors of a row, the same signal for all where no channel has its own; a constant's
        delay after the op ``early``, a cycle after it is ``late``."""
        shared = self._spec.shared_leak
        if shared is None:
            return self._constants(m, "leak", Store.LEAKS, self._spec.next_leak, early)
        factors = [*shared[1:].tolist(), int(shared[0])]
        factor = Signal(range(max(factors) + 1), reset_less=True)
        m.d.sync += factor.eq(Array(factors)[late.timestep])
        return [factor] * self._raster.width
