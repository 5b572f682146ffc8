"""Real numbers to integers, and how wide these may become."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import Interval
from bsnn_hw.ir.network import Comparison, NeuronSpec

__all__ = ["LIMIT", "MAX_FRACTION_BITS", "MAX_LEAK_BITS", "MAX_WIDTH", "check_range",
           "check_saturation", "check_width", "rounded", "steady_leak", "threshold_integers",
           "with_floor"]

MAX_WIDTH = 48  # bits of a potential or score
MAX_LEAK_BITS = 16  # with these a product of potential and leak factor still fits 64 bits
MAX_FRACTION_BITS = 32
LIMIT = 1 << 61  # what real numbers beyond it become
SNAP = 1e-9  # a threshold this close to an integer, relatively, is that integer


def rounded(values: np.ndarray) -> np.ndarray:
    """The nearest integers, int64, halves up."""
    return _to_int(np.floor(values + 0.5))


def steady_leak(leak: np.ndarray | float, shape: tuple[int, ...], bits: int,
                stateful: bool = False) -> np.ndarray:
    """Leak factors (T, channels) that are the same at every t but the first, where nothing is kept
    from before, unless the layer is ``stateful``.

    leak : real-valued, of all channels or (channels,)
    """
    found = rounded(np.ldexp(np.broadcast_to(leak, shape), bits))
    if not stateful:
        found[0] = 0
    return found


def threshold_integers(values: np.ndarray, comparison: Comparison) -> np.ndarray:
    """Thresholds that say the same of integers as ``values``, all above 0, say of them."""
    match comparison:
        case Comparison.AT_LEAST:
            # Above 0, however small: at 0 a neuron would fire without a current.
            found: np.ndarray = np.maximum(_to_int(np.ceil(_snapped(values))), 1)
            return found
        case Comparison.ABOVE:
            return _to_int(np.floor(_snapped(values)))
        case _:
            assert_never(comparison)


def with_floor(spec: NeuronSpec, values: np.ndarray | None) -> NeuronSpec:
    """``spec`` with the floor that is nearest to ``values``, in its units, broadcast to (T,
    channels); None for no floor.  What a soft reset subtracts is then at most what leaves a spike
    at the floor: both were rounded, and it may be one less."""
    if values is None:
        return spec
    floor = np.broadcast_to(rounded(values), spec.threshold.shape).copy()
    least = spec.threshold + spec.comparison.excess
    return replace(spec, floor=floor, reset_by=None if spec.reset_by is None else
                   np.minimum(spec.reset_by, least - floor))


def check_range(name: str, low: np.ndarray, high: np.ndarray, *, stateful: bool = False) -> None:
    """Refuse a layer whose potentials of ``low`` to ``high`` are too wide."""
    if len(low):
        check_width(name, Interval(low.min(), high.max()).width, stateful=stateful)


def check_saturation(name: str, spec: NeuronSpec) -> None:
    """Refuse neurons that saturate below a threshold, as they would hardly fire.

    Raises
    ------
    InputError
        They do.
    """
    if spec.saturation is None:
        return
    needed = int(spec.threshold.max()).bit_length() + 1
    if needed > spec.saturation:
        raise InputError(
            f"layer '{name}': neuron.saturate must be {needed} or more, not {spec.saturation}, as "
            f"thresholds need so many bits with {spec.fraction_bits} fraction bits")


def check_width(name: str, width: int, *, stateful: bool = False) -> None:
    """Refuse a layer that needs ``width`` bits, if these are too many.

    stateful : whether they are those of any number of inferences, each from the state before

    Raises
    ------
    InputError
        They are.
    """
    if width > MAX_WIDTH and stateful:
        raise InputError(
            f"layer '{name}': potentials must fit {MAX_WIDTH} bits over any number of inferences, "
            "as the model is stateful, and do not; they have bounds where the leak is below 1 and "
            "the leak bits can say so, where the reset is hard and no current negative or the "
            "neuron has a floor (min_potential), or where the neuron says in how many bits they "
            "saturate (saturate)")
    if width > MAX_WIDTH:
        raise InputError(
            f"layer '{name}': potentials and scores must fit {MAX_WIDTH} bits, not {width}; its "
            "BatchNorm scales, gate and threshold span too many orders of magnitude: fewer "
            "fraction bits help by one bit each")


def _to_int(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.clip(values, -LIMIT, LIMIT).astype(np.int64)
    return found


def _snapped(values: np.ndarray) -> np.ndarray:
    values = np.minimum(values, 2.0 * LIMIT)
    near = np.round(values)
    found: np.ndarray = np.where(np.abs(values - near) <= SNAP * near, near, values)
    return found
