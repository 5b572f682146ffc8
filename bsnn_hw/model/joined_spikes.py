"""What a layer gives to later ones: its spikes, joined with those of an earlier layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bsnn_hw.ir.network import JoinKind
from bsnn_hw.model.currents import pooled
from bsnn_hw.model.description import Layer, SpikeJoin

if TYPE_CHECKING:
    import torch

__all__ = ["joined_spikes"]


def joined_spikes(layer: Layer, fired: torch.Tensor,
                  given: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """What later layers get of ``layer``, (N, T, neurons): bool, or int16 where spikes are added.

    fired : bool (N, T, neurons), its neurons' own spikes
    given : what earlier layers give, by name, at least the one that is joined
    """
    import torch

    join = layer.join
    if join is None:
        return fired
    other = _other(join, given[join.source])
    if join.kind is None:
        return fired.to(torch.int16) + other.to(torch.int16)
    other = other.bool()
    match join.kind:
        case JoinKind.AND:
            return fired & other
        case JoinKind.IAND:
            return ~fired & other
        case JoinKind.INHIBIT:
            return fired & ~other


def _other(join: SpikeJoin, values: torch.Tensor) -> torch.Tensor:
    if join.feed.pool is None:
        return values
    shape = join.feed.source_shape
    maps = values.reshape(-1, shape.channels, shape.height, shape.width)
    return pooled(maps, join.feed.pool).reshape(*values.shape[:-1], -1)
