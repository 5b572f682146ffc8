"""What charges the neurons; the reference is ``current`` of reference/neuron.py."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.border import BorderClasses
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.constants import constant_rows
from bsnn_hw.hdl.formats import delayed, operation
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.network import CurrentShortcut, Hidden, SynapseShortcut
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import USUAL_ROWS, Rows, Store, Stores
from bsnn_hw.layout.timing import current_delay

__all__ = ["CurrentArray", "carried_layout"]



def carried_layout(shortcut, bounds, width: int) -> data.ArrayLayout:
    """A row of what an earlier layer hands on past the layers between: currents or spikes."""
    current = isinstance(shortcut, CurrentShortcut)
    return data.ArrayLayout(signed(bounds.width) if current else 1, width)


class CurrentArray(wiring.Component):
    """A row of currents a cycle: counts, scaled and shifted, and what shortcuts add.

    Without a gain ``(acc << fraction_bits) + bias``.  A gate of the sample's multiplies that, a
    cycle later.  With a gain, products come first, one
    multiplication per neuron and timestep, and then sums of pairs, so that it takes two cycles
    more.  No width but that of the whole current matters: two's complement brings back what a part
    may exceed.  Pipelined, constants come a cycle later, and a product takes two.

    Parameters
    ----------
    layer : Hidden
    bounds : HiddenBounds, of the layer
    raster : Raster, of its neurons
    memories : which tables lie in block RAM; pipelined : see `LayerPlan`

    Members
    -------
    op : In, ``operation``
    sums : In, one cycle after its op; sums_K : In, likewise of the synapses of shortcut K
    carried_K : In, ``carried_layout`` of shortcut K, the row that is to be taken next
    factor : In, of a gate, three cycles after its op, pipelined four
    take : Out, the op takes these rows in this cycle
    currents : Out, ``delay`` cycles after its op
    """

    def __init__(self, layer: Hidden, bounds: HiddenBounds, raster: Raster, *,
                 memories: Rows | Stores = USUAL_ROWS, pipelined: bool = False):
        require_instance(Hidden, layer=layer)
        require_instance(HiddenBounds, bounds=bounds)
        require_instance(Raster, raster=raster)
        self._layer = layer
        self._gate = layer.gate
        self._gate_bounds = bounds.gate
        self._raster = raster
        self._memories = memories
        self._late = int(pipelined)  # cycles that constants, and products, take longer
        self.delay = current_delay(layer, pipelined)
        width = raster.width
        members = {
            "op": In(operation(folds=raster.folds, timesteps=len(layer.neuron.leak),
                               rows=raster.rows)),
            "sums": In(data.ArrayLayout(signed(bounds.acc.width), width)),
            "take": Out(1),
            "currents": Out(data.ArrayLayout(signed(bounds.current.width), width)),
        }
        if layer.gate is not None:
            members["factor"] = In(layer.gate.width)
        for number, (shortcut, interval) in enumerate(zip(layer.shortcuts, bounds.shortcuts,
                                                          strict=True)):
            if isinstance(shortcut, SynapseShortcut):
                members[f"sums_{number}"] = In(data.ArrayLayout(signed(interval.width), width))
            else:
                members[f"carried_{number}"] = In(carried_layout(shortcut, interval, width))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        spec, width = self._layer.neuron, self._raster.width
        later = delayed(m, self.op, 1 + self._late, "op")
        latest = delayed(m, later, 1 + self._late, "op_later")
        m.d.comb += self.take.eq(latest.step & ~latest.sweep)
        sums = delayed(m, self.sums, 1 + self._late, "sums_row", reset_less=True)
        if spec.gain is None:
            bias = self._biases(m, self.op)
            own = (self.currents if self._gate_bounds is None else
                   self._signals("own", self._gate_bounds.own))
            m.d.sync += [own[i].eq((sums[i] << spec.fraction_bits) + bias[i])
                         for i in range(width)]
            if self._gate is not None and self._gate_bounds is not None:
                self._multiply(m, own, self._gate.factor_bits, self._gate_bounds.product)
            return m

        terms = [self._product(m, "product", sums, spec.gain),
                 self._biases(m, later)]
        terms += [self._shortcut(m, number, shortcut, later)
                  for number, shortcut in enumerate(self._layer.shortcuts)]
        pairs = []
        for number in range(0, len(terms), 2):
            pairs.append(self._row(f"pair_{number // 2}"))
            m.d.sync += [pairs[-1][i].eq(sum(term[i] for term in terms[number:number + 2]))
                         for i in range(width)]
        m.d.sync += [self.currents[i].eq(sum(pair[i] for pair in pairs)) for i in range(width)]
        return m

    def _multiply(self, m, own, bits, interval):
        """The currents: a gate's factor times ``own``, without the ``bits`` behind the point."""
        products = self._signals("products", interval)
        m.d.sync += [product.eq(value * self.factor)
                     for product, value in zip(products, own, strict=True)]
        products = delayed(m, products, self._late, "products", reset_less=True)
        m.d.comb += [current.eq(product >> bits)
                     for current, product in zip(self.currents, products, strict=True)]

    def _shortcut(self, m, number, shortcut, op):
        """What a shortcut adds, when the product of the layer's own sums is there."""
        if isinstance(shortcut, SynapseShortcut):
            sums = delayed(m, getattr(self, f"sums_{number}"), 1 + self._late,
                           f"sums_{number}_row", reset_less=True)
            return self._product(m, f"product_{number}", sums, shortcut.gain)
        # Nothing between the queue's block RAM and this register.
        carried = delayed(m, getattr(self, f"carried_{number}"), 1, f"carried_{number}_row",
                          reset_less=True)
        if isinstance(shortcut, CurrentShortcut):
            return carried
        gain = self._constants(m, f"gain_{number}", Store.GAINS, shortcut.gain, op)
        return [Mux(carried[i], gain[i], 0) for i in range(self._raster.width)]

    def _product(self, m, name, sums, gain):
        row = self._row(name)
        gains = self._constants(m, f"{name}_gain", Store.GAINS, gain, self.op)
        m.d.sync += [row[i].eq(sums[i] * gains[i]) for i in range(self._raster.width)]
        return delayed(m, row, self._late, name, reset_less=True)

    def _biases(self, m, op):
        spec = self._layer.neuron
        if spec.border is None:
            return self._constants(m, "bias", Store.BIASES, spec.bias, op)
        m.submodules.border = classes = BorderClasses(spec.border, self._raster,
                                                      timesteps=len(spec.leak))
        m.d.comb += classes.op.eq(op)
        return constant_rows(m, "bias", spec.bias, self._raster, op, Store.BIASES, self._memories,
                             spec.border, classes.place, pipelined=bool(self._late))

    def _constants(self, m, name, store, table, op):
        return constant_rows(m, name, table, self._raster, op, store, self._memories,
                             pipelined=bool(self._late))

    def _signals(self, name, interval):
        return Signal(data.ArrayLayout(signed(interval.width), self._raster.width), name=name,
                      reset_less=True)

    def _row(self, name):
        return Signal(self.currents.shape(), name=name, reset_less=True)
