"""Binary synapses, the reference of hdl/synapse.py: ``acc = sum of +-1 over the events``."""

from __future__ import annotations

import torch

__all__ = ["accumulate"]


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
