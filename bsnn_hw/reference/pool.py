"""Pooling of what comes in: windows side by side, a maximum (of spikes an OR) or a sum."""

from __future__ import annotations

import torch

from bsnn_hw.ir.network import Pool, PoolKind, Shape

__all__ = ["pooled"]


def pooled(pool: Pool, source: Shape, values: torch.Tensor) -> torch.Tensor:
    """One value per window, int32 (..., windows), channel by channel.

    values : integer or bool (..., source.size), in the order of ``source``
    """
    windows = pool.shape(source)
    split = values.to(torch.int32).reshape(
        *values.shape[:-1], source.channels, windows.height, pool.height, windows.width, pool.width)
    if pool.kind is PoolKind.SUM:
        kept = split.sum(dim=(-3, -1), dtype=torch.int32)
    else:
        kept = split.amax(dim=(-3, -1))
    return kept.flatten(start_dim=-3)
