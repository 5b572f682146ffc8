"""The integrate-and-fire step in integers, the reference of hdl/neuron.py."""

from __future__ import annotations

import torch

from bsnn_hw.ir.network import Comparison, NeuronSpec, Reset

__all__ = ["step"]


def step(spec: NeuronSpec, timestep: int, potential: torch.Tensor,
         acc: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One timestep of every neuron: ``(charged, fired, settled)``, each (N, neurons).

    timestep : int, 0..T-1
    potential : int64 (N, neurons), V of the timestep before, in 2**-fraction_bits
    acc : int64 (N, neurons), the timestep's synaptic sum
    """
    bias = torch.as_tensor(spec.bias[timestep])
    threshold = torch.as_tensor(spec.threshold[timestep])
    carried = (potential * int(spec.leak[timestep])) >> spec.leak_bits  # floor
    current = (acc << spec.fraction_bits) + bias
    charged = carried + current
    above = spec.comparison is Comparison.ABOVE
    fired = charged > threshold if above else charged >= threshold
    soft = spec.reset is Reset.SOFT
    settled = torch.where(fired, charged - threshold if soft else 0, charged)
    return charged, fired, settled
