"""Words of spikes against constant weights: counts of groups, and full adders at each neuron."""

from __future__ import annotations

import numpy as np
from amaranth import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.dense_unrolled import LEVELS, DenseUnrolled, adder_heights
from bsnn_hw.engines.dense_words import LEAF
from bsnn_hw.hdl.checks import require_instance, require_shape
from bsnn_hw.hdl.formats import delayed, index_width
from bsnn_hw.hdl.popcount import count_bits
from bsnn_hw.ir.bounds import Interval
from bsnn_hw.ir.network import Dense

__all__ = ["UnrolledSynapses"]

Columns = list[list[Value]]  # bits of weight 1, 2, 4, …


class UnrolledSynapses(wiring.Component):
    """Weighs a word of spikes for all neurons.

    ``deltas[n] + carries[n] = sum over lanes of weight * values[lane] << rows[0]``.

    Fully pipelined, never stalls.  The sum is ``2 * count(spikes whose weight is +1) -
    count(spikes)``, whose second half all neurons share.  Carries are saved up to the last adder:
    there is no carry chain but that, and a full adder, which leaves two bits of three, is two LUTs.

    Parameters
    ----------
    geometry : DenseUnrolled
    synapse : Dense, weights of one bit
    pipelined : bool, spikes pass a further register

    Members
    -------
    tap : In, 0; rows : In, one, the plane; values : In, a spike or none per lane
    deltas : Out, a signed number per neuron, ``DenseUnrolled.delay`` cycles later, pipelined one
        more
    carries : Out, 0
    """

    def __init__(self, geometry: DenseUnrolled, synapse: Dense, *, pipelined: bool = False):
        require_instance(DenseUnrolled, geometry=geometry)
        require_instance(Dense, synapse=synapse)
        require_shape((geometry.neurons, geometry.inputs), weights=synapse.weights)
        if synapse.weight_bits != 1:
            raise ValueError(f"weight_bits must be 1, not {synapse.weight_bits}")
        self._geometry = geometry
        self._weights = geometry.lane_weights(synapse.weights)
        self._pipelined = pipelined
        lanes = geometry.lanes
        self._difference = signed(Interval(-((lanes + 1) // 2), lanes // 2).width)
        super().__init__({
            "tap": In(1),
            "rows": In(data.ArrayLayout(index_width(geometry.rows), 1)),
            "values": In(data.ArrayLayout(1, lanes)),
            "deltas": Out(data.ArrayLayout(signed(self._difference.width + geometry.planes),
                                           geometry.parallel)),
            "carries": Out(geometry.parallel),
        })

    def elaborate(self, platform):
        m = Module()
        geometry = self._geometry
        spikes = delayed(m, self.values.as_value(), int(self._pipelined), "spikes",
                         reset_less=True)
        every = np.ones((1, geometry.lanes), bool)
        *ones, total = [self._added(m, name, columns) for name, columns in self._counts(
            m, spikes, np.concatenate([self._weights, every]))]

        # 2 * ones - total = 2 * (ones - total // 2 - odd) + odd; -x - 1 is the complement.
        odd = total[0]
        half = Signal(self._difference.width)
        m.d.comb += half.eq(total[1:])
        later = delayed(m, odd, 1, "odd", reset_less=True)
        # The plane's bits, each with the sums that it shifts.
        planes = [delayed(m, self.rows[0][bit], geometry.delay() + self._pipelined
                          - geometry.shifts + bit, f"plane_{bit}", reset_less=True)
                  for bit in range(geometry.shifts)]
        for i, count in enumerate(ones):
            difference = Signal(self._difference, name=f"difference_{i}", reset_less=True)
            m.d.sync += difference.eq((Cat(1, count) + Cat(~odd, ~half)) >> 1)
            m.d.comb += self.deltas[i].eq(
                _shifted(m, f"delta_{i}", Cat(later, difference).as_signed(), planes))
        return m

    def _counts(self, m, spikes: Value, weights: np.ndarray) -> list[tuple[str, Columns]]:
        """Per row of ``weights`` its name and the groups' counts of spikes where it is true."""
        known: dict[tuple[int, bytes], list[Value]] = {}
        found = []
        for i, row in enumerate(weights):
            columns: Columns = [[] for _ in range(LEAF.bit_length())]
            for start in range(0, len(row), LEAF):
                ones = row[start:start + LEAF]
                key = start, ones.tobytes()
                if ones.any() and key not in known:
                    word = count_bits([spikes[start + int(lane)] for lane in np.flatnonzero(ones)])
                    name = "".join("01"[int(one)] for one in ones)
                    known[key] = [_register(m, f"count_{start}_{name}_{bit}", value)
                                  for bit, value in enumerate(word)]
                for column, value in zip(columns, known.get(key, []), strict=False):
                    column.append(value)
            found.append((f"sum_{i}" if i < self._geometry.parallel else "spikes_count", columns))
        return found

    def _added(self, m, name: str, columns: Columns) -> Value:
        """The number that all bits of ``columns`` make."""
        _, *limits = adder_heights(self._geometry.lanes)
        for level, limit in enumerate(limits, 1):
            columns = _full_adders(columns, limit)
            if level % LEVELS == 0 or level == len(limits):
                columns = [[_register(m, f"{name}_{level}_{place}_{i}", bit)
                            for i, bit in enumerate(column)]
                           for place, column in enumerate(columns)]
        first, second = (Cat(column[row] if row < len(column) else Const(0, 1)
                             for column in columns) for row in range(2))
        total = Signal(max(1, self._geometry.lanes.bit_length()), name=name, reset_less=True)
        m.d.sync += total.eq(first + second)
        return total


def _register(m, name: str, value: Value) -> Signal:
    register = Signal(len(value), name=name, reset_less=True)
    m.d.sync += register.eq(value)
    return register


def _shifted(m, name: str, value: Value, shift: list[Value]) -> Value:
    """``value`` times two to ``shift``, a register for each of its bits."""
    for place, bit in enumerate(shift):
        larger = Signal(signed(len(value) + (1 << place)), name=f"{name}_{place}", reset_less=True)
        m.d.sync += larger.eq(Mux(bit, value << (1 << place), value))
        value = larger
    return value


def _full_adders(columns: Columns, limit: list[int]) -> Columns:
    """The same number with two bits for each three of a column, and no more than ``limit``: where
    two that are left would be one too many, a half adder takes them."""
    found: Columns = [[] for _ in range(len(columns) + 1)]
    for place, column in enumerate(columns):
        threes, rest = divmod(len(column), 3)
        halved = rest == 2 and len(found[place]) + threes + rest > limit[place]
        taken = [column[at:at + 3] for at in range(0, len(column) if halved else 3 * threes, 3)]
        for low, high in map(count_bits, taken):
            found[place].append(low)
            found[place + 1].append(high)
        found[place] += column[3 * len(taken):]
    return found
