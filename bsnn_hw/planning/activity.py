"""Which events each layer receives, measured on samples: what plans and cycle counts rest on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.network import Coding, Conv, Network, Pool, PoolKind, Shape, SynapseShortcut
from bsnn_hw.reference.network import Trace

__all__ = ["Activity", "Feed", "LayerActivity", "measure_activity", "pool_places"]


@dataclass(frozen=True)
class Feed:
    """The events of one synapse, as the words carry them: behind a maximum, before a sum.

    events : bool (N, marks, shape.size), in the order of `Shape`.  Marks are timesteps; a
        direct-coded sample comes once, and has one
    shape : Shape of the map
    window : (height, width), places of the map that a sum makes one of the synapse's; (1, 1)
        where nothing is summed
    port : Port that they come from, None where a layer sends them; a beat of event slots holds any
        events of a place, bytes are the values of all inputs one after the other
    passes : of the neurons that follow on each mark
    """

    events: np.ndarray
    shape: Shape
    window: tuple[int, int] = (1, 1)
    port: Port | None = None
    passes: int = 1

    @property
    def map(self) -> np.ndarray:
        """``events`` as (N, marks, channels, height, width)."""
        return self.events.reshape(*self.events.shape[:2], self.shape.channels, self.shape.height,
                                   self.shape.width)

    @cached_property
    def totals(self) -> np.ndarray:
        """Events per place, all channels together, int32 (N, marks, height, width)."""
        return self.map.sum(axis=2, dtype=np.int32)

    @property
    def counts(self) -> np.ndarray:
        """Events per input of the synapse, (N, marks, inputs); bool where each has one at most."""
        return pool_places(self.map, self.window).reshape(*self.events.shape[:2], -1)


@dataclass(frozen=True)
class LayerActivity:
    """What one layer receives: ``feed``, and one more or None per shortcut of a hidden layer."""

    feed: Feed
    shortcuts: tuple[Feed | None, ...] = ()

    @property
    def events(self) -> float:
        """Mean events per inference, all synapses together."""
        feeds = [self.feed, *(feed for feed in self.shortcuts if feed is not None)]
        return sum(np.count_nonzero(feed.events) / len(feed.events) for feed in feeds)


Activity = tuple[LayerActivity, ...]


def measure_activity(network: Network, inputs: np.ndarray, trace: Trace,
                     port: Port = Port.EVENTS) -> Activity:
    """What each layer receives, the readout last.

    inputs : (N, size) for direct coding or (N, T, size)
    trace : of these inputs
    port : that they come through
    """
    events = inputs > 0
    given = {-1: events[:, None] if network.input.coding is Coding.DIRECT else events}
    given |= {number: layer.fired for number, layer in enumerate(trace.hidden)}

    def feed(giver: int, pool: Pool | None) -> Feed:
        shape = network.features(giver)
        if giver < 0 and not isinstance(network.layers[0].synapse, Conv):
            shape = Shape(shape.size)  # nothing but its index counts
        passes = network.timesteps // given[giver].shape[1]
        return _behind(Feed(given[giver], shape, port=port if giver < 0 else None, passes=passes),
                       pool)

    activity = []
    for number, layer in enumerate(network.layers):
        shortcuts = tuple(
            feed(number - each.back, each.pool) if isinstance(each, SynapseShortcut) else None
            for each in getattr(layer, "shortcuts", ()))
        activity.append(LayerActivity(feed(number - layer.back, layer.pool), shortcuts))
    return tuple(activity)


def _behind(feed: Feed, pool: Pool | None) -> Feed:
    if pool is None:
        return feed
    window = pool.height, pool.width
    if pool.kind is PoolKind.SUM:
        return replace(feed, window=window)
    fired = pool_places(feed.map, window) > 0
    return replace(feed, events=fired.reshape(*fired.shape[:2], -1), shape=pool.shape(feed.shape))


def pool_places(values: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """``values`` (..., height, width) summed over windows, int32; as they are without."""
    if window == (1, 1):
        return values
    *outer, height, width = values.shape
    split = values.reshape(*outer, height // window[0], window[0], width // window[1], window[1])
    return split.sum(axis=(-3, -1), dtype=np.int32)
