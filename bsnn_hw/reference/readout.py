"""Class scores and decision, the reference of hdl/readout.py."""

from __future__ import annotations

import torch

from bsnn_hw.ir.network import Peak, Readout

__all__ = ["decide", "score"]


def score(layer: Readout, accs: torch.Tensor) -> torch.Tensor:
    """Scores, int64 (N, classes), from ``accs`` (N, T, classes)."""
    weighed = accs * torch.as_tensor(layer.gain)
    if layer.peak is not None:
        return _largest(layer.peak, weighed)
    return weighed.sum(dim=1) + torch.as_tensor(layer.bias)


def _largest(peak: Peak, weighed: torch.Tensor) -> torch.Tensor:
    """The largest value of each class's membrane over time, int64 (N, classes)."""
    leak, bias = torch.as_tensor(peak.leak), torch.as_tensor(peak.bias)
    potential = torch.zeros_like(weighed[:, 0])
    steps = []
    for t in range(weighed.shape[1]):
        potential = ((potential * leak) >> peak.leak_bits) + weighed[:, t] + bias[t]  # floor
        steps.append(potential)
    return torch.stack(steps, dim=1).amax(dim=1)


def decide(scores: torch.Tensor) -> torch.Tensor:
    """Index of the largest score, the lowest on a tie, int64 (N,)."""
    best = scores.max(dim=1, keepdim=True).values
    index = torch.arange(scores.shape[1]).expand_as(scores)
    return torch.where(scores == best, index, scores.shape[1]).min(dim=1).values
