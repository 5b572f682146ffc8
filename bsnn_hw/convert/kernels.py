"""Weights that say more than they did: what pads one side more, or averages in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn.grad import conv2d_input

from bsnn_hw.convert.graph import Pool, Synapse
from bsnn_hw.convert.trace import TraceError

__all__ = ["evened", "over_average", "unrolled"]

Pair = tuple[int, int]


def evened(weight: np.ndarray, sides: Sequence[Pair], source: Sequence[int], stride: Pair,
           dilation: Pair) -> tuple[np.ndarray, Pair, Pair]:
    """Kernel, dilation and padding of a convolution that pads as much before as after.

    A kernel that is wider by zeros needs as many more of the border.  Where the last places are
    skipped by the stride anyway, nothing is added.

    weight : (channels, fan_in, height, width)
    sides : zeros (before, after) rows, and columns; source : rows and columns without them
    """
    if all(before == after for before, after in sides):
        return weight, dilation, (sides[0][0], sides[1][0])
    *channels, height, width = weight.shape
    across = [step * (side - 1) + 1 for side, step in zip((height, width), dilation)]
    fits = [_fit(*each) for each in zip(source, across, stride, sides)]
    (top, bottom, vertical), (left, right, horizontal) = fits
    if not any((top, bottom, left, right)):
        return weight, dilation, (vertical, horizontal)
    wider = np.zeros((*channels, across[0] + top + bottom, across[1] + left + right))
    wider[..., top:top + across[0]:dilation[0], left:left + across[1]:dilation[1]] = weight
    return wider, (1, 1), (vertical, horizontal)


def _fit(side: int, kernel: int, step: int, around: Pair) -> tuple[int, int, int]:
    """Zeros before and behind a side of a kernel, as few as can be, and the padding for it."""
    before, after = around
    count = (side + before + after - kernel) // step + 1
    for more in range(abs(before - after) + 1):
        front, behind = (0, more) if before >= after else (more, 0)
        if (side + 2 * (before + front) - kernel - more) // step + 1 == count:
            return front, behind, before + front
    raise AssertionError("as many zeros as sides differ by are enough")


def over_average(synapse: Synapse, pool: Pool) -> Synapse:
    """The same sums, of what ``pool`` averages or sums, times its places where it averages.

    Raises
    ------
    TraceError
        Places around the pooled map, where there is nothing, would be taken from the map itself.
    """
    if synapse.weight.ndim == 2:
        return replace(synapse, weight=_spread(synapse.weight, pool), source=pool.source)
    if synapse.source.shape != pool.shape:
        raise TraceError("convolves pooled values in another shape; reshape nothing between a "
                         "pooling whose windows overlap, or are padded, and a convolution")
    for axis, side in enumerate(pool.source.shape[1:]):
        if not _inside(synapse, pool, axis, side):
            raise TraceError("pads the averages or sums of windows that overlap or are cut off; "
                             "have the convolution pad nothing, or windows lie side by side "
                             "(a stride as wide as the window)")
    *channels, height, width = synapse.weight.shape
    down, right = (step * more for step, more in zip(pool.stride, synapse.dilation))
    wider = np.zeros((*channels, pool.size[0] + (height - 1) * down,
                      pool.size[1] + (width - 1) * right))
    for line, column in np.ndindex(*pool.size):
        wider[..., line:line + (height - 1) * down + 1:down,
              column:column + (width - 1) * right + 1:right] += synapse.weight
    (steps_down, steps_right), (top, left) = synapse.stride, synapse.padding
    return replace(synapse, weight=wider, source=pool.source, dilation=(1, 1),
                   stride=(steps_down * pool.stride[0], steps_right * pool.stride[1]),
                   padding=(pool.padding[0] + top * pool.stride[0],
                            pool.padding[1] + left * pool.stride[1]))


def unrolled(synapse: Synapse, pool: Pool | None) -> Synapse:
    """A convolution as a linear layer: the same sums, in the order of its map flattened, or of
    windows of these sums that ``pool`` averages, times their places, or sums."""
    outputs = pool.shape if pool else synapse.shape
    each = np.eye(int(np.prod(outputs)))
    each = _spread(each, pool) if pool else each
    back = conv2d_input(
        (len(each), *synapse.source.shape), torch.from_numpy(synapse.weight),
        torch.from_numpy(each).reshape(-1, *synapse.shape), synapse.stride, synapse.padding,
        synapse.dilation, synapse.groups)
    return replace(synapse, shape=(len(each),), weight=back.reshape(len(each), -1).numpy(),
                   stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)


def _spread(weight: np.ndarray, pool: Pool) -> np.ndarray:
    """Weights of a linear layer of the map itself: each window's weight for all of its places."""
    sides = pool.source.shape[1:]
    windows = torch.from_numpy(weight).reshape(-1, 1, *pool.shape[1:])
    rest = [side + 2 * padding - size - (count - 1) * step for side, padding, size, count, step in
            zip(sides, pool.padding, pool.size, pool.shape[1:], pool.stride)]
    whole = torch.nn.functional.conv_transpose2d(
        windows, torch.ones(1, 1, *pool.size, dtype=torch.float64), stride=pool.stride,
        padding=pool.padding, output_padding=rest)
    found: np.ndarray = whole.reshape(len(weight), -1).numpy()
    return found


def _inside(synapse: Synapse, pool: Pool, axis: int, side: int) -> bool:
    """Whether no window around the pooled map, where the convolution has zeros, holds a place of
    the map, and each of its outputs stands where one of the wider kernel does."""
    size, step, padding = pool.size[axis], pool.stride[axis], pool.padding[axis]
    pooled, outputs = pool.shape[axis + 1], synapse.shape[axis + 1]
    kernel = synapse.weight.shape[axis + 2]
    windows = (np.arange(outputs)[:, None] * synapse.stride[axis] - synapse.padding[axis]
               + np.arange(kernel) * synapse.dilation[axis])
    beyond = windows[(windows < 0) | (windows >= pooled)]
    places = beyond[:, None] * step - padding + np.arange(size)
    across = size + (kernel - 1) * synapse.dilation[axis] * step
    around = side + 2 * (padding + step * synapse.padding[axis])
    return (not ((places >= 0) & (places < side)).any()
            and (around - across) // (synapse.stride[axis] * step) + 1 == outputs)
