"""How many bits a gate that the sample makes needs, and its layer, measured on calibration data.

One number after the other, all others as fine as they can be: the fewest bits with which no more
than a share of the tolerance is used up, a larger one for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Hidden
from bsnn_hw.lowering.fold import affine
from bsnn_hw.lowering.gate import GateBits, fold_gated, mean_of
from bsnn_hw.lowering.precision import Precision, fitting, leak_candidates, usual_leak
from bsnn_hw.model import real
from bsnn_hw.model.description import Input, Layer
from bsnn_hw.reference import gate
from bsnn_hw.reference.network import currents, integrate

__all__ = ["GATE_BITS", "choose_gated"]

GATE_BITS = {"weights": range(2, 9), "index": range(11), "factor": range(1, 13)}
MOST_STEPS = 1 << 20  # neurons times timesteps that are looked at, over all samples
# How much of the tolerance is used up behind the choice of each.
SHARES = {"leak": 0.25, "weights": 0.4, "index": 0.55, "factor": 0.7, "fraction": 1.0}


@dataclass(frozen=True)
class _Bits:
    """What is chosen of a layer, and of its gate the finest if nothing is said."""

    fraction: int
    leak: int
    weights: int = GATE_BITS["weights"][-1]
    index: int = GATE_BITS["index"][-1]
    factor: int = GATE_BITS["factor"][-1]

    @property
    def gate(self) -> GateBits:
        """The gate's."""
        return GateBits(self.weights, self.index, self.factor)


def choose_gated(layer: Layer, source: Input | None, accs: torch.Tensor, values: torch.Tensor,
                 pieces: Sequence[slice], *, max_value: int, tolerance: float,
                 fraction_bits: int | None, leak_bits: int | None,
                 gate_bits: GateBits | None) -> tuple[Hidden, Precision]:
    """The cheapest integer layer within ``tolerance``, the most precise if there is none.

    values : what comes in, spikes (N, T, n) or direct-coded samples (N, n)
    others : as in `precision.choose_hidden`
    """
    seen = _Seen(layer, source, accs, values, pieces, max_value)
    assert layer.neuron is not None
    leaks = leak_candidates(layer.neuron.stateful)
    leak = usual_leak(layer.neuron.stateful) if leak_bits is None else leak_bits
    finest = fitting(lambda bits: seen.fold(_Bits(bits, leak)))[-1]
    bits = _Bits(finest if fraction_bits is None else fraction_bits, leak)
    given: dict[str, int | None] = {"leak": leak_bits, "fraction": fraction_bits}
    if gate_bits is not None:
        given |= asdict(gate_bits)
        bits = replace(bits, **asdict(gate_bits))
    for name, choices in {"leak": leaks, **GATE_BITS, "fraction": range(finest + 1)}.items():
        if given.get(name) is None:
            bits = _fewest([replace(bits, **{name: choice}) for choice in choices], seen.changed,
                           SHARES[name] * tolerance)
    return seen.fold(bits), Precision(bits.fraction, bits.leak, seen.changed(bits), bits.gate)


class _Seen:
    """The layer's calibration samples, of a large one the first, and what integers change of its
    spikes."""

    def __init__(self, layer: Layer, source: Input | None, accs: torch.Tensor,
                 values: torch.Tensor, pieces: Sequence[slice], max_value: int) -> None:
        enough = max(1, MOST_STEPS // (layer.shape.size * accs.shape[1]))
        pieces = [piece for piece in pieces if piece.start < enough]
        self._layer, self._source, self._pieces = layer, source, pieces
        self._accs, self._values, self._max_value = accs, values, max_value
        self._wanted = [real.spikes(layer, real.currents(layer, accs[piece], source))[0]
                        for piece in pieces]
        self._count = max(1, sum(int(spikes.sum()) for spikes in self._wanted))
        flips = np.where(affine(layer, source).scale < 0, -1, 1)
        self._signs = torch.as_tensor(np.repeat(flips, layer.shape.positions))
        self._means = self._range()
        self._totals: dict[int, torch.Tensor] = {}  # by the bits of the weights
        self._found: dict[_Bits, float] = {}

    def _range(self) -> tuple[float, float]:
        """Of the mean of Y."""
        channel = affine(self._layer, self._source)
        positions = self._layer.shape.positions
        shift = mean_of(self._layer, self._source).shift
        weights = torch.as_tensor(channel.scale).repeat_interleave(positions)
        means = [self._accs[piece].double() @ weights / len(weights) for piece in self._pieces]
        return (min(float(each.min()) for each in means) + shift,
                max(float(each.max()) for each in means) + shift)

    def fold(self, bits: _Bits) -> Hidden:
        """The layer in integers."""
        return fold_gated(self._layer, self._source, max_value=self._max_value,
                          fraction_bits=bits.fraction, leak_bits=bits.leak, bits=bits.gate,
                          means=self._means)

    def changed(self, bits: _Bits) -> float:
        """Spikes that only one of both has, for each that the real-valued layer has."""
        if bits not in self._found:
            try:
                self._found[bits] = self._changed(bits)
            except InputError:  # a leak that is rounded to 1 bounds no potential
                self._found[bits] = math.inf
        return self._found[bits]

    def _changed(self, bits: _Bits) -> float:
        folded, wrong = self.fold(bits), 0
        factors = self._factors(folded)
        signs = self._signs * torch.as_tensor(
            np.repeat(folded.synapse.connected, self._layer.shape.positions))
        for piece, wanted in zip(self._pieces, self._wanted, strict=True):
            whole = currents(folded, self._accs[piece] * signs, None, factors[piece])
            wrong += int((integrate(folded, whole)[1] != wanted).sum())
        return wrong / self._count

    def _factors(self, folded: Hidden) -> torch.Tensor:
        assert folded.gate is not None
        width = folded.gate.weight_bits
        if width not in self._totals:
            shape = self._layer.feed.source_shape
            self._totals[width] = torch.cat([
                gate.totals(folded, self._values[piece], self._accs.shape[1], self._max_value,
                            shape) for piece in self._pieces])
        return gate.looked_up(folded.gate, self._totals[width])


def _fewest(choices: Sequence[_Bits], measure: Callable[[_Bits], float],
            tolerance: float) -> _Bits:
    """The first choice within the tolerance, or where there is none the first that changes no more
    than the last; found by halving, as more bits change less."""
    tolerance = max(tolerance, measure(choices[-1]))
    low, high = 0, len(choices) - 1
    while low < high:
        middle = (low + high) // 2
        if measure(choices[middle]) <= tolerance:
            high = middle
        else:
            low = middle + 1
    return choices[high]
