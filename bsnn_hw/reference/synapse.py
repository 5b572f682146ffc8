"""Binary synapses, the reference of hdl/synapse.py: ``acc = sum of +-1 over the events``."""

from __future__ import annotations

import torch

from bsnn_hw.ir.network import Dense

__all__ = ["accumulate", "sums"]


def accumulate(weights: torch.Tensor, connected: torch.Tensor,
               inputs: torch.Tensor, max_value: int) -> torch.Tensor:
    """Synaptic sums, int64 (N, neurons).

    weights : int8 (neurons, fan_in), -1 or +1; connected : bool (neurons,)
    inputs : integer (N, fan_in), 0..max_value
    """
    # Floating point is exact below 2**24 (float32) or 2**53 (float64), and far faster.
    reach = weights.shape[1] * max_value
    dtype = torch.float32 if reach < 1 << 24 else torch.float64
    acc = (inputs.to(dtype) @ weights.to(dtype).T).to(torch.int64)
    return acc * connected


def sums(dense: Dense, inputs: torch.Tensor, timesteps: int, max_value: int) -> torch.Tensor:
    """``acc``, int64 (N, T, neurons), of spikes (N, T, fan_in) or of direct-coded samples
    (N, fan_in), which are summed once for all timesteps."""
    weights, connected = torch.as_tensor(dense.weights), torch.as_tensor(dense.connected)
    flat = accumulate(weights, connected, inputs.reshape(-1, dense.fan_in), max_value)
    if inputs.ndim == 2:
        return flat[:, None, :].expand(-1, timesteps, -1)
    return flat.reshape(*inputs.shape[:2], -1)
