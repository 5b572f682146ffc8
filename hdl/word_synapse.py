"""Words of spikes against words of weights: XNOR and popcount; reference/synapse.py."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.checks import require_instance, require_shape
from bsnn_hw.hdl.formats import delayed, index_width, rom_attributes
from bsnn_hw.hdl.popcount import popcount
from bsnn_hw.ir.bounds import Interval
from bsnn_hw.ir.network import Dense

__all__ = ["WordSynapseArray"]


class WordSynapseArray(wiring.Component):
    """Weighs a word of spikes for a row of neurons.

    ``deltas[n] + carries[n] = sum over lanes of weight * values[lane]``.

    Fully pipelined, never stalls.  Where a lane has a spike, the XNOR of spike and weight is the
    weight bit, and where it has none, it must not count.  So the register behind the weight memory
    is reset where the lane is silent, which takes no LUT, and the sum is
    ``2 * popcount(weights of spikes) - popcount(spikes)``, whose second half all neurons share.

    Parameters
    ----------
    geometry : DenseWords
    synapse : Dense, weights of one bit
    pipelined : bool, weights have a register of their own behind block RAM

    Members
    -------
    tap : In, the fold; rows : In, one, of the word; values : In, a spike or none per lane
    deltas : Out, ``parallel`` signed numbers, ``DenseWords.delay`` cycles later, pipelined one more
    carries : Out, one bit for each of them
    """

    def __init__(self, geometry: DenseWords, synapse: Dense, *, pipelined: bool = False):
        require_instance(DenseWords, geometry=geometry)
        require_instance(Dense, synapse=synapse)
        require_shape((geometry.neurons, geometry.inputs), weights=synapse.weights)
        if synapse.weight_bits != 1:
            raise ValueError(f"weight_bits must be 1, not {synapse.weight_bits}")
        self._geometry = geometry
        self._synapse = synapse
        self._pipelined = pipelined
        lanes = geometry.lanes
        self._difference = signed(Interval(-((lanes + 1) // 2), lanes // 2).width)
        super().__init__({
            "tap": In(index_width(geometry.folds)),
            "rows": In(data.ArrayLayout(index_width(geometry.rows), 1)),
            "values": In(data.ArrayLayout(1, lanes)),
            "deltas": Out(data.ArrayLayout(signed(self._difference.width + 1),
                                           geometry.parallel)),
            "carries": Out(geometry.parallel),
        })

    def elaborate(self, platform):
        m = Module()
        geometry = self._geometry
        m.submodules.bank_0 = bank = memory.Memory(
            shape=geometry.lanes * geometry.parallel, depth=geometry.depth,
            init=geometry.bank_words(self._synapse.weights), attrs=rom_attributes(geometry.depth))
        read = bank.read_port()
        m.d.comb += read.addr.eq(Cat(self.tap[: geometry.fold_bits], self.rows[0]))

        # Values wait for the block RAM, and then for its register.
        spikes = delayed(m, self.values.as_value(), 1 + self._pipelined, "spikes", reset_less=True)
        weights = delayed(m, read.data, int(self._pipelined), "weights", reset_less=True)
        counted = []
        for lane in range(geometry.lanes):
            word = Signal(geometry.parallel, name=f"weights_{lane}", reset_less=True)
            m.d.sync += word.eq(Mux(spikes[lane],
                                    weights.word_select(lane, geometry.parallel), 0))
            counted.append(word)
        ones = popcount(m, "ones", counted)
        later = delayed(m, spikes, 1, "spikes_later", reset_less=True)
        total, = popcount(m, "spikes_count", [later[lane] for lane in range(geometry.lanes)])

        # 2 * ones - total = 2 * (ones - total // 2 - odd) + odd; -x - 1 is the complement.
        odd = total[0]
        half = Signal(self._difference.width)
        m.d.comb += half.eq(total[1:])
        for i, count in enumerate(ones):
            difference = Signal(self._difference, name=f"difference_{i}", reset_less=True)
            m.d.sync += difference.eq((Cat(1, count) + Cat(~odd, ~half)) >> 1)
            m.d.comb += self.deltas[i].eq(difference << 1)
        m.d.comb += self.carries.eq(
            delayed(m, odd, 1, "odd", reset_less=True).replicate(geometry.parallel))
        return m
