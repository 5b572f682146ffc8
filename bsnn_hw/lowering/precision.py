"""How many fraction bits each layer needs, measured on calibration data.

Layer by layer, on the spikes that the integer layers before it emit: the layer in real numbers
against the layer in integers.  A mismatch is a spike that only one of them emits, relative to the
spikes of the real-valued one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Hidden, Readout
from bsnn_hw.lowering.fold import affine, fold_hidden, fold_readout
from bsnn_hw.model import real
from bsnn_hw.model.description import Input, Layer
from bsnn_hw.reference import neuron
from bsnn_hw.reference import readout as reference_readout

__all__ = ["Precision", "choose_hidden", "choose_readout"]

CANDIDATES = range(11)
PIECE = 32  # samples


@dataclass(frozen=True)
class Precision:
    """What was chosen for a layer, and the share of spikes (or classes) that it changes.

    ``leak_bits`` is None in the readout; ``mismatch`` is None if it was given, not measured.
    """

    fraction_bits: int
    leak_bits: int | None
    mismatch: float | None


def choose_hidden(layer: Layer, source: Input | None, accs: torch.Tensor, *, max_value: int,
                  tolerance: float, fraction_bits: int | None,
                  leak_bits: int | None) -> tuple[Hidden, Precision]:
    """The cheapest integer layer within ``tolerance``, the most precise if there is none.

    accs : int64 (N, T, neurons), sums of the layer's signs over its calibration inputs
    fraction_bits, leak_bits : int or None; what is given is not searched
    """
    wanted, _ = real.spikes(layer, real.currents(layer, accs, source))
    flips = torch.as_tensor(np.where(affine(layer, source).scale < 0, -1, 1))
    # Small pieces, timestep by timestep: they stay in the cache through all candidates.
    pieces = [((counts * flips).unbind(1), spikes.unbind(1))
              for counts, spikes in zip(accs.split(PIECE), wanted.split(PIECE), strict=True)]
    spike_count = max(1, int(wanted.sum()))

    def measure(fraction, leak):
        folded = fold(fraction, leak)
        changed = sum(_changed(folded, counts, spikes) for counts, spikes in pieces)
        return folded, changed / spike_count

    def fold(fraction, leak):
        return fold_hidden(layer, source, max_value=max_value, fraction_bits=fraction,
                           leak_bits=leak)

    candidates = (_fitting(lambda bits: fold(bits, leak_bits or 0)) if fraction_bits is None
                  else [fraction_bits])
    if leak_bits is None:
        leak_bits = _cheapest(lambda bits: measure(candidates[-1], bits)[1], CANDIDATES,
                              tolerance / 2)
    chosen = _cheapest(lambda bits: measure(bits, leak_bits)[1], candidates, tolerance)
    folded, mismatch = measure(chosen, leak_bits)
    return folded, Precision(chosen, leak_bits, mismatch)


def choose_readout(layer: Layer, source: Input | None, accs: torch.Tensor, *, timesteps: int,
                   max_value: int, tolerance: float,
                   gain_bits: int | None) -> tuple[Readout, Precision]:
    """The readout with the fewest gain bits within ``tolerance`` of changed classes.

    accs : int64 (N, T, classes), sums of the layer's signs over its calibration inputs
    """
    wanted = reference_readout.decide(real.currents(layer, accs, source).mean(dim=1))

    def measure(bits):
        folded = fold_readout(layer, source, timesteps=timesteps, max_value=max_value,
                              gain_bits=bits)
        got = reference_readout.decide(reference_readout.score(
            torch.as_tensor(folded.gain), torch.as_tensor(folded.bias), accs))
        return folded, float((got != wanted).double().mean())

    if gain_bits is None:
        gain_bits = _cheapest(lambda bits: measure(bits)[1], _fitting(measure), tolerance)
    folded, mismatch = measure(gain_bits)
    return folded, Precision(gain_bits, None, mismatch)


def _changed(layer, counts, wanted):
    """How many spikes of one piece are not as wanted; ``counts`` and ``wanted`` T times (B, n)."""
    connected = torch.as_tensor(layer.synapse.connected)
    potential, changed = torch.zeros_like(counts[0]), 0
    for t, (count, spikes) in enumerate(zip(counts, wanted, strict=True)):
        _, fired, potential = neuron.step(layer.neuron, t, potential, count * connected)
        changed += int((fired != spikes).sum())
    return changed


def _fitting(fold):
    """The candidates that need no wider potentials or scores than there are, finest last."""
    fold(CANDIDATES[0])  # a layer that does not fit without fraction bits is refused
    for finest in reversed(CANDIDATES):
        with suppress(InputError):
            fold(finest)
            return CANDIDATES[:finest + 1]
    raise AssertionError


def _cheapest(measure, candidates, tolerance):
    """The first candidate within the tolerance, the best if there is none."""
    measured = {}
    for bits in candidates:
        measured[bits] = measure(bits)
        if measured[bits] <= tolerance:
            break
    return min(measured, key=lambda bits: measured[bits])
