"""Averages and sums of a convolution's currents: a wider convolution of few-bit weights, exactly.

A window of h x w sums of a kernel k with the stride s is one sum of a kernel of k + (h - 1)·s, in
which the kernel stands at every position of the window; where its copies overlap, weights add up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bsnn_hw.ir.network import largest_weight
from bsnn_hw.model.description import Conv2d, Layer, Pooling, PoolingKind

__all__ = ["MAX_BITS", "averages", "composed", "weight_bits", "without_average"]

MAX_BITS = 8  # of a weight


def averages(layer: Layer) -> bool:
    """Whether the layer's currents are averaged or summed before its neurons."""
    return layer.current_pool is not None and layer.current_pool.kind is not PoolingKind.MAX


def composed(synapse: Conv2d, pool: Pooling) -> np.ndarray:
    """The weights of the wider kernel, int64 (channels out, channels in, height, width)."""
    weights = synapse.coefficients.astype(np.int64)
    *channels, height, width = weights.shape
    down, right = synapse.stride
    wider = np.zeros((*channels, height + (pool.size[0] - 1) * down,
                      width + (pool.size[1] - 1) * right), np.int64)
    for line, column in np.ndindex(*pool.size):
        top, left = line * down, column * right
        wider[..., top:top + height, left:left + width] += weights
    return wider


def weight_bits(weights: np.ndarray) -> int:
    """The fewest bits that hold these weights, more than `MAX_BITS` where they are too large."""
    if (np.abs(weights) == 1).all():
        return 1
    most = int(np.abs(weights).max())
    return next(bits for bits in range(2, 64) if largest_weight(bits) >= most)


def without_average(layer: Layer) -> Layer:
    """The same currents, of a layer that `averages`, from a wider kernel and no pooling."""
    synapse, norm, pool = layer.synapse, layer.norm, layer.current_pool
    assert isinstance(synapse, Conv2d) and pool is not None
    weights = composed(synapse, pool)
    (down, right), (steps_down, steps_right) = synapse.stride, pool.stride
    wider = replace(synapse, weight=weights.astype(float), bias=synapse.bias * pool.positions,
                    stride=(down * steps_down, right * steps_right),
                    weight_bits=weight_bits(weights))
    gamma, beta = ((norm.gamma / pool.positions, norm.beta) if pool.kind is PoolingKind.AVG else
                   (norm.gamma, norm.beta * pool.positions))
    return replace(layer, synapse=wider, current_pool=None,
                   norm=replace(norm, gamma=gamma, beta=beta, mean=norm.mean * pool.positions))
