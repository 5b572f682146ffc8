"""popcount against int.bit_count, exhaustively where there are few bits."""

import numpy as np
import pytest
from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.dense_words import popcount_delay
from bsnn_hw.hdl.popcount import count_bits, popcount
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench


class Counter(wiring.Component):
    """``popcount`` as a component: ``bits`` words of ``positions`` bits."""

    def __init__(self, bits, positions):
        super().__init__({
            "words": In(data.ArrayLayout(positions, bits)),
            "counts": Out(data.ArrayLayout(bits.bit_length(), positions)),
        })

    def elaborate(self, platform):
        m = Module()
        counts = popcount(m, "count", list(self.words))
        m.d.comb += [out.eq(count) for out, count in zip(self.counts, counts, strict=True)]
        return m


@quick(9, wide=None)
@for_each("bits", [*range(1, 11), 16, 19, 20, 31, 32, 39, 40, 64])
def test_every_count(bits):
    positions, delay = 3, popcount_delay(bits)
    rng = np.random.default_rng(bits)
    numbers = (np.arange(1 << bits)[:, None] + np.array([0, 1, 3]) & (1 << bits) - 1
               if bits <= 8 else rng.integers(0, 1 << min(bits, 62), (200, positions)))
    given = (numbers[:, :, None] >> np.arange(bits) & 1).astype(int)
    given[-1] = 1
    dut = Counter(bits, positions)
    seen = []

    async def check(context):
        for cycle in range(len(given) + delay):
            if cycle < len(given):
                context.set(dut.words, [sum(int(b) << p for p, b in enumerate(word))
                                        for word in given[cycle].T])
            if cycle >= delay:
                seen.append(list(context.get(dut.counts)))
            await context.tick()

    Bench(dut).run(check)
    np.testing.assert_array_equal(seen, given.sum(axis=2))


@for_each("bits, delay", [(1, 0), (4, 0), (5, 1), (9, 1), (10, 2), (19, 2),
                                             (20, 3), (39, 3), (40, 4)])
def test_delays_by_hand(bits, delay):
    assert popcount_delay(bits) == delay


def test_wrong_number_of_bits():
    with pytest.raises(ValueError, match="bits must be 1 to 4, not 5"):
        count_bits([Signal()] * 5)
