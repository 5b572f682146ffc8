"""Which values of a sample enter a network that leaves the others out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.maps import Shape

__all__ = ["Used"]


@dataclass(frozen=True)
class Used:
    """The values of a sample that a network takes; for whoever makes samples, not for arithmetic.

    places : indexes of these values in the sample, ascending
    shape : Shape of the sample
    """

    places: tuple[int, ...]
    shape: Shape

    def fits(self, size: int) -> bool:
        """Whether they are that many values, of a sample that has them."""
        places = np.asarray(self.places, np.int64)
        return (len(places) == size and places[0] >= 0 and places[-1] < self.shape.size
                and bool((np.diff(places) > 0).all()))

    def pick(self, values: np.ndarray) -> np.ndarray:
        """These values, (..., places), of samples (..., size)."""
        return values[..., list(self.places)]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Samples (..., size) with these values (..., places), and 0 where nothing is used."""
        samples = np.zeros((*values.shape[:-1], self.shape.size), values.dtype)
        samples[..., list(self.places)] = values
        return samples
