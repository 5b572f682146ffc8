"""The synaptic currents of second-order neurons; the reference is ``advance`` of
reference/neuron.py."""

from __future__ import annotations

from amaranth import Array, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.constants import constant_rows
from bsnn_hw.hdl.formats import delayed, operation
from bsnn_hw.hdl.memory import BlockMemory, StateMemory
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.network import NeuronSpec
from bsnn_hw.ir.neuron import next_factors, shared_factors
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import USUAL_ROWS, Rows, Store, Stores
from bsnn_hw.layout.timing import SYNAPTIC_DELAY, leak_shift, synaptic_recovery

__all__ = ["SynapticArray"]


class SynapticArray(wiring.Component):
    """A row of synaptic currents a cycle, between `CurrentArray` and `NeuronArray`.

    Add what the last timestep left, then leak and store.  Between two steps of the same row there
    must be ``recovery`` cycles or more.  Pipelined, what is in block RAM, constants and products
    come through registers of their own.

    Parameters
    ----------
    spec : NeuronSpec, of second-order neurons
    bounds : HiddenBounds
        Every width follows from it; nothing saturates or wraps.
    raster : Raster
    current_delay : int, cycles from an op to its currents, 3 or more
    memories : which memories lie in block RAM; pipelined : see `LayerPlan`

    Members
    -------
    op : In, ``operation``; currents : In, ``current_delay`` cycles after it
    synaptic : Out, ``SYNAPTIC_DELAY`` cycles after the currents
    """

    def __init__(self, spec: NeuronSpec, bounds: HiddenBounds, raster: Raster, *,
                 current_delay: int, memories: Rows | Stores = USUAL_ROWS,
                 pipelined: bool = False):
        require_instance(NeuronSpec, spec=spec)
        require_instance(HiddenBounds, bounds=bounds)
        require_instance(Raster, raster=raster)
        if not isinstance(current_delay, int) or current_delay < 3:
            raise ValueError(f"current_delay must be an integer of 3 or more, "
                             f"not {current_delay!r}")
        if spec.current_leak is None or bounds.synaptic is None:
            raise ValueError("spec and bounds must be of second-order neurons")
        self._spec = spec
        self._leak = spec.current_leak
        self._kept_width = bounds.synaptic.kept.width
        self._raster = raster
        self._memories = memories
        self._late = int(pipelined)  # cycles that constants, and products, take longer
        self._block = memories.hold(Store.SYNAPTIC, raster.rows)
        self._comes = current_delay  # the stage that has an op's currents
        super().__init__({
            "op": In(operation(folds=raster.folds, timesteps=len(spec.leak), rows=raster.rows)),
            "currents": In(data.ArrayLayout(signed(bounds.current.width), raster.width)),
            "synaptic": Out(data.ArrayLayout(signed(bounds.synaptic.current.width),
                                             raster.width)),
        })

    @property
    def recovery(self) -> int:
        """Cycles between two steps of one row, at least."""
        return synaptic_recovery(self._spec, self._block, bool(self._late))

    def elaborate(self, platform):
        m = Module()
        width, rows, comes = self._raster.width, self._raster.rows, self._comes
        ops = [self.op]
        for stage in range(1, comes + SYNAPTIC_DELAY + 2 + self._late):
            ops.append(delayed(m, ops[-1], 1, f"op_{stage}"))

        # Add what the last timestep left.
        layout = data.ArrayLayout(signed(self._kept_width), width)
        ahead = 2 + self._late if self._block else 1
        m.submodules.kept = store = (
            BlockMemory(rows=rows, width=layout.size, pipelined=bool(self._late))
            if self._block else StateMemory(rows=rows, width=layout.size))
        kept = layout(store.read_data)
        synaptic = Signal(self.synaptic.shape(), name="gathered", reset_less=True)
        m.d.sync += [synaptic[i].eq(kept[i] + self.currents[i]) for i in range(width)]
        m.d.comb += [store.read_row.eq(ops[comes - ahead].row), self.synaptic.eq(synaptic)]

        leaked, op = self._leaked(m, synaptic, ops)
        m.d.comb += [
            store.write_enable.eq(op.step),
            store.write_row.eq(op.row),
            store.write_data.eq(leaked),
        ]
        return m

    def _leaked(self, m, synaptic, ops):
        """What the next timestep starts from, nothing at the inference's end unless the next one
        starts from it, and the op that it belongs to."""
        spec, width, at = self._spec, self._raster.width, self._comes + SYNAPTIC_DELAY
        empties = ops[at].sweep if spec.holds else ops[at].close
        leaked = Signal(data.ArrayLayout(signed(self._kept_width), width), name="leaked")
        shift = leak_shift(self._leak, spec.leak_bits)
        if shift is not None:
            m.d.comb += [leaked[i].eq(Mux(empties, 0, synaptic[i] >> shift))
                         for i in range(width)]
            return leaked, ops[at]

        factor = self._factors(m, ops[at - 2 - self._late], ops[at - 1])
        product = Signal(data.ArrayLayout(signed(self._kept_width + spec.leak_bits), width),
                         name="product", reset_less=True)
        m.d.sync += [product[i].eq(Mux(empties, 0, synaptic[i] * factor[i]))
                     for i in range(width)]
        product = delayed(m, product, self._late, "product", reset_less=True)
        m.d.comb += [leaked[i].eq(product[i] >> spec.leak_bits) for i in range(width)]
        return leaked, ops[at + 1 + self._late]

    def _factors(self, m, early, late):
        """Leak factors of a row, the same signal for all where no channel has its own; a constant's
        delay after the op ``early``, a cycle after it is ``late``."""
        shared = shared_factors(self._leak)
        if shared is None:
            return constant_rows(m, "leak", next_factors(self._leak), self._raster, early,
                                 Store.LEAKS, self._memories, pipelined=bool(self._late))
        factors = [*shared[1:].tolist(), int(shared[0])]
        factor = Signal(range(max(factors) + 1), reset_less=True)
        m.d.sync += factor.eq(Array(factors)[late.timestep])
        return [factor] * self._raster.width
