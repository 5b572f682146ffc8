"""Weight banks and the sum of +-1 over the lanes; the reference is reference/synapse.py."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.events import EventGeometry
from bsnn_hw.hdl.bank import read_bank
from bsnn_hw.hdl.checks import require_instance, require_positive, require_shape
from bsnn_hw.hdl.formats import delayed, index_width, with_carry
from bsnn_hw.ir.memory import bank_delay, bank_readers
from bsnn_hw.ir.network import Synapse

__all__ = ["SynapseArray"]


class SynapseArray(wiring.Component):
    """Weighs the events of all lanes for a row of neurons.

    ``deltas[n] + carries[n] = sum over lanes of weight * values[lane]``.

    Fully pipelined, never stalls.  What the neurons share is computed once: lanes go in pairs,
    and a pair's sum and difference are registers.  A neuron's two weight bits choose one of them
    and its sign, a LUT per bit: a negative number is the complement plus one, and that one, the
    carry, goes into an adder further down, the last of them into the accumulator's.  Weights of 8
    bits are multiplied instead, or taken as they are where an event has no value.

    Parameters
    ----------
    geometry : DenseEvents or ConvEvents
    synapse : Dense or Conv
    max_value : int, largest value of an event
    pipelined : bool, weights have a register of their own behind block RAM

    Members
    -------
    tap, rows : In, where the lanes' weights are; values : In, per lane
    deltas : Out, ``parallel`` signed numbers, ``EventGeometry.delay`` cycles later, pipelined one
        more
    carries : Out, one bit for each of them
    """

    def __init__(self, geometry: EventGeometry, synapse: Synapse, *, max_value: int,
                 pipelined: bool = False):
        require_positive(max_value=max_value)
        require_instance(EventGeometry, geometry=geometry)
        require_instance(Synapse, synapse=synapse)
        require_shape(geometry.weights_shape, weights=synapse.weights)
        self._geometry = geometry
        self._synapse = synapse
        self._bits = synapse.weight_bits
        self._max_value = max_value
        self._pipelined = pipelined
        self._banks_delay = geometry.banks_delay(self._bits) + pipelined
        lanes = geometry.lanes
        super().__init__({
            "tap": In(index_width(geometry.taps)),
            "rows": In(data.ArrayLayout(index_width(geometry.rows), lanes)),
            "values": In(data.ArrayLayout(max_value.bit_length(), lanes)),
            "deltas": Out(data.ArrayLayout(self._sum_shape(lanes), geometry.parallel)),
            "carries": Out(geometry.parallel),
        })

    def elaborate(self, platform):
        m = Module()
        words = self._words(m)
        # Values wait for the weights; their sums take the cycle of the weights' register.
        values = self._given(m, list(delayed(
            m, self.values, self._banks_delay - 1, "values", reset_less=True)))
        if self._bits == 1:
            terms = [self._choose(m, lane, words[lane:lane + 2], values[lane:lane + 2])
                     for lane in range(0, self._geometry.lanes, 2)]
        else:
            terms = [self._weigh(m, lane, *pair)
                     for lane, pair in enumerate(zip(words, values, strict=True))]

        lanes = 2 if self._bits == 1 else 1
        while len(terms) > 1:
            lanes = min(2 * lanes, self._geometry.lanes)
            terms = [self._add(m, f"of_{lanes}_{i // 2}", terms[i:i + 2], lanes)
                     for i in range(0, len(terms), 2)]
        deltas, carries = terms[0]
        m.d.comb += [out.eq(delta) for out, delta in zip(self.deltas, deltas, strict=True)]
        m.d.comb += self.carries.eq(carries)
        return m

    def _words(self, m):
        """Each lane's weight words."""
        geometry = self._geometry
        found: list[Value] = []
        inits = geometry.bank_words(self._synapse.weights, self._bits)
        if self._bits == 1:  # a bit is 1 where the weight is -1, which is the carry
            inits = [[~word & (1 << geometry.word_weights) - 1 for word in init]
                     for init in inits]
        delay = geometry.banks_delay(self._bits)
        for number, readers in enumerate(bank_readers(geometry.lanes, geometry.shared)):
            init, width = inits[number % len(inits)], geometry.word_weights * self._bits
            rows = [self._address(row)
                    for row in list(self.rows)[len(found):len(found) + readers]]
            early = delay - bank_delay(geometry.depth, width, readers)
            found += [delayed(m, word, early, f"words_{number}_{reader}", reset_less=True)
                      for reader, word in enumerate(read_bank(m, f"bank_{number}", init, width,
                                                              rows, pipelined=self._pipelined))]
        return found

    def _address(self, row):
        geometry = self._geometry
        if geometry.fold_first:
            return Cat(row[: geometry.row_bits], self.tap)
        return Cat(self.tap[: geometry.fold_bits], row)

    def _given(self, m, values):
        """What a lane is weighed by; here its value."""
        return values

    def _choose(self, m, lane, words, values):
        """Per neuron the signed sum of one or two lanes: the XNOR with the weight, and a carry."""
        shape = self._sum_shape(len(values))
        alike = self._signal(f"lane_{lane}_sum", shape)
        m.d.sync += alike.eq(sum(values[1:], values[0]))
        if len(values) == 2:
            unlike = self._signal(f"lane_{lane}_difference", shape)
            m.d.sync += unlike.eq(values[0] - values[1])

        chosen = self._signals(f"chosen_{lane}", shape)
        carries = self._signal(f"carries_{lane}", self._geometry.parallel)
        # The XNOR of value and weight: where the weight is -1, the complement.
        for i, minus in enumerate(words[0]):
            size = Mux(words[0][i] ^ words[1][i], unlike, alike) if len(words) == 2 else alike
            m.d.sync += chosen[i].eq(size ^ minus.replicate(shape.width))
        m.d.sync += carries.eq(words[0])
        return list(chosen), carries

    def _weigh(self, m, lane, word, value):
        """Per neuron the product of a lane's weight and value; no carries."""
        products = self._signals(f"product_{lane}", self._sum_shape(1))
        value = delayed(m, value, 1, f"value_{lane}", reset_less=True)
        for i, product in enumerate(products):
            weight = word[i * self._bits:(i + 1) * self._bits].as_signed()
            m.d.sync += product.eq(Mux(value, weight, 0) if len(value) == 1 else weight * value)
        return list(products), Const(0, self._geometry.parallel)

    def _add(self, m, name, terms, lanes):
        """Per neuron the sum of two terms that cover up to ``lanes`` lanes, one of their carries
        in it; a single term only waits."""
        shape = self._sum_shape(lanes) if len(terms) > 1 else terms[0][0][0].shape()
        total = self._signals(f"sum_{name}", shape)
        for i, column in enumerate(zip(*(deltas for deltas, _ in terms), strict=True)):
            m.d.sync += total[i].eq(with_carry(*column, terms[1][1][i]) if len(column) == 2
                                    else column[0])
        carries = self._signal(f"carries_{name}", self._geometry.parallel)
        m.d.sync += carries.eq(terms[0][1])
        return list(total), carries

    def _sum_shape(self, lanes):
        # One's complements reach one further down than the sums.
        largest = self._max_value * ((1 << self._bits - 1) - 1 or 1)
        return signed((lanes * largest).bit_length() + 1)

    def _signal(self, name, shape):
        return Signal(shape, name=name, reset_less=True)

    def _signals(self, name, shape):
        return self._signal(name, data.ArrayLayout(shape, self._geometry.parallel))
