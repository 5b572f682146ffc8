"""The integrate-and-fire step; the reference is reference/neuron.py."""

from __future__ import annotations

import numpy as np
from amaranth import Array, Module, Mux, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import delayed, index_width, operation, spike_word
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.ir.bounds import HiddenBounds
from bsnn_hw.ir.network import Comparison, NeuronSpec, Reset

__all__ = ["NEURON_DELAY", "NeuronArray"]

NEURON_DELAY = 4  # cycles from an op to its word


class NeuronArray(wiring.Component):
    """``parallel`` neurons step side by side, one fold per cycle, never stalling.

    Four stages: current, charge, fire and settle, leak and store.  Between two steps of the same
    fold there must be ``recovery`` cycles or more.

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
        return 3

    def elaborate(self, platform):
        m = Module()
        spec, bounds = self._spec, self._bounds
        ops = [self.op]
        for stage in range(1, 5):
            ops.append(delayed(m, ops[-1], 1, f"op_{stage}"))
        row = Signal(index_width(self._timesteps * self._folds))
        m.d.comb += row.eq(self.op.timestep * self._folds + self.op.fold)

        # Current, and from the memory what the last timestep left.
        bias = self._constants(m, "bias", spec.bias, row)
        current = self._signals("current", bounds.current.width)
        for i in range(self._parallel):
            m.d.sync += current[i].eq((self.sums[i] << spec.fraction_bits) + bias[i])
        carried, store = self._potentials(m, ops[1].fold)

        charged = self._signals("charged", bounds.charged.width)
        for i in range(self._parallel):
            m.d.sync += charged[i].eq(carried[i] + current[i])

        # Fire and settle.
        threshold = self._constants(m, "threshold", spec.threshold,
                                    delayed(m, row, 2, "threshold_row"))
        fired = Signal(self._parallel)
        firing = Signal()  # `charged` and `fired` are a neuron row's; benches look here
        m.d.comb += firing.eq(ops[3].step & ~ops[3].sweep)
        settled = self._signals("settled", bounds.settled.width)
        for i in range(self._parallel):
            m.d.comb += fired[i].eq(self._fires(charged[i], threshold[i])
                                    & self._exists(i, ops[3].fold))
            rest = charged[i] - threshold[i] if spec.reset is Reset.SOFT else 0
            m.d.sync += settled[i].eq(Mux(ops[3].close, 0, Mux(fired[i], rest, charged[i])))

        m.d.sync += [
            self.words.spikes.eq(fired),
            self.words.fold.eq(ops[3].fold),
            self.words.last.eq(ops[3].fold == self._folds - 1),
            self.words_valid.eq(firing),
        ]
        if store is not None:
            self._leak(m, settled, ops[4], store)
        return m

    def _signals(self, name, width):
        return Signal(data.ArrayLayout(signed(width), self._parallel), name=name)

    def _constants(self, m, name, table, row):
        """Per position, the constants of ``row`` one cycle later; ``table`` is (T, neurons)."""
        padded = np.zeros((self._timesteps, self._folds * self._parallel), np.int64)
        padded[:, : self._neurons] = table
        width = max(signed_width(padded.min()), signed_width(padded.max()))
        layout = data.ArrayLayout(signed(width), self._parallel)
        rows = padded.reshape(-1, self._parallel).tolist()
        m.submodules[name] = rom = memory.Memory(shape=layout, depth=len(rows), init=rows)
        read = rom.read_port()
        m.d.comb += read.addr.eq(row)
        return read.data

    def _potentials(self, m, fold):
        """The memory of leaked potentials and its row of two cycles after ``fold``'s op."""
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

    def _leak(self, m, settled, op, store):
        """Store what the next timestep starts from."""
        spec = self._spec
        factors = [int(factor) for factor in spec.leak[1:]]
        width = self._bounds.carried.width
        carried = self._signals("leaked", width)
        if len(set(factors)) == 1:
            factor = factors[0]
        else:
            shape = range(max(factors) + 1)
            factor = Signal(shape)
            m.d.comb += factor.eq(Array([*factors, 0])[op.timestep])
        for i in range(self._parallel):
            m.d.comb += carried[i].eq((settled[i] * factor) >> spec.leak_bits)
        m.d.comb += [
            store.write_enable.eq(op.step),
            store.write_row.eq(op.fold),
            store.write_data.eq(carried),
        ]


def signed_width(value: int) -> int:
    """Bits of ``value`` in two's complement."""
    return int(value if value >= 0 else ~value).bit_length() + 1
