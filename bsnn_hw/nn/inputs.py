"""Which values of a sample are worth an input; needs numpy only."""

from __future__ import annotations

import numpy as np

from bsnn_hw.errors import InputError

__all__ = ["most_telling"]

_ALIKE = 1e-9  # of a value's variance: what is left of it where the chosen ones say it already


def most_telling(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Indexes of the `count` values that tell most of the class together, int64, ascending.

    One after the other: the value that, beside those that are chosen, takes most of the squared
    error of predicting the classes linearly.  Two that say the same are not both worth an input.

    Parameters
    ----------
    values : uint8 (samples, size); or (samples, T, size) of frames, of which the sum over time
        counts
    labels : int64 (samples,), 0 or more
    count : int, 1 or more

    Raises
    ------
    InputError
        When samples have fewer values.

    Source
        Chen et al. 1991 (IEEE Trans. Neural Networks), orthogonal least squares.
    """
    size = values.shape[-1]
    if count > size:
        raise InputError(f"inputs_used: must be at most the {size} values of a sample, not "
                         f"{count}; leave it out to use all")
    spread, shared = _moments(values if values.ndim == 2 else values.sum(axis=1), labels)
    least = _ALIKE * np.diag(spread)
    left = np.ones(size, bool)
    for _ in range(count):
        own = np.diag(spread)
        tells = np.where(own > least, (shared ** 2).sum(axis=1) / np.maximum(own, 1e-300), 0.0)
        best = int(np.argmax(np.where(left, tells, -1.0)))  # of equals the first
        left[best] = False
        if tells[best] > 0:
            share = spread[best] / own[best]
            shared = shared - share[:, None] * shared[best]
            spread = spread - share[:, None] * spread[best]
    return np.flatnonzero(~left)


def _moments(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances of all values, (size, size), and of values and classes, (size, classes), times
    the number of samples; sums of integers, so that the order of adding does not matter."""
    numbers = values.astype(np.float64)
    classes = (labels[:, None] == np.arange(labels.max() + 1)).astype(np.float64)
    sums, count = numbers.sum(axis=0), len(values)
    return (numbers.T @ numbers - np.outer(sums, sums) / count,
            numbers.T @ classes - np.outer(sums, classes.sum(axis=0)) / count)
