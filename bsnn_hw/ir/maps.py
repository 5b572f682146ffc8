"""Feature maps, and the windows that pooling lays over them (docs/ir.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Pool", "PoolKind", "Shape"]


@dataclass(frozen=True)
class Shape:
    """A feature map; neuron (c, y, x) has the index ``(c * height + y) * width + x``.  What has no
    map is (n, 1, 1)."""

    channels: int
    height: int = 1
    width: int = 1

    @property
    def positions(self) -> int:
        """Positions of the map."""
        return self.height * self.width

    @property
    def size(self) -> int:
        """Neurons."""
        return self.channels * self.positions


class PoolKind(enum.Enum):
    """What the spikes of one window become."""

    MAX = "max"  # one spike where any neuron of the window fired: an OR
    SUM = "sum"  # as many spikes as fired, all at the window's position


@dataclass(frozen=True)
class Pool:
    """Windows of ``height`` x ``width``; what is beyond the last one that fits is not used.

    step : (vertical, horizontal), from window to window where they do not lie side by side; only
        with MAX, as is ``padding``, silent positions around the map, less than the step
    """

    kind: PoolKind
    height: int
    width: int
    step: tuple[int, int] | None = None
    padding: tuple[int, int] = (0, 0)

    @property
    def stride(self) -> tuple[int, int]:
        """From window to window."""
        return self.step or (self.height, self.width)

    @property
    def tiles(self) -> bool:
        """Whether windows lie side by side, the first in the map's corner."""
        return self.stride == (self.height, self.width) and self.padding == (0, 0)

    def shape(self, source: Shape) -> Shape:
        """The map of the windows; sides below 1 where none fits."""
        height, width = ((side + 2 * padding - across) // step + 1
                         for side, padding, across, step in zip(
                             (source.height, source.width), self.padding,
                             (self.height, self.width), self.stride, strict=True))
        return Shape(source.channels, height, width)

    @property
    def open(self) -> tuple[int, int]:
        """How many windows hold a position at most, (down, across)."""
        (down, right) = self.stride
        return -(-self.height // down), -(-self.width // right)

    def used(self, source: Shape) -> Shape:
        """The part of the map that windows side by side cover."""
        windows = self.shape(source)
        return Shape(source.channels, windows.height * self.height, windows.width * self.width)
