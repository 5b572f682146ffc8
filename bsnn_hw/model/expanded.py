"""Grouped and dilated convolutions as plain ones: zeros where a channel or a place is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["PLAIN", "Spread"]

LEAST_BITS = 2  # of a weight that may be 0


@dataclass(frozen=True)
class Spread:
    """Which channels and places the weights of a convolution stand for, as in torch.

    groups : int, a divisor of the channels; an output channel reads those of its own group
    dilation : (vertical, horizontal), from one place of the kernel to the next
    """

    groups: int = 1
    dilation: tuple[int, int] = (1, 1)

    @property
    def is_plain(self) -> bool:
        """Whether every channel is read, and places lie side by side."""
        return self == PLAIN

    def shape(self, weight: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of `dense` for weights of shape ``weight``."""
        channels, read, *kernel = weight
        return (channels, read * self.groups, *((side - 1) * step + 1 for side, step in zip(
            kernel, self.dilation, strict=True)))

    def bits(self, bits: int) -> int:
        """Bits of a weight of `dense`."""
        return bits if self.is_plain else max(bits, LEAST_BITS)

    def dense(self, weight: np.ndarray) -> np.ndarray:
        """The weights of the plain convolution that computes the same.

        weight : (C_out, C_in / groups, kernel height, kernel width)

        Returns (C_out, C_in, height, width), 0 between.
        """
        spread = np.zeros(self.shape(weight.shape), weight.dtype)
        (channels, read, *_), (down, across) = weight.shape, self.dilation
        each = channels // self.groups
        for group in range(self.groups):
            rows = slice(group * each, (group + 1) * each)
            spread[rows, group * read:(group + 1) * read, ::down, ::across] = weight[rows]
        return spread


PLAIN = Spread()
