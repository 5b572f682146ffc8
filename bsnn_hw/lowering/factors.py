"""An input whose channels have scales of their own: integer factors in front of the synapses.

A synapse counts, and a count has one worth.  So a channel's values are multiplied by a whole number
first, and the common unit is such that the factors are near the scales: of the largest value nearer
than a small share of a step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.model.description import Input, Model

__all__ = ["MAX_FACTOR", "common_unit", "multiplied", "with_factors"]

MAX_FACTOR = 1023
SHARE = 1 / 32  # of a step, that the largest value may be off


def common_unit(scale: np.ndarray, bits: int) -> tuple[np.ndarray, float]:
    """Factors, int64 (channels,), 1 or more, and the unit that times them is near ``scale``.

    The smallest factors with which no value of so many bits is off by more than a `SHARE` of the
    largest scale; the nearest ones where there are none up to `MAX_FACTOR`.

    Raises
    ------
    InputError
        Scales differ by more than factors can say.
    """
    shares = scale / scale.max()
    if shares.min() * MAX_FACTOR < 1:
        raise InputError(f"input: scales must not differ by more than {MAX_FACTOR} times, and are "
                         f"{scale.min()} to {scale.max()}; scale the channel's pixels, or its "
                         "weights with `weight_bits`")
    most = np.arange(1, MAX_FACTOR + 1)[:, None]
    factors = np.maximum(np.floor(most * shares + 0.5), 1)
    off = np.abs(factors / most - shares).max(axis=1) * ((1 << bits) - 1)
    chosen = int(np.argmax(off <= SHARE)) if (off <= SHARE).any() else int(np.argmin(off))
    return factors[chosen].astype(np.int64), float(scale.max() / most[chosen, 0])


def with_factors(model: Model) -> Model:
    """The model with one scale for all channels, and factors, unless it has one."""
    source = model.input
    if not isinstance(source.scale, np.ndarray):
        return model
    factors, unit = common_unit(source.scale, source.bits)
    return replace(model, input=replace(source, scale=unit, factors=factors))


def multiplied(source: Input, values: np.ndarray) -> np.ndarray:
    """What the first layer's synapses get of ``values`` (..., size), integers."""
    if source.factors is None:
        return values
    found: np.ndarray = values * np.repeat(source.factors, source.shape.positions)
    return found
