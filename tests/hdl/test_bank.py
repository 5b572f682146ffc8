"""A weight bank against the list of words it was given."""

import numpy as np
from amaranth import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.bank import read_bank
from bsnn_hw.hdl.formats import index_width
from bsnn_hw.ir.memory import bank_delay, bank_parts
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench

# rows, width: registers alone, LUTs, one block RAM, several parts, a last part of one row
SHAPES = [(1, 1), (5, 3), (33, 4), (600, 7), (2304, 16), (3 * 2048 + 1, 18),
          (2 * 16384 + 1, 1)]


class Bank(wiring.Component):
    """A bank with members for its readers."""

    def __init__(self, words, width, readers, pipelined):
        self._words, self._width, self._pipelined = words, width, pipelined
        super().__init__({
            "rows": In(data.ArrayLayout(index_width(len(words)), readers)),
            "words": Out(data.ArrayLayout(width, readers)),
        })

    def elaborate(self, platform):
        m = Module()
        given = read_bank(m, "bank", self._words, self._width, list(self.rows),
                          pipelined=self._pipelined)
        m.d.comb += [out.eq(word) for out, word in zip(self.words, given, strict=True)]
        return m


@quick(4, wide=None)
@for_each("shape", SHAPES)
@for_each("readers", [1, 2])
@for_each("pipelined", [False, True])
def test_a_word_for_each_reader_every_cycle(shape, readers, pipelined):
    rows, width = shape
    rng = np.random.default_rng(rows)
    words = [int(word) for word in rng.integers(1 << width, size=rows)]
    dut, delay = Bank(words, width, readers, pipelined), bank_delay(rows, width, readers)
    assert delay == (2 if len(bank_parts(rows, width, readers)) == 1 else 3)
    delay += pipelined
    asked = rng.integers(rows, size=(200, readers))
    # The ends of all parts, one after the other.
    edges = [row for start in range(0, rows, 512) for row in (start - 1, start) if row >= 0]
    asked[:len(edges[:100]), 0] = edges[:100]
    asked[-1] = rows - 1

    async def check(context):
        for cycle in range(len(asked) + delay):
            context.set(dut.rows, asked[min(cycle, len(asked) - 1)].tolist())
            *_, given = await context.tick().sample(dut.words)
            if cycle >= delay:
                right = [words[row] for row in asked[cycle - delay]]
                assert [given[i] for i in range(readers)] == right, f"cycle {cycle}"

    Bench(dut).run(check)
