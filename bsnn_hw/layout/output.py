"""The readout: sums to scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, Product, bits_of
from bsnn_hw.ir.bounds import ReadoutBounds
from bsnn_hw.ir.network import Readout
from bsnn_hw.ir.schedule import Store
from bsnn_hw.layout.synapses import Synapses
from bsnn_hw.layout.tables import TableSize, table_size

__all__ = ["Output", "Scorer", "output_block"]


@dataclass(frozen=True)
class Scorer:
    """Sums to scores, a class a cycle.

    passes : int, times per inference that a row is scored
    gain, bias : TableSize, None for a constant
    gain_ones : int, bits of a constant gain that are set
    peak : int, bits of the largest leak factor, 0 for a shift, where the score is a membrane's
        largest value; else None
    """

    classes: int
    passes: int
    parallel: int
    acc_width: int
    score_width: int
    gain: TableSize | None
    gain_ones: int
    bias: TableSize | None
    peak: int | None = None

    @property
    def stages(self) -> int:
        """Registers of the pipeline from a class's sum to its score, all empty before the next
        pass where it keeps a membrane."""
        return 3 if self.peak is None else 4

    def parts(self) -> Parts:
        """hdl/readout.py behind the accumulators."""
        parallel, acc, score = self.parallel, self.acc_width, self.score_width
        index = bits_of(self.classes) + bits_of(self.passes)
        parts = (Parts.logic((parallel - 1) * acc + 20 + 2 * index, parallel * acc + 2 * index + 4)
                 + Parts.delays(acc + 2 * score + 3 * (index + 1))
                 + Parts.adders(score, 2) + Parts(registers=2 * score)
                 + Parts.adders(index) + Parts.adders(bits_of(parallel + 1)))
        if self.gain is not None:
            width = self.gain.value_width
            parts += Parts(memories=(Memory(self.gain.rows, width, Access.TABLE),),
                           products=(Product(acc, width),), registers=width)
            parts += Parts.path("product")
        elif self.gain_ones > 1:
            parts += Parts.adders(score, self.gain_ones)  # a product by a constant
        if self.bias is not None:
            columns = self.bias.columns
            parts += Parts(memories=(Memory(self.bias.rows, columns, Access.TABLE),),
                           registers=columns)
        if self.peak is not None:
            # hdl/peak.py: the leak's product, the comparison, and both values of a class.
            return (parts + Parts(products=(Product(score, self.peak + 1),) if self.peak else (),
                                  memories=(Memory(self.classes, 2 * score, Access.STATE),))
                    + Parts.delays(3 * score + index) + Parts.adders(score, 2)
                    + Parts.logic(3 * score))
        if self.passes > 1:
            parts += Parts(memories=(Memory(self.classes, score, Access.STATE),),
                           registers=bits_of(self.classes), luts=2 * score)
        return parts


@dataclass(frozen=True)
class Output:
    """The readout.

    row_wait : int, cycles from a row to the next: synapses, two registers, a class a cycle
    """

    name: str
    synapses: Synapses
    scorer: Scorer
    row_wait: int

    @property
    def pass_cycles(self) -> int:
        """From the first row of a pass to that of the next, at least: each row's way to the scorer,
        and a cycle for each of its classes, of which the last row may have fewer."""
        ways = self.synapses.sums.rows * (self.row_wait - self.scorer.parallel)
        return ways + self.scorer.classes

    @property
    def in_blocks(self) -> frozenset[Store]:
        """Which of its memories lie in block RAM."""
        return frozenset({Store.SUMS} if self.synapses.sums.block else ())

    def parts(self) -> Parts:
        """Everything of the readout, and what stands before it."""
        return self.synapses.parts() + self.scorer.parts()


def output_block(layer: Readout, bounds: ReadoutBounds, synapses: Synapses) -> Output:
    """The readout."""
    parallel = synapses.geometry.parallel
    passes = 1 if layer.constant_gain else len(layer.gain)
    gains = layer.gain[:passes].reshape(-1, 1)
    bias = layer.bias if layer.peak is None else layer.peak.bias
    constant = gains.min() == gains.max()
    scorer = Scorer(
        classes=layer.synapse.neurons, passes=passes, parallel=parallel,
        acc_width=bounds.acc.width, score_width=bounds.score.width,
        gain=None if constant else table_size(gains, block=False),
        gain_ones=int(abs(gains[0, 0])).bit_count() if constant else 0,
        bias=None if bias.min() == bias.max() else
        table_size(bias.reshape(-1, 1), block=False),
        peak=None if layer.peak is None else _factor_bits(layer.peak.leak))
    wait = 2 if layer.peak is None else 2 + scorer.stages
    return Output(layer.name, synapses, scorer, parallel + synapses.delay + wait)


def _factor_bits(leak: np.ndarray) -> int:
    """Bits of the largest leak factor, 0 where it is the same power of two for all, or none."""
    most = int(leak.max())
    return 0 if (leak == most).all() and most & (most - 1) == 0 else most.bit_length()
