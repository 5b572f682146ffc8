"""Cycles of convolutions by hand, and against a scalar count of every group."""

import math
from dataclasses import replace

import numpy as np

from bsnn_hw.engines.registry import network_geometries, shortcut_geometries
from bsnn_hw.ir.network import Coding, Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound, layer_bounds, predicted_cycles, walk, watchdog
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.reference.network import run
from tests.for_each import for_each
from tests.planning.maps import chain, conv, hidden, joined, network
from tests.reference.random_maps import random_inputs, random_network


def measured(net, inputs):
    return measure_activity(net, inputs, run(net, inputs))


def test_bounds_by_hand():
    net = chain(Shape(3, 3, 4), (4, 5))
    inputs = np.zeros((1, 2, 3, 3, 4), np.uint8)
    inputs[0, 0, :, 0, 0] = 1     # three events in a corner, which reaches 2x2 places
    inputs[0, 1, [0, 2], 1, 1] = 1  # two inside, 3x3 places, in the same of two lanes
    inputs = inputs.reshape(1, 2, -1)
    activity = measured(net, inputs)
    schedule = make_schedule(net, (2, 1, 1), (3, 5, 2))
    # Two folds: ceil(3/2) groups over 4 places, ceil(2/2) over 9; and 2 passes of 24 rows.
    assert layer_bounds(net, schedule, activity)[0] == [(2 * 4 + 9) * 2 + 2 * 24]
    assert predicted_cycles(net, schedule, activity)[0] == [(2 * 4 + 2 * 9) * 2 + 2 * 24]
    # All 4 channels fire at the places reached: 2x2 in a corner, 3x3 from another one.
    reach = network_geometries(net, schedule)[1].reach
    walked = 4 * (reach[:2, :2].sum() + reach[:3, :3].sum())
    assert layer_bounds(net, schedule, activity)[1] == [walked + 2 * 12]
    assert event_bound(net, schedule, activity) == walked + 24


def test_a_direct_sample_comes_once():
    net = chain(Shape(1, 3, 4), (4, 4), coding=Coding.DIRECT)
    inputs = np.ones((1, 12), np.uint8)
    activity = measured(net, inputs)
    schedule = make_schedule(net, (1, 1, 1), (2, 4, 2))
    reach = network_geometries(net, schedule)[0].reach
    assert reach.sum() == 7 * 10
    assert layer_bounds(net, schedule, activity)[0] == [70 * 2 + 2 * 24]


@for_each("kind, events", [(PoolKind.SUM, 4), (PoolKind.MAX, 1)])
def test_pooled_spikes(kind, events):
    first = hidden("c1", conv(Shape(1, 4, 4), 3, (1, 1), padding=(0, 0)))
    pooled = Pool(kind, 2, 2)
    second = hidden("c2", conv(Shape(3, 2, 2), 2, (1, 1), padding=(0, 0)), pool=pooled)
    net = network(Shape(1, 4, 4), [first, second], pool=Pool(kind, 2, 2))
    inputs = np.ones((1, 2, 16), np.uint8)
    activity = measured(net, inputs)
    schedule = make_schedule(net, (1, 2, 1), (2, 1, 2))
    shared = schedule.layers[1]
    assert shared.shared
    rows = 2 * 2 * 4
    # All events of a line of a window are dealt out: 6 in 3 groups, twice; a maximum's 3 in 2.
    assert predicted_cycles(net, schedule, activity)[1] == [
        2 * 4 * math.ceil(3 * events / 2) * 2 + rows]
    # Words of 2 and of 1 channels, each at every place that is left: 3 events in 2 groups.
    schedule = replace(schedule, layers=(schedule.layers[0], replace(shared, shared=False),
                                         schedule.layers[2]))
    bound, predicted = (count(net, schedule, activity) for count in (layer_bounds,
                                                                     predicted_cycles))
    assert predicted[1] == [2 * 4 * events * 2 * 2 + rows]
    assert bound[1] == [2 * 4 * math.ceil(3 * events / 2) * 2 + rows]
    # The readout sums its windows: 2 channels of one place, or as many as come in; its pass is the
    # last event's.
    assert bound[2] == [2 * 2 * events]
    assert activity[2].feed.counts.tolist() == [[[events] * 2] * 2]


def scalar_walk(geometry, feed):
    """(N, marks): every group counted alone, word after word."""
    raster = Raster(feed.shape, feed.shape.channels if feed.port else geometry.source_width)
    if geometry.shared:
        return scalar_shared_walk(geometry, feed)
    found = np.zeros(feed.events.shape[:2], int)
    for n, mark in np.ndindex(*found.shape):
        loads = {}
        for index in np.flatnonzero(feed.events[n, mark]):
            row, bit = (int(i) for i in raster.locate(index))
            loads.setdefault(row, {}).setdefault(bit % geometry.lanes, []).append(index)
        for row, lanes in loads.items():
            y, x = divmod(row // raster.folds, feed.shape.width)
            reach = geometry.reach[y // feed.window[0], x // feed.window[1]]
            found[n, mark] += max(map(len, lanes.values())) * reach
    return found


def scalar_shared_walk(geometry, feed):
    """(N, marks): the events of each line of a window dealt out to the lanes, one a cycle."""
    found = np.zeros(feed.events.shape[:2])
    down, right = feed.window
    for n, mark, y, x in np.ndindex(*found.shape, feed.shape.height,
                                    feed.shape.width // right):
        events = feed.map[n, mark, :, y, x * right:(x + 1) * right].sum()
        walked = math.ceil(events / geometry.lanes) * geometry.reach[y // down, x] * geometry.folds
        found[n, mark] += max(walked, events)
    return found / geometry.folds


@for_each("seed", range(12))
def test_random_maps_against_every_group(seed):
    from evidence.random_plans import random_schedule

    rng = np.random.default_rng(seed)
    net = random_network(rng)
    inputs = random_inputs(net, rng, 5)
    activity, schedule = measured(net, inputs), random_schedule(seed, net)
    feeds = [(geometry, layer.feed) for geometry, layer in zip(
        network_geometries(net, schedule), activity, strict=True)]
    feeds += [pair for geometries, layer in zip(shortcut_geometries(net, schedule), activity,
                                                strict=False)
              for pair in zip(geometries, layer.shortcuts, strict=True) if pair[0]]
    for geometry, feed in feeds:
        if hasattr(geometry, "reach"):
            np.testing.assert_allclose(walk(geometry, feed), scalar_walk(geometry, feed))
    for low, high in zip(layer_bounds(net, schedule, activity),
                         predicted_cycles(net, schedule, activity), strict=True):
        assert (low <= high).all()


def test_the_busiest_engine_counts():
    net = joined()
    inputs = np.zeros((1, 2, 18), np.uint8)
    inputs[0, 0, 4] = 1
    activity = measured(net, inputs)
    schedule = make_schedule(net, (1, 2, 4, 2, 1), (2, 4, 2, 2, 2))
    assert [feed is not None for feed in activity[3].shortcuts] == [False, True]
    main, point = activity[3].feed, activity[3].shortcuts[1]
    geometry, shortcut = network_geometries(net, schedule)[3], shortcut_geometries(net, schedule)[3]
    walks = [walk(geometry, main)[0] * 2, walk(shortcut[1], point)[0] * 2]
    expected = np.max(walks, axis=0).sum() + 2 * 18
    assert predicted_cycles(net, schedule, activity)[3] == [expected]


def test_the_watchdog_waits_longer_for_large_maps():
    net = chain()
    inputs = np.ones((1, 2, 36), np.uint8)
    activity = measured(net, inputs)
    assert watchdog(net, make_schedule(net, (1, 1, 1), (1, 1, 1)), activity) == 100_000
    busy = np.ones((1, 2, 3 * 40 * 40), np.uint8)
    large = chain(Shape(3, 40, 40), (2, 2))
    schedule = make_schedule(large, (1, 1, 1), (1, 1, 1))
    activity = measured(large, busy)
    assert watchdog(large, schedule, activity) == 10 * sum(
        int(cycles[0]) for cycles in predicted_cycles(large, schedule, activity))
