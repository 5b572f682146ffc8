"""Whether weights whose signs count are meant as signs: a 0 of ternary, pruned or few-bit weights
would become +1, and changes most spikes.

Latent weights, real numbers that training steps move about, are hardly ever exactly 0, and hardly
two are alike, but where they are clipped.
"""

from __future__ import annotations

import numpy as np

__all__ = ["no_signs"]

MOST_ZEROS = 0.5  # of latent weights
FEW_ZEROS = 8  # that the smallest layers may have
ALIKE = 8  # weights of each magnitude, on average, from which on they are codes and not latent

_WHOLE = "state weight_bits, 2 to 8, with an int8 tensor where the values themselves count"


def no_signs(values: np.ndarray, whole: bool) -> str | None:
    """What is wrong with ``values`` as signs, and what would be right; None if nothing is.

    values : float64, finite, a row per neuron or output channel
    whole : bool, whether the file holds integers
    """
    zeros = int(np.count_nonzero(values == 0))
    given = f"{zeros} of {values.size} weights are 0, and sign(0) is +1 here"
    if zeros == values.size:
        return f"must have signs, but all {zeros} weights are 0; was the layer trained and saved?"
    if whole and not (np.abs(values) == 1).all():
        return _no_whole_signs(values, zeros, given)
    if zeros and values.min() >= 0 and _one_magnitude(values.reshape(1, -1)):
        return ("must have -1 or any negative value for a weight of -1, not only 0 and "
                f"{values.max():g}: {given}, so all would be +1; write 2 * w - {values.max():g}")
    if zeros and _one_magnitude(values):
        return (f"must be signs, not ternary: {given}; state weight_bits 2 with an int8 tensor of "
                "-1, 0 and 1, its scale in norm (docs/model.md)")
    magnitudes = np.unique(np.abs(values)).size
    if zeros and magnitudes * ALIKE <= values.size:
        return (f"must be signs or latent weights, not values of {magnitudes} magnitudes: {given}; "
                f"write -1 or +1 for each, or {_WHOLE}")
    if zeros > max(FEW_ZEROS, MOST_ZEROS * values.size):
        return (f"must be signs or latent weights, not pruned: {given}; write -1 or +1 for each, "
                f"or {_WHOLE}")
    return None


def _no_whole_signs(values: np.ndarray, zeros: int, given: str) -> str:
    low, high = int(values.min()), int(values.max())
    if (low, high) == (0, 1):
        return ("must have -1 or any negative value for a weight of -1, not only 0 and 1: "
                f"{given}, so all would be +1; write 2 * w - 1")
    what = f"not ternary: {given}" if zeros and (low, high) == (-1, 1) else (
        f"-1 or +1 in a tensor of integers, not {low} to {high}: only signs count")
    return f"must be signs, {what}; write -1 or +1 for each, or {_WHOLE}"


def _one_magnitude(values: np.ndarray) -> bool:
    """Whether each row has one magnitude, apart from zeros, as a ternary row with its scale; where
    none has two weights that could differ, the magnitude is 1."""
    rows = np.abs(values.reshape(len(values), -1))
    largest = rows.max(axis=1, keepdims=True)
    alike = bool(((rows == 0) | (rows == largest)).all())
    return alike and bool(((rows > 0).sum(axis=1) > 1).any() or (largest == 1).any())
