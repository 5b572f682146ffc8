"""Weight banks and the sum of +-1 over the lanes; the reference is reference/synapse.py."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive, require_shape
from bsnn_hw.hdl.formats import delayed, index_width
from bsnn_hw.ir.schedule import LayerGeometry

__all__ = ["SynapseArray", "synapse_delay"]


def synapse_delay(lanes: int) -> int:
    """Cycles from ``addresses`` to ``deltas``: block RAM, its register, pairs, and the tree."""
    pairs = -(-lanes // 2)
    return 3 + (pairs - 1).bit_length()


class SynapseArray(wiring.Component):
    """``deltas[n] = sum over lanes of +-values[lane]``, the sign a bit of the lane's weight word.

    Fully pipelined, never stalls.  What the neurons share is computed once: lanes go in pairs, the
    four possible sums of a pair's two values are registers, and a neuron's two weight bits choose.

    Parameters
    ----------
    geometry : LayerGeometry
    weights : int8 ndarray (neurons, inputs), -1 or +1
    max_value : int, largest value of an event

    Members
    -------
    addresses, values : In, per lane
    deltas : Out, ``parallel`` signed numbers, ``synapse_delay`` cycles later
    """

    def __init__(self, geometry: LayerGeometry, weights, *, max_value: int):
        require_positive(max_value=max_value)
        require_instance(LayerGeometry, geometry=geometry)
        require_shape((geometry.neurons, geometry.inputs), weights=weights)
        self._geometry = geometry
        self._weights = weights
        self._max_value = max_value
        lanes, address_width = geometry.lanes, index_width(geometry.depth)
        super().__init__({
            "addresses": In(address_width).array(lanes),
            "values": In(max_value.bit_length()).array(lanes),
            "deltas": Out(data.ArrayLayout(self._sum_shape(lanes), geometry.parallel)),
        })

    def elaborate(self, platform):
        m = Module()
        banks = self._geometry.bank_words(self._weights)
        words = [self._bank(m, lane, banks[lane % len(banks)])
                 for lane in range(self._geometry.lanes)]
        # Values wait for the block RAM; the sums take the cycle of its output register.
        values = [delayed(m, value, 1, f"value_{lane}")
                  for lane, value in enumerate(self.values)]
        terms = [self._choose(m, lane, words[lane:lane + 2], values[lane:lane + 2])
                 for lane in range(0, self._geometry.lanes, 2)]

        lanes = 2
        while len(terms) > 1:
            lanes = min(2 * lanes, self._geometry.lanes)
            terms = [self._add(m, f"sum_of_{lanes}_{i // 2}", terms[i:i + 2], lanes)
                     for i in range(0, len(terms), 2)]
        m.d.comb += [out.eq(term) for out, term in zip(self.deltas, terms[0], strict=True)]
        return m

    def _bank(self, m, lane, init):
        """One lane's weight words, two cycles after their address."""
        geometry = self._geometry
        bank = memory.Memory(shape=geometry.parallel, depth=geometry.depth, init=init)
        m.submodules[f"bank_{lane}"] = bank
        read = bank.read_port()
        m.d.comb += read.addr.eq(self.addresses[lane])
        # Nothing between a block RAM and this register: the RAM alone takes most of a cycle.
        return delayed(m, read.data, 1, f"weights_{lane}")

    def _choose(self, m, lane, words, values):
        """Per neuron, the signed sum of one or two lanes."""
        if len(words) == 1:
            sums = [-values[0], values[0]]
        else:
            first, second = values
            sums = [-first - second, first - second, second - first, first + second]
        shape = self._sum_shape(len(values))
        table = [Signal(shape, name=f"lane_{lane}_sum_{i}") for i in range(len(sums))]
        m.d.sync += [entry.eq(value) for entry, value in zip(table, sums, strict=True)]
        chosen = Signal(data.ArrayLayout(shape, self._geometry.parallel), name=f"chosen_{lane}")
        for i in range(self._geometry.parallel):
            m.d.sync += chosen[i].eq(Array(table)[Cat(word[i] for word in words)])
        return list(chosen)

    def _add(self, m, name, terms, lanes):
        """Per neuron, the registered sum of two terms that cover up to ``lanes`` lanes; a single
        term only waits."""
        shape = self._sum_shape(lanes) if len(terms) > 1 else signed(len(terms[0][0]))
        total = Signal(data.ArrayLayout(shape, self._geometry.parallel), name=name)
        for i, column in enumerate(zip(*terms, strict=True)):
            m.d.sync += total[i].eq(sum(column[1:], column[0]))
        return list(total)

    def _sum_shape(self, lanes):
        return signed((lanes * self._max_value).bit_length() + 1)
