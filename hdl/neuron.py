"""The integrate-and-fire step; the reference is reference/neuron.py."""

from __future__ import annotations

import numpy as np
from amaranth import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import delayed, operation, rom_attributes, spike_word
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.ir.bounds import HiddenBounds, Interval
from bsnn_hw.ir.network import Comparison, NeuronSpec, Reset

__all__ = ["NEURON_DELAY", "NeuronArray"]

NEURON_DELAY = 5  # cycles from an op to its word


class NeuronArray(wiring.Component):
    """``parallel`` neurons step side by side, one fold per cycle, never stalling.

    Constants leave their ROM through a register, then: current, charge, fire and settle, leak
    and store.  Between two steps of the same fold there must be ``recovery`` cycles or more.

    Parameters
    ----------
    spec : NeuronSpec
    bounds : HiddenBounds
        Every width follows from it; nothing saturates or wraps.
    parallel : int

    Members
    -------
    op : In, ``operation``; sums : In, one cycle after their op
    words : Out, ``spike_word``; words_valid : Out, NEURON_DELAY cycles after the op
    """

    def __init__(self, spec: NeuronSpec, bounds: HiddenBounds, *, parallel: int):
        require_positive(parallel=parallel)
        require_instance(NeuronSpec, spec=spec)
        require_instance(HiddenBounds, bounds=bounds)
        self._spec = spec
        self._bounds = bounds
        self._parallel = parallel
        self._timesteps, self._neurons = spec.threshold.shape
        self._folds = -(-self._neurons // parallel)
        super().__init__({
            "op": In(operation(folds=self._folds, timesteps=self._timesteps)),
            "sums": In(data.ArrayLayout(signed(bounds.acc.width), parallel)),
            "words": Out(spike_word(parallel=parallel, folds=self._folds)),
            "words_valid": Out(1),
        })

    @property
    def recovery(self) -> int:
        """Cycles between two steps of one fold, at least."""
        return 3 if self._shift is not None else 4

    @property
    def _shift(self) -> int | None:
        """Right shift that is the leak of all timesteps; None where it takes a product."""
        factors = {int(factor) for factor in self._spec.leak[1:]}
        shifts = {1 << bits for bits in range(self._spec.leak_bits + 1)}
        if len(factors) > 1 or not factors <= shifts:
            return None
        return self._spec.leak_bits - (factors or {1}).pop().bit_length() + 1

    def elaborate(self, platform):
        m = Module()
        spec, bounds = self._spec, self._bounds
        ops = [self.op]
        for stage in range(1, NEURON_DELAY + 2):
            ops.append(delayed(m, ops[-1], 1, f"op_{stage}"))

        # Current, and from the memory what the last timestep left.
        bias = self._constants(m, "bias", spec.bias, ops[0])
        sums = delayed(m, self.sums, 1, "sums", reset_less=True)
        current = self._signals("current", bounds.current.width)
        m.d.sync += [current[i].eq((sums[i] << spec.fraction_bits) + bias[i])
                     for i in range(self._parallel)]
        carried, store = self._potentials(m, ops[2].fold)

        charged = self._signals("charged", bounds.charged.width)
        m.d.sync += [charged[i].eq(carried[i] + current[i]) for i in range(self._parallel)]

        # Fire and settle.
        threshold = self._constants(m, "threshold", spec.threshold, ops[2])
        fired = Signal(self._parallel)
        firing = Signal()  # `charged` and `fired` are a neuron row's; benches look here
        m.d.comb += firing.eq(ops[4].step & ~ops[4].sweep)
        settled = self._signals("settled", bounds.settled.width)
        for i in range(self._parallel):
            m.d.comb += fired[i].eq(self._fires(charged[i], threshold[i])
                                    & self._exists(i, ops[4].fold))
            rest = charged[i] - threshold[i] if spec.reset is Reset.SOFT else 0
            m.d.sync += settled[i].eq(Mux(ops[4].close, 0, Mux(fired[i], rest, charged[i])))
        m.d.sync += [
            self.words.spikes.eq(fired),
            self.words.fold.eq(ops[4].fold),
            self.words.last.eq(ops[4].fold == self._folds - 1),
            self.words_valid.eq(firing),
        ]

        if store is not None:
            leaked, op = self._leak(m, settled, ops)
            m.d.comb += [
                store.write_enable.eq(op.step),
                store.write_row.eq(op.fold),
                store.write_data.eq(leaked),
            ]
        return m

    def _signals(self, name, width):
        return Signal(data.ArrayLayout(signed(width), self._parallel), name=name,
                      reset_less=True)

    def _constants(self, m, name, table, op):
        """Per position, the constants of ``op`` two cycles later; ``table`` is (T, neurons)."""
        fold_bits = (self._folds - 1).bit_length()
        padded = np.zeros((self._timesteps, self._parallel << fold_bits), np.int64)
        padded[:, : self._neurons] = table
        width = Interval(int(padded.min()), int(padded.max())).width
        layout = data.ArrayLayout(signed(width), self._parallel)
        rows = padded.reshape(-1, self._parallel).tolist()
        m.submodules[name] = rom = memory.Memory(shape=layout, depth=len(rows), init=rows,
                                                 attrs=rom_attributes(len(rows)))
        read = rom.read_port()
        m.d.comb += read.addr.eq(Cat(op.fold[:fold_bits], op.timestep))
        return delayed(m, read.data, 1, f"{name}_row", reset_less=True)

    def _potentials(self, m, fold):
        """The memory of leaked potentials, and the row of ``fold`` one cycle later."""
        layout = data.ArrayLayout(signed(self._bounds.carried.width), self._parallel)
        if self._timesteps == 1:
            return [0] * self._parallel, None
        m.submodules.potentials = store = StateMemory(rows=self._folds, width=layout.size)
        m.d.comb += store.read_row.eq(fold)
        return layout(store.read_data), store

    def _fires(self, charged, threshold):
        if self._spec.comparison is Comparison.ABOVE:
            return charged > threshold
        return charged >= threshold

    def _exists(self, position, fold):
        """False where the last fold has fewer neurons than positions."""
        tail = self._neurons - (self._folds - 1) * self._parallel
        return 1 if position < tail else fold != self._folds - 1

    def _leak(self, m, settled, ops):
        """What the next timestep starts from, and the op that it belongs to."""
        spec = self._spec
        leaked = self._comb("leaked", self._bounds.carried.width)
        if self._shift is not None:
            m.d.comb += [leaked[i].eq(settled[i] >> self._shift) for i in range(self._parallel)]
            return leaked, ops[5]

        factors = [*spec.leak[1:].tolist(), 0]
        factor = Signal(range(max(factors) + 1), reset_less=True)
        m.d.sync += factor.eq(Array(factors)[ops[4].timestep])
        product = self._signals("product", self._bounds.carried.width + spec.leak_bits)
        m.d.sync += [product[i].eq(settled[i] * factor) for i in range(self._parallel)]
        m.d.comb += [leaked[i].eq(product[i] >> spec.leak_bits) for i in range(self._parallel)]
        return leaked, ops[6]

    def _comb(self, name, width):
        return Signal(data.ArrayLayout(signed(width), self._parallel), name=name)
