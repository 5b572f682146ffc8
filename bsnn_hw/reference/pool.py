"""Pooling of spikes that come in, and of sums: windows side by side, a maximum or a sum."""

from __future__ import annotations

import torch

from bsnn_hw.ir.network import Pool, PoolKind, Shape

__all__ = ["largest_sums", "pooled"]


def pooled(pool: Pool, source: Shape, values: torch.Tensor) -> torch.Tensor:
    """One value per window, int32 (..., windows), channel by channel.

    values : integer or bool (..., source.size), in the order of ``source``
    """
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
    windows = pool.shape(source)
    maps = values.reshape(*values.shape[:-1], source.channels, source.height, source.width)
    whole = maps[..., :windows.height * pool.height, :windows.width * pool.width]
    return whole.reshape(*maps.shape[:-2], windows.height, pool.height, windows.width, pool.width)
