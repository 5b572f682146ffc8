"""What comes into synapses, and what leaves a layer: spikes that are added and joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, assert_never

import torch

from bsnn_hw.ir.bounds import pooled_value
from bsnn_hw.ir.network import (
    Hidden,
    JoinKind,
    Pool,
    Readout,
    Shape,
    Summand,
    SynapseShortcut,
)
from bsnn_hw.reference.pool import pooled

__all__ = ["Incoming", "incoming", "joined_spikes"]

Spikes = Mapping[int, torch.Tensor]
Features = Callable[[int], Shape]


class Incoming(NamedTuple):
    """What comes into a synapse.

    values : (N, T, n), or direct-coded samples (N, n); max_value : int, the largest of them
    pool : of the values, still to come; source : their map
    """

    values: torch.Tensor
    max_value: int
    pool: Pool | None
    source: Shape


def incoming(part: Hidden | Readout | SynapseShortcut, number: int, spikes: Spikes,
             features: Features, largest: int) -> Incoming:
    """What comes into the synapse of ``part``, of layer ``number``.

    spikes, features : by layer number: what leaves it, (N, T, n), and its shape
    largest : of one value that comes in
    """
    source = number - part.back
    if not part.summands:
        return Incoming(spikes[source], largest, part.pool, features(source))
    streams = (Summand(part.back, part.pool), *part.summands)
    values = torch.stack([_pooled(each.pool, number - each.back, spikes, features)
                          for each in streams]).sum(dim=0, dtype=torch.int32)
    shape = part.pool.shape(features(source)) if part.pool else features(source)
    return Incoming(values, len(streams) * pooled_value(part.pool, 1), None, shape)


def joined_spikes(layer: Hidden, number: int, fired: torch.Tensor, spikes: Spikes,
                  features: Features) -> torch.Tensor:
    """The spikes that leave layer ``number``, bool (N, T, neurons), of its neurons' ``fired``."""
    join = layer.join
    if join is None:
        return fired
    other = _pooled(join.pool, number - join.back, spikes, features).bool()
    match join.kind:
        case JoinKind.AND:
            return fired & other
        case JoinKind.IAND:
            return ~fired & other
        case JoinKind.INHIBIT:
            return fired & ~other
        case _:
            assert_never(join.kind)


def _pooled(pool: Pool | None, source: int, spikes: Spikes, features: Features) -> torch.Tensor:
    values = spikes[source]
    return values if pool is None else pooled(pool, features(source), values)
