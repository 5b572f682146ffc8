"""What the border of a padded map lacks of an input whose zero is not 0 (docs/ir.md).

A padded place is 0 in real numbers, and 0 is no integer's worth where the input has an offset.  So
a layer's shift, which counts the offset with the whole kernel, is another where padding hides a
part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.border import Border, axis_classes
from bsnn_hw.model.description import Conv2d, Input, Layer, SynapseShortcut
from bsnn_hw.model.synapse import of_every_input

__all__ = ["BorderShift", "border_shift", "whole_offsets"]


@dataclass(frozen=True)
class BorderShift:
    """What is added to a layer's shift, by class of the place.

    lines, columns : as in `Border`
    extra : float64 (classes of lines, classes of columns, channels), in the unit of Y
    """

    lines: np.ndarray
    columns: np.ndarray
    extra: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """The largest of each channel without its sign, (channels,)."""
        found: np.ndarray = np.abs(self.extra).max(axis=(0, 1))
        return found

    @property
    def mean(self) -> float:
        """Over all places and channels."""
        whole = self.extra[self.lines][:, self.columns]
        return float(whole.mean())

    def integers(self, bias: np.ndarray, whole: np.ndarray) -> Border:
        """Of the integers ``bias`` (T, channels) and of ``whole``, those of the shift at each class
        of a place, (T, classes of lines, classes of columns, channels)."""
        return Border(self.lines, self.columns, whole - bias[:, None, None, :])


def border_shift(layer: Layer, source: Input | None, slope: np.ndarray) -> BorderShift | None:
    """None where every place has the same shift.

    source : as in `affine`; slope : of the norm, (channels,)
    """
    synapse = layer.synapse
    if source is None or not isinstance(synapse, Conv2d) or not (
            any(synapse.padding) and np.any(source.offset)):
        return None
    target, shape = layer.summed, layer.feed.shape
    (lines, rows), (columns, across) = (axis_classes(*axis) for axis in zip(
        (shape.height, shape.width), (target.height, target.width), synapse.weight.shape[2:],
        synapse.stride, synapse.padding, strict=True))
    hidden = 1.0 - np.einsum("ak,bl->abkl", rows, across)
    offset = np.broadcast_to(source.offset, shape.channels)
    lacks = np.einsum("oikl,i,abkl->abo", of_every_input(synapse).astype(float), offset,
                      hidden)
    return BorderShift(lines, columns, -slope * lacks)


def whole_offsets(part: Layer | SynapseShortcut, source: Input) -> np.ndarray:
    """What the input's offset adds to the sums of the whole kernel, (channels,)."""
    weights = of_every_input(part.synapse).astype(float)
    if not isinstance(source.offset, np.ndarray):
        found: np.ndarray = source.offset * weights.reshape(len(weights), -1).sum(axis=1)
        return found
    of_channel = weights.reshape(len(weights), source.shape.channels, -1).sum(axis=2)
    found = of_channel @ source.offset
    return found
