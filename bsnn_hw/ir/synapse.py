"""What sums the events of a timestep: weights, fully connected or of a convolution (docs/ir.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.maps import Shape

__all__ = ["Conv", "Dense", "Synapse", "largest_weight"]


def largest_weight(weight_bits: int) -> int:
    """Largest weight of so many bits, and without its sign the lowest: 1, 1, 3, ... 127."""
    return max(1, (1 << weight_bits - 1) - 1)


@dataclass(frozen=True)
class Dense:
    """Synapses of a fully connected layer: ``acc[n] = sum_i weights[n, i] * s[i]``.

    weights : int8 (neurons, fan_in), each -1 or +1, or with 2 ``weight_bits`` and more from
        -`largest_weight` to `largest_weight`
    connected : bool (neurons,); where False, ``acc`` is 0 (a BatchNorm scale of zero)
    weight_bits : int, 1..8
    """

    weights: np.ndarray
    connected: np.ndarray
    weight_bits: int = 1

    @property
    def fan_in(self) -> int:
        """Number of inputs of a neuron."""
        return int(self.weights.shape[1])

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return int(self.weights.shape[0])

    @property
    def shape(self) -> Shape:
        """The neurons, a channel each."""
        return Shape(self.neurons)


@dataclass(frozen=True)
class Conv:
    """Synapses of a convolution, zero-padded: with (sy, sx) = stride, (py, px) = padding::

        acc[c, y, x] = sum_{i, ky, kx} weights[c, i, ky, kx] * s[g*n + i, y*sy + ky - py,
                                                                        x*sx + kx - px]

    with n channels in of each group, of which c is in the g-th; without groups g is 0.

    weights : int8 (channels out, n, kernel height, kernel width), as in `Dense`
    connected : bool (channels out,); where False, ``acc`` is 0
    source : Shape of the map that comes in, behind any pooling
    weight_bits : int, 1..8
    groups : int, divides the channels in and out; a channel out gets only those of its group
    """

    weights: np.ndarray
    connected: np.ndarray
    source: Shape
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    weight_bits: int = 1
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, int]:
        """(height, width)."""
        return self.weights.shape[2], self.weights.shape[3]

    @property
    def fan_in(self) -> int:
        """Number of inputs: of the layer, as a neuron has only those that its kernel covers."""
        return self.source.size

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.shape.size

    @property
    def shape(self) -> Shape:
        """The map that goes out."""
        height, width = (
            (side + 2 * padding - kernel) // stride + 1 for side, padding, kernel, stride in zip(
                (self.source.height, self.source.width), self.padding, self.kernel, self.stride,
                strict=True))
        return Shape(self.weights.shape[0], height, width)


Synapse = Dense | Conv
