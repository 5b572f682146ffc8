"""Convolutions of every kind of corner, what their events reach, and steps of spikes as words."""

from __future__ import annotations

import itertools

import numpy as np

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.ir.network import Conv, Shape
from bsnn_hw.ir.raster import Raster

__all__ = ["CONVS", "conv_of", "expected_groups", "geometry_of", "placed_words", "random_steps",
           "reach_of", "reaching_groups", "walk_of", "words_of"]

# source, kernel, stride, padding, channels, source width, lanes, parallel
CONVS = [
    (Shape(1, 1, 1), (1, 1), (1, 1), (0, 0), 1, 1, 1, 1),
    (Shape(2, 5, 4), (3, 3), (1, 1), (1, 1), 3, 2, 2, 2),
    (Shape(3, 5, 7), (3, 3), (2, 2), (1, 1), 4, 2, 1, 3),
    (Shape(5, 6, 5), (2, 4), (2, 3), (0, 2), 3, 3, 2, 1),
    (Shape(2, 4, 4), (1, 1), (3, 3), (0, 0), 2, 1, 1, 2),
    (Shape(7, 3, 3), (5, 5), (1, 1), (2, 2), 9, 4, 3, 4),
    (Shape(4, 9, 2), (4, 1), (3, 1), (1, 0), 5, 4, 4, 5),
    (Shape(1, 1, 6), (1, 3), (1, 1), (0, 1), 1, 1, 1, 1),
]


def geometry_of(case, shared=False):
    source, kernel, stride, padding, channels, width, lanes, parallel = case
    out = conv_of(case).shape
    assert out.channels == channels
    return ConvEvents(Raster(source, width), out, kernel, stride, padding, lanes, parallel,
                        shared)


def conv_of(case, seed=0):
    source, kernel, stride, padding, channels, *_ = case
    rng = np.random.default_rng(seed)
    weights = rng.choice(np.array([-1, 1], np.int8), (channels, source.channels, *kernel))
    return Conv(weights, rng.random(channels) < .9, source, stride, padding)


def reach_of(geometry, y, x):
    """The reach of an event at (y, x), None where it reaches nothing."""
    down, right = geometry.vertical, geometry.horizontal
    if not (down.count[y] and right.count[x]):
        return None
    return {"row": int(down.first[y] * geometry.out.width + right.first[x]) * geometry.folds,
            "tap": int(down.tap[y] * geometry.kernel[1] + right.tap[x]) * geometry.folds,
            "columns": int(right.count[x]) - 1, "lines": int(down.count[y]) - 1}


def walk_of(geometry, y, x):
    """(row, fold, tap) of every cycle of a walk from (y, x), as engines/conv_events.py says."""
    down, right = geometry.vertical, geometry.horizontal
    for line, column, fold in itertools.product(
            range(down.count[y]), range(right.count[x]), range(geometry.folds)):
        oy, ox = down.first[y] + line, right.first[x] + column
        ty = down.tap[y] + line * geometry.stride[0]
        tx = right.tap[x] + column * geometry.stride[1]
        yield ((oy * geometry.out.width + ox) * geometry.folds + fold, fold,
               (ty * geometry.kernel[1] + tx) * geometry.folds + fold)


def random_steps(rng, size, count):
    """Spikes (count, size) from none to all."""
    return rng.random((count, size)) < np.resize([1, 0, .1, .5, .9], count)[:, None]


def words_of(raster, spikes):
    """One step's rows (rows, width), in raster order, from ``spikes`` (size,)."""
    words = np.zeros((raster.rows, raster.width), np.int64)
    words[raster.locate(np.arange(raster.shape.size))] = spikes
    return words


def placed_words(raster, spikes):
    """One step's ``placed_word``s as dictionaries, silent ones too."""
    last = raster.rows - 1
    for row, bits in enumerate(words_of(raster, spikes).tolist()):
        place, fold = divmod(row, raster.folds)
        y, x = divmod(place, raster.shape.width)
        yield {"spikes": sum(bit << i for i, bit in enumerate(bits)), "row": row,
               "place": {"y": y, "x": x}, "fold": fold, "last": row == last}


def expected_groups(geometry, values):
    """((y, x), {lane: (row, value)}, mark) of one timestep's ``values`` (inputs,), by the
    geometry's address map; a lone mark has no place.  Of shared lanes a group is one event."""
    source, row_mask = geometry.source, (1 << geometry.row_bits) - 1
    word, _ = source.locate(np.arange(source.shape.size))
    groups, number = [], None
    for number in np.unique(word[values != 0]).tolist():
        lanes = [[] for _ in range(geometry.banks)]
        inputs = np.flatnonzero((values != 0) & (word == number))
        for lane, address, i in zip(*geometry.lane_row(inputs), inputs, strict=True):
            lanes[lane].append((int(address) & row_mask, int(values[i])))
        place = divmod(number // source.folds, source.shape.width)
        groups += [(place, {lane: event for lane, event in enumerate(events) if event}, False)
                   for events in itertools.zip_longest(*lanes)]
    if number != source.rows - 1:
        return [*groups, (None, {}, True)]
    return [*groups[:-1], (*groups[-1][:2], True)]


def reaching_groups(geometry, steps):
    """(reach, {lane: (row, value)}, mark) of what is left behind the lookup of places."""
    for values in steps:
        for place, events, mark in expected_groups(geometry, values):
            reach = reach_of(geometry, *place) if place else None
            if reach:
                yield reach, events, mark
            elif mark:
                yield None, {}, mark
