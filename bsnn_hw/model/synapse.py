"""What a layer's weights are, linear or a convolution, and where their values come from."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Shape, largest_weight
from bsnn_hw.model.expanded import Spread

__all__ = ["Conv2d", "Feed", "Linear", "Pooling", "PoolingKind", "Synapse", "of_every_input"]


class PoolingKind(enum.Enum):
    """What the values of one window become, spikes or currents."""

    MAX = "max"  # the largest; of spikes 1 where any fired, an OR
    AVG = "avg"  # their sum, of spikes how many fired, divided by the positions of the window
    SUM = "sum"  # their sum


@dataclass(frozen=True)
class Pooling:
    """Windows of ``size`` (height, width), each a ``stride`` from the one before.  Positions beyond
    the last window that fits are not used.

    step : the stride where it is not ``size``, that is where windows do not lie side by side
    padding : (vertical, horizontal), positions without a spike around the map; only of a maximum
    """

    kind: PoolingKind
    size: tuple[int, int]
    step: tuple[int, int] | None = None
    padding: tuple[int, int] = (0, 0)

    @property
    def stride(self) -> tuple[int, int]:
        """(vertical, horizontal), from window to window."""
        return self.step or self.size

    def shape(self, source: Shape) -> Shape:
        """The map of the windows; sides below 1 where none fits."""
        height, width = ((side + 2 * padding - across) // step + 1
                         for side, padding, across, step in zip(
                             (source.height, source.width), self.padding, self.size, self.stride,
                             strict=True))
        return Shape(source.channels, height, width)

    @property
    def positions(self) -> int:
        """Positions of one window."""
        return self.size[0] * self.size[1]

    @property
    def max_value(self) -> int:
        """Largest integer that a window of spikes becomes, before `divisor` divides it."""
        return 1 if self.kind is PoolingKind.MAX else self.positions

    @property
    def divisor(self) -> int:
        """What divides the integer: the positions where it is an average, else 1."""
        return self.positions if self.kind is PoolingKind.AVG else 1


@dataclass(frozen=True)
class Feed:
    """Where the values of a synapse come from.

    source : str or None, the earlier layer whose spikes come in; None is the network's input
    pool : Pooling of these spikes, None without
    shape : Shape of what the synapse gets, behind the pooling
    whole : Shape of the source's map, where it is not that of windows side by side
    """

    source: str | None
    pool: Pooling | None
    shape: Shape
    whole: Shape | None = None

    @property
    def source_shape(self) -> Shape:
        """Shape of the source's map, before the pooling."""
        if self.whole is not None:
            return self.whole
        height, width = self.pool.size if self.pool else (1, 1)
        return Shape(self.shape.channels, self.shape.height * height, self.shape.width * width)

    @property
    def divisor(self) -> int:
        """What divides the integer sums of the synapse: not 1 behind an average."""
        return self.pool.divisor if self.pool else 1


@dataclass(frozen=True)
class Linear:
    """Every input to every neuron; a map comes in flattened, (c * height + y) * width + x.

    weight : (neurons, fan_in), latent: only the sign counts, unless there are more ``weight_bits``
    bias : (neurons,)
    weight_bits : int, 1..8; from 2 on the weights are integers of so many bits, without the lowest
        (-1..1, ... -127..127), used as they are
    """

    weight: np.ndarray
    bias: np.ndarray
    weight_bits: int = 1

    @property
    def coefficients(self) -> np.ndarray:
        """The weights that are computed with, int8, shape of ``weight``."""
        return _coefficients(self.weight, self.weight_bits)

    @property
    def reach(self) -> int:
        """Largest sum over a neuron's inputs of the largest coefficient, for inputs of 1."""
        return int(self.weight.shape[1]) * largest_weight(self.weight_bits)

    def output(self, source: Shape) -> Shape:
        """Shape that this gives on a map of shape ``source``."""
        assert source.size == self.weight.shape[1]
        return Shape(self.weight.shape[0])


@dataclass(frozen=True)
class Conv2d:
    """A zero-padded convolution; a padded position carries no spike.

    weight : (C_out, C_in / groups, kernel height, kernel width), as in `Linear`
    bias : (C_out,)
    stride, padding : (vertical, horizontal)
    weight_bits : as in `Linear`
    groups : int, equal parts of the channels; an output channel gets those of its own part
    """

    weight: np.ndarray
    bias: np.ndarray
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    weight_bits: int = 1
    groups: int = 1

    @property
    def coefficients(self) -> np.ndarray:
        """The weights that are computed with, int8, shape of ``weight``."""
        return _coefficients(self.weight, self.weight_bits)

    @property
    def reach(self) -> int:
        """Largest sum over a neuron's inputs of the largest coefficient, for inputs of 1."""
        return math.prod(self.weight.shape[1:]) * largest_weight(self.weight_bits)

    def output(self, source: Shape) -> Shape:
        """Shape that this gives on a map of shape ``source``; sides below 1 where it does not
        fit."""
        channels, _, *kernel = self.weight.shape
        height, width = ((side + 2 * padding - across) // stride + 1
                         for side, padding, across, stride in zip(
                             (source.height, source.width), self.padding, kernel, self.stride,
                             strict=True))
        return Shape(channels, height, width)


Synapse = Linear | Conv2d


def of_every_input(synapse: Synapse) -> np.ndarray:
    """The coefficients of all channels that come in, int8 (channels out, channels in, ...); 0 where
    a channel is in another group."""
    groups = synapse.groups if isinstance(synapse, Conv2d) else 1
    return (synapse.coefficients if groups == 1 else
            Spread(groups).dense(synapse.coefficients))


def _coefficients(weight: np.ndarray, weight_bits: int) -> np.ndarray:
    return (np.where(weight >= 0, 1, -1) if weight_bits == 1 else weight).astype(np.int8)
