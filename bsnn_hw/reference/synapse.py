"""Synapses, the reference of hdl/synapse.py: ``acc = sum of the events' weights``."""

from __future__ import annotations

import torch
from torch.nn.functional import conv2d

from bsnn_hw.ir.bounds import pooled_value
from bsnn_hw.ir.network import Conv, Pool, Shape, Synapse
from bsnn_hw.reference.pool import pooled

__all__ = ["accumulate", "convolve", "sums"]


def accumulate(weights: torch.Tensor, connected: torch.Tensor,
               inputs: torch.Tensor, max_value: int) -> torch.Tensor:
    """Synaptic sums, int64 (N, neurons).

    weights : int8 (neurons, fan_in); connected : bool (neurons,)
    inputs : integer (N, fan_in), 0..max_value
    """
    dtype = _exact(weights, max_value)
    acc = (inputs.to(dtype) @ weights.to(dtype).T).to(torch.int64)
    return acc * connected


def convolve(conv: Conv, inputs: torch.Tensor, max_value: int) -> torch.Tensor:
    """Synaptic sums, int64 (N, neurons), of a zero-padded convolution.

    inputs : integer (N, fan_in), 0..max_value
    """
    weights = torch.as_tensor(conv.weights)
    dtype = _exact(weights, max_value)
    source = conv.source
    maps = inputs.to(dtype).reshape(-1, source.channels, source.height, source.width)
    # NNPACK transforms its operands (Winograd), and then sums are no longer exact.
    with torch.backends.nnpack.flags(enabled=False):
        acc = conv2d(maps, weights.to(dtype), stride=conv.stride, padding=conv.padding,
                     groups=conv.groups)
    connected = torch.as_tensor(conv.connected)[:, None, None]
    return (acc.to(torch.int64) * connected).flatten(start_dim=1)


def sums(synapse: Synapse, inputs: torch.Tensor, timesteps: int, max_value: int,
         pool: Pool | None = None, source: Shape | None = None) -> torch.Tensor:
    """``acc``, int64 (N, T, neurons), of spikes (N, T, n) or of direct-coded samples (N, n), which
    are summed once for all timesteps.

    pool : of the inputs, before the synapse; ``source`` is then the map of the inputs
    """
    if pool is not None:
        assert source is not None
        inputs, max_value = pooled(pool, source, inputs), pooled_value(pool, max_value)
    rows = inputs.reshape(-1, synapse.fan_in)
    if isinstance(synapse, Conv):
        flat = convolve(synapse, rows, max_value)
    else:
        flat = accumulate(torch.as_tensor(synapse.weights), torch.as_tensor(synapse.connected),
                          rows, max_value)
    if inputs.ndim == 2:
        return flat[:, None, :].expand(-1, timesteps, -1)
    return flat.reshape(*inputs.shape[:2], -1)


def _exact(weights: torch.Tensor, max_value: int) -> torch.dtype:
    # Floating point is exact below 2**24 (float32) or 2**53 (float64), and far faster.
    reach = int(weights.abs().flatten(1).sum(dim=1, dtype=torch.int64).max()) * max_value
    return torch.float32 if reach < 1 << 24 else torch.float64
