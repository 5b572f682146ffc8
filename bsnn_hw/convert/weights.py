"""The weights that a framework computes with: signs or few-bit integers, times a scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.errors import InputError

__all__ = ["MAX_BITS", "Quantised", "WeightsError", "bits_of", "quantised"]

MAX_BITS = 8
# Quantisers work in float32, so that their levels are multiples of a scale up to its rounding.
CLOSE = 2**-20
NEED = ("binarise them in forward, as w.sign() with a straight-through estimator, or quantise "
        "them, as brevitas' QuantLinear(weight_bit_width=...) does")


class WeightsError(InputError):
    """Weights that are no multiples of one scale per channel."""


@dataclass(frozen=True)
class Quantised:
    """``levels * scale`` are the weights.

    levels : int8, shape of the weights; -1 and +1 where ``bits`` is 1
    scale : float64 (channels,), above 0
    bits : int, 1..8, two's complement without the lowest value
    """

    levels: np.ndarray
    scale: np.ndarray
    bits: int


def quantised(weight: np.ndarray) -> Quantised:
    """Find the scale of each output channel.

    weight : float64 (channels, ...), as they are multiplied

    Raises
    ------
    WeightsError
        Says what was found.
    """
    if not weight.size:
        raise WeightsError(f"weights must be some, not of shape {weight.shape}")
    rows = weight.reshape(len(weight), -1)
    if not np.isfinite(rows).all():
        raise WeightsError("weights must be finite; did the training diverge?")
    largest = np.abs(rows).max(axis=1)
    signs = np.abs(np.abs(rows) - largest[:, None]).max(axis=1) <= CLOSE * largest
    if signs.all() and largest.min() > 0:
        return Quantised(np.where(weight < 0, -1, 1).astype(np.int8),
                         np.median(np.abs(rows), axis=1), 1)
    scale = np.array([_scale(row, most) for row, most in zip(rows, largest, strict=True)])
    if (scale == 0).any():
        raise WeightsError("weights must be +s and -s, or multiples of a scale s from -127s to "
                           f"127s, in each output channel; in {np.count_nonzero(scale == 0)} of "
                           f"{len(rows)} channels they are not ({len(np.unique(weight))} "
                           f"different values in all); {NEED}")
    levels = np.rint(rows / scale[:, None]).astype(np.int8).reshape(weight.shape)
    return Quantised(levels, scale, bits_of(levels))


def bits_of(levels: np.ndarray) -> int:
    """How many bits hold these integers; 1 where they are signs."""
    most = np.abs(levels.astype(int))
    return 1 if (most == 1).all() else int(most.max()).bit_length() + 1


def _scale(row: np.ndarray, largest: float) -> float:
    """The largest scale that all values of a channel are multiples of; 0 where there is none."""
    if largest == 0:
        return 1.0  # a channel of zeros
    for most in range(1, 2 ** (MAX_BITS - 1)):
        levels = row * (most / largest)
        if np.abs(levels - np.rint(levels)).max() <= CLOSE * most:
            nonzero = np.rint(levels) != 0
            return float(np.median(row[nonzero] / np.rint(levels[nonzero])))
    return 0.0
