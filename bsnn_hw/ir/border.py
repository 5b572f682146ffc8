"""Biases that depend on the place: at a map's border a padded kernel lacks inputs (docs/ir.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Border", "axis_classes"]


@dataclass(frozen=True)
class Border:
    """What is added to ``bias[t, c]`` at the place (y, x): ``extra[t, lines[y], columns[x], c]``.

    lines, columns : int64 (height,) and (width,), the class of each line and column of the
        neurons' map, 0 or more
    extra : int64 (T, classes of lines, classes of columns, channels)
    """

    lines: np.ndarray
    columns: np.ndarray
    extra: np.ndarray

    @property
    def classes(self) -> tuple[int, int]:
        """Of lines, and of columns."""
        return self.extra.shape[1], self.extra.shape[2]

    @property
    def places(self) -> np.ndarray:
        """The class of each place, int64 (positions,), that of its line times the classes of
        columns, plus that of its column."""
        found: np.ndarray = np.add.outer(self.lines * self.classes[1], self.columns).ravel()
        return found

    @property
    def rows(self) -> np.ndarray:
        """``extra`` by class of a place, (T, classes, channels)."""
        return self.extra.reshape(len(self.extra), -1, self.extra.shape[-1])

    def ends(self, timestep: int) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest of each channel, (channels,)."""
        row = self.rows[timestep]
        return row.min(axis=0), row.max(axis=0)

    def without(self, chosen: np.ndarray) -> Border:
        """The same, but for the ``chosen`` channels, bool (channels,), which get nothing."""
        return replace(self, extra=np.where(chosen, 0, self.extra))


def axis_classes(side: int, outputs: int, kernel: int, stride: int,
                 padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis of a convolution, which outputs lack the same places of the kernel.

    Returns the class of each output, int64 (outputs,), and which places of the kernel meet the
    input in each class, bool (classes, kernel).
    """
    places = np.arange(outputs)[:, None] * stride - padding + np.arange(kernel)
    meets = (places >= 0) & (places < side)
    inside, first, classes = np.unique(meets, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as the outputs come
    return np.argsort(order)[classes.ravel()], inside[order]
