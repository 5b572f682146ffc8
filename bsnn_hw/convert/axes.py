"""Where samples and timesteps lie in a traced tensor: its leading axes."""

from __future__ import annotations

import math

__all__ = ["Lead", "lead_of", "size"]

# "N": samples; "T": timesteps; "TN", "NT": both in one axis, the first one slower; "1": one.
Lead = tuple[str, ...]


def size(axis: str, samples: int, timesteps: int) -> int:
    """Length of an axis."""
    return math.prod({"N": samples, "T": timesteps, "1": 1}[letter] for letter in axis)


def _candidates(lead: Lead) -> list[Lead]:
    """The leads that hold the same values in the same order."""
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
        sides = tuple(size(axis, samples, timesteps) for axis in candidate)
        if shape[:len(sides)] == sides and math.prod(shape[len(sides):]) == count:
            return candidate
    return None
