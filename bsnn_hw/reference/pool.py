"""Pooling of spikes that come in, and of sums: the maximum or the sum of each window."""

from __future__ import annotations

import torch

from bsnn_hw.ir.network import Pool, PoolKind, Shape

__all__ = ["largest_sums", "pooled"]


def pooled(pool: Pool, source: Shape, values: torch.Tensor) -> torch.Tensor:
    """One value per window, int32 (..., windows), channel by channel.

    values : integer or bool (..., source.size), in the order of ``source``
    """
    if not pool.tiles:
        return _overlapping(pool, source, values.to(torch.int32))
    split = _windows(pool, source, values.to(torch.int32))
    if pool.kind is PoolKind.SUM:
        kept = split.sum(dim=(-3, -1), dtype=torch.int32)
    else:
        kept = split.amax(dim=(-3, -1))
    return kept.flatten(start_dim=-3)


def largest_sums(pool: Pool | None, summed: Shape, accs: torch.Tensor) -> torch.Tensor:
    """What the neurons get of a layer's synaptic sums (..., summed.size): the largest of each
    window, (..., windows), or all of them without a pool."""
    if pool is None:
        return accs
    windows = _windows(pool, summed, accs)
    return windows.amax(dim=(-3, -1)).flatten(start_dim=-3)


def _windows(pool: Pool, source: Shape, values: torch.Tensor) -> torch.Tensor:
    """(..., channels, lines, height, columns, width) of the windows; what is beyond the last whole
    one is left out."""
    windows, used = pool.shape(source), pool.used(source)
    maps = values.reshape(*values.shape[:-1], source.channels, source.height, source.width)
    whole = maps[..., :used.height, :used.width]
    return whole.reshape(*maps.shape[:-2], windows.height, pool.height, windows.width, pool.width)


def _overlapping(pool: Pool, source: Shape, values: torch.Tensor) -> torch.Tensor:
    """The maximum of each window, (..., windows); what is beyond the map counts as 0."""
    assert pool.kind is PoolKind.MAX
    windows, (down, right), (top, left) = pool.shape(source), pool.stride, pool.padding
    maps = values.reshape(*values.shape[:-1], source.channels, source.height, source.width)
    padded = torch.nn.functional.pad(maps, (left, left, top, top))
    kept = [padded[..., y:y + (windows.height - 1) * down + 1:down,
                   x:x + (windows.width - 1) * right + 1:right]
            for y in range(pool.height) for x in range(pool.width)]
    return torch.stack(kept).amax(dim=0).flatten(start_dim=-3)
