"""Weights as pictures: kernels, what a neuron of the first layer sees of an image, or a matrix."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from bsnn_hw.ir.network import Conv, Network, Shape
from bsnn_hw.pictures.picture import Picture, brief, drawing, figure

__all__ = ["weights"]

WIDTH, HIGHEST = 8.0, 3.6  # inches, of all panels and of one
BETWEEN = "#a8c6e0"  # colour of the lines between tiles
MOST_TILES = 16  # side by side, and as many rows of them
MOST_SIDE = 1024  # of a matrix that is drawn


def weights(network: Network) -> Picture:
    """A panel for each layer, +1 light and -1 dark.

    A convolution's kernels stand in a table, a row per output channel and a column per input
    channel; of a single input channel, one after the other. A neuron of the first layer that takes
    one image has its weights in the image's order. Any other layer is a matrix, neurons downwards
    and inputs to the right. Of many, the first.

    Raises
    ------
    ToolError
        There is no matplotlib.
    """
    arranged = [_arranged(network, number) for number in range(len(network.layers))]
    heights = [min(WIDTH * len(values) / values.shape[1] + 0.3, HIGHEST)
               for values, _ in arranged]
    with drawing():
        from matplotlib import colormaps

        drawn = figure(WIDTH, sum(heights))
        panels = drawn.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, layer, (values, words) in zip(panels, network.layers, arranged, strict=True):
            top = 1 if layer.synapse.weight_bits == 1 else 127
            colors = colormaps["coolwarm" if top > 1 else "Greys_r"].with_extremes(bad=BETWEEN)
            axes.imshow(values, cmap=colors, vmin=-top, vmax=top, interpolation="nearest")
            axes.set_title(f"{brief(layer.name)}: {words}", loc="left")
            axes.set_axis_off()
    return Picture(drawn)


def _arranged(network: Network, number: int) -> tuple[np.ma.MaskedArray, str]:
    """The picture of a layer's weights, masked between tiles, and what it is."""
    synapse = network.layers[number].synapse
    values = synapse.weights
    if isinstance(synapse, Conv) and values.shape[1] > 1:
        kept = values[:MOST_TILES, :MOST_TILES]
        return _tiles(kept), (f"{_of(len(kept), len(values))} x "
                              f"{_of(kept.shape[1], values.shape[1])} kernels")
    image = _image(network) if number == 0 else None
    if isinstance(synapse, Conv):
        tiles, what = values[:, 0], "kernels"
    elif image is not None:
        tiles, what = values.reshape(-1, image.height, image.width), "neurons"
    else:
        kept = values[:MOST_SIDE, :MOST_SIDE]
        return np.ma.masked_array(kept), (f"{_of(len(kept), len(values))} neurons x "
                                          f"{_of(kept.shape[1], values.shape[1])} inputs")
    rows = min(MOST_TILES, -(-len(tiles) // MOST_TILES))
    kept = tiles[:rows * MOST_TILES]
    padded = np.ma.masked_all((rows * MOST_TILES, *tiles.shape[1:]), values.dtype)
    padded[:len(kept)] = kept
    return _tiles(padded.reshape(rows, MOST_TILES, *tiles.shape[1:])), (
        f"{_of(len(kept), len(tiles))} {what} of {tiles.shape[1]}x{tiles.shape[2]}")


def _of(kept: int, there: int) -> str:
    return f"{there:,}" if kept == there else f"{kept:,} of {there:,}"


def _image(network: Network) -> Shape | None:
    """The one grey image that the input is, by its shape or as a square; None if it is none."""
    shape = network.input.features
    if shape.positions > 1:
        return shape if shape.channels == 1 else None
    side = isqrt(shape.size)
    return Shape(1, side, side) if side > 1 and side * side == shape.size else None


def _tiles(values: Any) -> np.ma.MaskedArray:
    """(rows, columns, height, width) side by side, with a masked line between tiles."""
    rows, columns, height, width = values.shape
    lined = np.ma.masked_all((rows, columns, height + 1, width + 1), values.dtype)
    lined[:, :, :height, :width] = values
    joined = lined.transpose(0, 2, 1, 3).reshape(rows * (height + 1), columns * (width + 1))
    return joined[:-1, :-1]
