"""How many fraction bits each layer needs, measured on calibration data.

Layer by layer, on the spikes that the integer layers before it emit: the layer in real numbers
against the layer in integers.  A mismatch is a spike that only one of them emits, relative to the
spikes of the real-valued one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.network import Hidden, NeuronSpec, Readout
from bsnn_hw.lowering.fold import affine, current_pool_of, fold_hidden, fold_readout
from bsnn_hw.lowering.gate import GateBits
from bsnn_hw.lowering.rounding import MAX_LEAK_BITS
from bsnn_hw.model import real
from bsnn_hw.model.currents import in_sequence
from bsnn_hw.model.description import Input, Layer, ScoreKind
from bsnn_hw.reference import neuron
from bsnn_hw.reference import readout as reference_readout
from bsnn_hw.reference.pool import largest_sums

__all__ = ["CANDIDATES", "Precision", "choose_hidden", "choose_readout", "fitting",
           "leak_candidates", "usual_leak"]

CANDIDATES = range(11)


@dataclass(frozen=True)
class Precision:
    """What was chosen for a layer, and the share of spikes (or classes) that it changes.

    ``leak_bits`` is None in a readout that keeps no membrane; ``mismatch`` is None if it was given,
    not measured; ``gate`` is None where the sample makes none.
    """

    fraction_bits: int
    leak_bits: int | None
    mismatch: float | None
    gate: GateBits | None = None


def choose_hidden(layer: Layer, source: Input | None, accs: torch.Tensor, pieces: Sequence[slice],
                  *, max_value: int, tolerance: float, fraction_bits: int | None,
                  leak_bits: int | None, membrane_bits: int | None = None
                  ) -> tuple[Hidden, Precision]:
    """The cheapest integer layer within ``tolerance``, the most precise if there is none.

    accs : integers (N, T, sums), of the layer's signs over its calibration inputs
    pieces : of the samples; small ones stay in the cache through all candidates
    fraction_bits, leak_bits : int or None; what is given is not searched
    membrane_bits : int or None, that fraction bits may make of a charged membrane at most
    """
    wanted = [real.spikes(layer, real.currents(layer, accs[piece], source))[0]
              for piece in pieces]
    flips, accs = _flipped(layer, np.where(affine(layer, source).scale < 0, -1, 1), accs, pieces)
    positions = layer.shape.positions
    spike_count = max(1, sum(int(spikes.sum()) for spikes in wanted))

    def measure(fraction: int, leak: int) -> tuple[Hidden, float]:
        folded = fold(fraction, leak)
        signs = torch.as_tensor(np.repeat(folded.synapse.connected * flips, positions))
        changed = sum(_changed(folded.neuron, accs[piece], signs, spikes)
                      for piece, spikes in zip(pieces, wanted, strict=True))
        return folded, changed / spike_count

    def fold(fraction: int, leak: int) -> Hidden:
        return fold_hidden(layer, source, max_value=max_value, fraction_bits=fraction,
                           leak_bits=leak)

    assert layer.neuron is not None
    leaks = leak_candidates(layer.neuron.stateful)
    coarse = usual_leak(layer.neuron.stateful) if leak_bits is None else leak_bits
    candidates = (fitting(lambda bits: fold(bits, coarse)) if fraction_bits is None
                  else [fraction_bits])
    if membrane_bits is not None:
        candidates = [bits for bits in candidates if hidden_bounds(
            fold(bits, coarse), max_value).charged.width <= membrane_bits] or candidates[:1]
    if leak_bits is None:
        leak_bits = _cheapest(lambda bits: measure(candidates[-1], bits)[1], leaks, tolerance / 2)
    chosen = _cheapest(lambda bits: measure(bits, leak_bits)[1], candidates, tolerance)
    folded, mismatch = measure(chosen, leak_bits)
    return folded, Precision(chosen, leak_bits, mismatch)


def _flipped(layer: Layer, flips: np.ndarray, accs: torch.Tensor,
             pieces: Sequence[slice]) -> tuple[np.ndarray, torch.Tensor]:
    """By what each channel's sums are still to be multiplied, and the sums that the neurons get:
    before the largest of a window is found, they are multiplied."""
    pool = current_pool_of(layer)
    if pool is None:
        return flips, accs
    signs = torch.as_tensor(np.repeat(flips, layer.summed.positions))
    return np.ones_like(flips), torch.cat([largest_sums(pool, layer.summed, accs[piece] * signs)
                                           for piece in pieces])


def choose_readout(layer: Layer, source: Input | None, accs: torch.Tensor, *, timesteps: int,
                   max_value: int, tolerance: float, gain_bits: int | None,
                   leak_bits: int | None = None) -> tuple[Readout, Precision]:
    """The readout with the fewest gain bits within ``tolerance`` of changed classes, and before
    that the fewest leak bits where the score is a membrane's largest value.

    accs : int64 (N, T, classes), sums of the layer's signs over its calibration inputs
    """
    wanted = reference_readout.decide(real.score(layer, real.currents(layer, accs, source)))

    def measure(bits: int, leak: int) -> tuple[Readout, float]:
        folded = fold_readout(layer, source, timesteps=timesteps, max_value=max_value,
                              gain_bits=bits, leak_bits=leak)
        got = reference_readout.decide(reference_readout.score(folded, accs))
        return folded, float((got != wanted).double().mean())

    candidates = ([gain_bits] if gain_bits is not None else
                  fitting(lambda bits: measure(bits, leak_bits or 0)))
    kept = layer.scoring.kind is ScoreKind.MAX
    if kept and leak_bits is None:
        leak_bits = _cheapest(lambda bits: measure(candidates[-1], bits)[1], CANDIDATES, tolerance)
    leak = leak_bits or 0
    chosen = (gain_bits if gain_bits is not None else
              _cheapest(lambda bits: measure(bits, leak)[1], candidates, tolerance))
    folded, mismatch = measure(chosen, leak)
    return folded, Precision(chosen, leak if kept else None, mismatch)


def _changed(spec: NeuronSpec, counts: torch.Tensor, signs: torch.Tensor,
             wanted: torch.Tensor) -> int:
    """How many spikes of one piece are not as wanted.

    counts, wanted : (B, T, neurons); signs : (neurons,), what each count is multiplied by
    """
    counts, wanted = (in_sequence(spec.stateful, values) for values in (counts, wanted))
    state, changed = neuron.at_rest(counts[:, 0].to(torch.int64)), 0
    for t in range(counts.shape[1]):
        current = neuron.charge(spec, t, counts[:, t] * signs)
        _, state = neuron.advance(spec, t, state, current)
        changed += int((state.fired != wanted[:, t]).sum())
    return changed


def leak_candidates(stateful: bool) -> range:
    """Leak bits to choose from; where the state is kept, a leak must not be rounded to 1."""
    return range(MAX_LEAK_BITS + 1) if stateful else CANDIDATES


def usual_leak(stateful: bool) -> int:
    """Leak bits until they are chosen; those of a stateful layer decide whether it has bounds."""
    return leak_candidates(stateful)[-1] if stateful else 0


def fitting(fold: Callable[[int], object], candidates: range = CANDIDATES) -> range:
    """The candidates that need no wider potentials or scores than there are, finest last.

    Raises
    ------
    InputError
        A layer does not fit without fraction bits.
    """
    fold(candidates[0])
    for finest in reversed(candidates):
        with suppress(InputError):
            fold(finest)
            return candidates[:finest + 1]
    raise AssertionError


def _cheapest(measure: Callable[[int], float], candidates: Iterable[int],
              tolerance: float) -> int:
    """The first candidate within the tolerance, the best if there is none."""
    measured = {}
    for bits in candidates:
        try:
            measured[bits] = measure(bits)
        except InputError:  # a leak that is rounded to 1 bounds no potential
            measured[bits] = math.inf
        if measured[bits] <= tolerance:
            break
    return min(measured, key=lambda bits: measured[bits])
