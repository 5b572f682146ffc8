"""Class scores and decision, the reference of hdl/readout.py."""

from __future__ import annotations

import torch

__all__ = ["decide", "score"]


def score(gain: torch.Tensor, bias: torch.Tensor, accs: torch.Tensor) -> torch.Tensor:
    """Scores, int64 (N, classes), from ``accs`` (N, T, classes) and ``gain`` (T, classes)."""
    return (accs * gain).sum(dim=1) + bias


def decide(scores: torch.Tensor) -> torch.Tensor:
    """Index of the largest score, the lowest on a tie, int64 (N,)."""
    best = scores.max(dim=1, keepdim=True).values
    index = torch.arange(scores.shape[1]).expand_as(scores)
    return torch.where(scores == best, index, scores.shape[1]).min(dim=1).values
