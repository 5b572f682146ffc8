"""Batch normalisation between synapse and neuron, shared over the timesteps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BatchNorm", "Scale", "SharedScaleNorm"]


class BatchNorm(nn.Module):
    """One mean, variance, scale and shift per channel for all timesteps.

    Takes ``(steps, batch, channels, ...)``. A static input comes with one step, which has the
    same mean and variance as its copies.

    Parameters
    ----------
    channels : int, 1 or more
    momentum : float, share of the newest batch in the running mean and variance
    eps : float, added to the variance

    Members
    -------
    weight, bias : scale gamma and shift beta, (channels,)
    running_mean, running_var : used at inference, (channels,)
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5):
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, sums: Tensor) -> Tensor:
        """Normalise synaptic sums; the shape stays."""
        flat = functional.batch_norm(sums.flatten(0, 1), self.running_mean, self.running_var,
                                     self.weight, self.bias, self.training, self.momentum,
                                     self.eps)
        return flat.unflatten(0, sums.shape[:2])


class SharedScaleNorm(nn.Module):
    """The readout's: one mean, variance and scale for all classes, a shift per class.

    With one scale, the largest score is the largest integer: hardware needs no multiplier per
    class, and argmax is exact.

    Parameters and members as `BatchNorm`, but ``weight``, ``running_mean`` and ``running_var``
    are (1,).
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, classes: int, *, momentum: float = 0.1, eps: float = 1e-5):
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.register_buffer("running_mean", torch.zeros(1))
        self.register_buffer("running_var", torch.ones(1))

    def forward(self, sums: Tensor) -> Tensor:
        """Normalise ``(steps, batch, classes)``; the shape stays."""
        # The classes are folded into the batch: a single channel has a single scale.
        flat = functional.batch_norm(sums.reshape(-1, 1), self.running_mean, self.running_var,
                                     self.weight, None, self.training, self.momentum, self.eps)
        return flat.view_as(sums) + self.bias


class Scale(nn.Module):
    """A learnt factor per channel, without statistics: of currents that come step by step.

    To an exporter it is a norm of mean 0 and variance 1.

    Parameters
    ----------
    channels : int, 1 or more
    value : float, the factor at the start

    Members
    -------
    weight : (channels,)
    """

    bias = None
    eps = 0.0
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, value: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(value)))
        self.register_buffer("running_mean", torch.zeros(channels), persistent=False)
        self.register_buffer("running_var", torch.ones(channels), persistent=False)

    def forward(self, sums: Tensor) -> Tensor:
        """Scale ``(steps, batch, channels)``; the shape stays."""
        return sums * self.weight
