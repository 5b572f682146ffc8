"""Words of spikes instead of events: which layers may take them, how wide, and for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsnn_hw.ir.network import Conv, Network, PoolKind
from bsnn_hw.ir.schedule import BLOCK_ROWS
from bsnn_hw.ir.words import WordGeometry
from bsnn_hw.planning.activity import Feed

__all__ = ["MOST_CHOSEN", "fitting_lanes", "lanes_problem", "word_cells", "word_choices",
           "word_walk", "words_problem"]

MOST_CHOSEN = 64  # lanes of a word that is not asked for
# Rough logic cells: of a lane at a neuron, of a neuron's difference, of the queue and what is
# around it, and of a lane there and in the count that all neurons share.
LANE_NEURON_CELLS, NEURON_CELLS, LINK_CELLS, LANE_CELLS = 2.1, 8, 150, 9


def words_problem(network: Network, number: int) -> str | None:
    """Why layer ``number`` cannot take words of spikes; None where it can."""
    layer = network.layers[number]
    if isinstance(layer.synapse, Conv):
        return "a convolution walks from event to event"
    if layer.synapse.weight_bits != 1:
        return f"its weights have {layer.synapse.weight_bits} bits"
    if number < layer.back and network.input.max_value > 1:
        return f"the input gives values of {network.input.bits} bits, not spikes"
    return None


def lanes_problem(network: Network, number: int, lanes: int,
                  parallel: Sequence[int]) -> str | None:
    """What the lanes of a word of layer ``number`` must be, unless ``lanes`` is such a count."""
    width, rows = _rows(network, number, parallel)
    if 1 <= lanes <= width or (lanes % width == 0 and 1 <= lanes // width <= rows):
        return None
    if number < network.layers[number].back:
        return f"1..{width}, the inputs"
    name = network.layers[number - network.layers[number].back].name
    more = f", or a multiple of it up to {width * rows}" if rows > 1 else ""
    return f"1..{width}, the parallel neurons of '{name}'{more}"


def fitting_lanes(network: Network, number: int, lanes: int, parallel: Sequence[int]) -> int:
    """The largest legal count of lanes up to ``lanes``."""
    width, rows = _rows(network, number, parallel)
    return lanes if lanes <= width else min(lanes // width, rows) * width


def word_choices(network: Network, number: int, parallel: Sequence[int]) -> list[int]:
    """Lanes worth weighing: halves of what the layer before gives, and whole rows together."""
    width, rows = _rows(network, number, parallel)
    parts = {-(-width // (1 << k)) for k in range(width.bit_length())}
    whole = {width * count for count in range(1, rows + 1)
             if -(-rows // count) < -(-rows // max(1, count - 1)) or count == 1}
    return sorted(lanes for lanes in parts | whole if lanes <= MOST_CHOSEN)


def _rows(network: Network, number: int, parallel: Sequence[int]) -> tuple[int, int]:
    """(inputs in a row of the layer's source, rows that may be gathered)."""
    layer = network.layers[number]
    giver = number - layer.back
    if giver < 0:
        return network.input.size, 1
    width = max(1, parallel[giver])
    shape = network.features(giver)
    if layer.pool is not None:
        # A sum's rows come once per place of the window, not in order.
        if layer.pool.kind is PoolKind.SUM and (layer.pool.height, layer.pool.width) != (1, 1):
            return width, 1
        shape = layer.pool.shape(shape)
    return width, shape.positions * -(-shape.channels // width)


def word_cells(geometry: WordGeometry) -> int:
    """Rough logic cells of the synapses and of the queue in front of them."""
    lanes, parallel, depth = geometry.lanes, geometry.parallel, geometry.depth
    # A shallow memory is of LUTs, 16 rows in each; a single row is constants.
    luts = -(-depth // 16) if 1 < depth < BLOCK_ROWS else 0
    return round(parallel * (NEURON_CELLS + (LANE_NEURON_CELLS + luts) * lanes) + LINK_CELLS
                 + LANE_CELLS * max(lanes, geometry.source_width))


def word_walk(geometry: WordGeometry, feed: Feed) -> np.ndarray:
    """Words with a spike, (N, marks); the others take no cycle."""
    if feed.window == (1, 1):
        _, rows = geometry.lane_row(np.arange(geometry.inputs))
    else:  # rows that are summed come place by place, as they are before it
        channel, place = np.divmod(np.arange(feed.shape.size), feed.shape.positions)
        fold, bit = np.divmod(channel, geometry.source_width)
        folds = -(-feed.shape.channels // geometry.source_width)
        rows = (place * folds + fold) * geometry.parts + bit // geometry.lanes
    order = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    return np.logical_or.reduceat(feed.events[:, :, order], starts, axis=2).sum(axis=2)
