"""Where samples and timesteps lie in a traced tensor: its leading axes."""

from __future__ import annotations

import math

__all__ = ["LAST", "Lead", "inner_of", "lead_of", "sides", "size", "time_axis"]

# "N": samples; "T": timesteps; "TN", "NT": both in one axis, the first one slower; "1": one.
Lead = tuple[str, ...]

# Timesteps behind all else, as loaders of recordings have them: samples, values, timesteps.
LAST: Lead = ("N", "...", "T")


def size(axis: str, samples: int, timesteps: int) -> int:
    """Length of an axis."""
    return math.prod({"N": samples, "T": timesteps, "1": 1}[letter] for letter in axis)


def sides(lead: Lead, shape: tuple[int, ...], samples: int, timesteps: int) -> tuple[int, ...]:
    """Shape of a tensor of values of ``shape`` with these axes."""
    axes = [size(axis, samples, timesteps) for axis in lead if axis != "..."]
    return (axes[0], *shape, axes[1]) if lead == LAST else (*axes, *shape)


def time_axis(lead: Lead, ndim: int) -> int | None:
    """Which axis of a tensor of ``ndim`` holds the timesteps alone."""
    return ndim - 1 if lead == LAST else lead.index("T") if "T" in lead else None


def _candidates(lead: Lead) -> list[Lead]:
    """The leads that hold the same values in the same order."""
    if lead == LAST:
        return [LAST]
    order = "".join(axis for axis in lead if axis != "1")
    if order == "N":
        return [("N",), ("1", "N"), ("N", "1")]
    return [tuple(order), (order,)]


def lead_of(lead: Lead, shape: tuple[int, ...], count: int, samples: int, timesteps: int
            ) -> Lead | None:
    """The leading axes of values with ``lead`` in a new ``shape``, None where samples mix.

    count : int, values of one sample at one timestep
    """
    for candidate in _candidates(lead):
        inner = inner_of(candidate, shape)
        if (math.prod(inner) == count
                and sides(candidate, inner, samples, timesteps) == tuple(shape)):
            return candidate
    return None


def inner_of(lead: Lead, shape: tuple[int, ...]) -> tuple[int, ...]:
    """What of the shape of a tensor is that of its values."""
    return tuple(shape[1:-1]) if lead == LAST else tuple(shape[len(lead):])
