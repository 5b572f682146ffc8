"""A gate that every sample makes for itself: a sum of its spikes, looked up (docs/ir.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["SampleGate", "position_weights"]


@dataclass(frozen=True)
class SampleGate:
    """The factor of a layer's own current, one for all its neurons, per timestep::

        total[t]  = sum over all positions of the map of acc[t] of one further output channel
        index[t]  = (total[t] + offset) >> shift, at least 0 and at most entries - 1
        factor[t] = table[t, index[t]]

    The channel has the layer's inputs, kernel, stride and padding, and weights of its own.

    weights : int8, of one output channel: (fan_in,), or (channels in, kernel height, kernel width)
    weight_bits : int, 2 to 8; weights are up to ``2**(weight_bits - 1) - 1``, of either sign
    offset : int, of any sign; shift : int, 0 or more
    table : int64 (T, entries), 0 or more; entries are a power of two
    factor_bits : int, 0 or more: a factor of ``2**factor_bits`` is 1
    """

    weights: np.ndarray
    weight_bits: int
    offset: int
    shift: int
    table: np.ndarray
    factor_bits: int

    @property
    def entries(self) -> int:
        """Values that an index can have."""
        return int(self.table.shape[1])

    @property
    def index_bits(self) -> int:
        """Bits of an index."""
        return (self.entries - 1).bit_length()

    @property
    def width(self) -> int:
        """Bits of the largest factor, 1 or more."""
        return max(1, int(self.table.max()).bit_length())

    @property
    def constant_table(self) -> bool:
        """Whether the table is the same in every timestep."""
        return bool((self.table == self.table[0]).all())


def position_weights(weights: np.ndarray, source: tuple[int, int], target: tuple[int, int],
                  stride: tuple[int, int], padding: tuple[int, int]) -> np.ndarray:
    """What one event of each position counts in the sum of a whole map, int64 (channels in, height,
    width): the sum of the kernel's weights that meet it, fewer at the border.

    weights : (channels in, kernel height, kernel width)
    source, target : height and width of the map that comes in, and of the one that goes out
    """
    rows, columns = (_meets(*axis) for axis in zip(source, target, weights.shape[1:], stride,
                                                   padding, strict=True))
    found: np.ndarray = np.einsum("ikl,ky,lx->iyx", weights.astype(np.int64), rows, columns)
    return found


def _meets(side: int, positions: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    """Along one axis: whether a position of the kernel meets one of the input in some output, int64
    (kernel, side)."""
    reach = np.arange(side) + padding - np.arange(kernel)[:, None]
    meets: np.ndarray = (reach >= 0) & (reach % stride == 0) & (reach // stride < positions)
    return meets.astype(np.int64)
