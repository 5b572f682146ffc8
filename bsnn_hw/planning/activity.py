"""Which events each layer receives, measured on samples: what plans and cycle counts rest on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.network import (
    Coding,
    Conv,
    Hidden,
    Network,
    Pool,
    PoolKind,
    Readout,
    Shape,
    SynapseShortcut,
)
from bsnn_hw.ir.schedule import Port
from bsnn_hw.reference.network import Trace
from bsnn_hw.reference.pool import pooled

__all__ = ["Activity", "LayerActivity", "measure_activity", "port_of"]


@dataclass(frozen=True)
class LayerActivity:
    """What one layer receives: ``feed``, and one more or None per shortcut of a hidden layer."""

    feed: Feed
    shortcuts: tuple[Feed | None, ...] = ()

    @property
    def events(self) -> float:
        """Mean events per inference, all synapses together."""
        feeds = [self.feed, *(feed for feed in self.shortcuts if feed is not None)]
        return sum(np.count_nonzero(each.events) / len(each.events)
                   for feed in feeds for each in feed.streams)


Activity = tuple[LayerActivity, ...]


def port_of(activity: Activity) -> Port:
    """The port that the samples came through."""
    return activity[0].feed.port or Port.EVENTS


def measure_activity(network: Network, inputs: np.ndarray, trace: Trace,
                     port: Port = Port.EVENTS) -> Activity:
    """What each layer receives, the readout last.

    inputs : (N, size) for direct coding or (N, T, size)
    trace : of these inputs
    port : that they come through
    """
    events = inputs > 0
    given = {-1: events[:, None] if network.input.coding is Coding.DIRECT else events}
    given |= {number: layer.sent for number, layer in enumerate(trace.hidden)}

    def feed(producer: int, pool: Pool | None, recurrent: bool = False) -> Feed:
        shape = network.features(producer)
        if producer < 0 and not isinstance(network.layers[0].synapse, Conv):
            shape = Shape(shape.size)  # nothing but its index counts
        passes = network.timesteps // given[producer].shape[1]
        came = given[producer]
        if recurrent:
            came = _a_timestep_later(came, network.stateful)
        received = Feed(came, shape, port=port if producer < 0 else None, passes=passes)
        return _behind(received, pool)

    def all_of(number: int, part: Hidden | Readout | SynapseShortcut,
               recurrent: bool = False) -> Feed:
        before = tuple(feed(number - each.back, each.pool) for each in part.summands)
        return replace(feed(number - part.back, part.pool, recurrent), before=before)

    activity = []
    for number, layer in enumerate(network.layers):
        shortcuts = tuple(all_of(number, each, each.recurrent)
                          if isinstance(each, SynapseShortcut) else None
                          for each in layer.shortcuts)
        activity.append(LayerActivity(all_of(number, layer), shortcuts))
    return tuple(activity)


def _a_timestep_later(spikes: np.ndarray, stateful: bool) -> np.ndarray:
    """What a recurrence brings of spikes (N, T, neurons); of a stateful network at most, as a reset
    of the state takes them away."""
    given = spikes.reshape(1, -1, spikes.shape[2]) if stateful else spikes
    later = np.concatenate([np.zeros_like(given[:, :1]), given[:, :-1]], axis=1)
    return later.reshape(spikes.shape)


def _behind(feed: Feed, pool: Pool | None) -> Feed:
    if pool is None:
        return feed
    if pool.kind is PoolKind.SUM:
        used = pool.used(feed.shape)
        kept = feed.map[..., :used.height, :used.width]
        return replace(feed, events=kept.reshape(*kept.shape[:2], -1), shape=used,
                       window=(pool.height, pool.width))
    fired = pooled(pool, feed.shape, torch.as_tensor(feed.events)).numpy() > 0
    return replace(feed, events=fired, shape=pool.shape(feed.shape))
