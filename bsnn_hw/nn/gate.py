"""Adaptive gradient modulation: a gate per timestep on the normalised current (AGMM)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["AGMMGate", "ConstantGate"]

_AVERAGES = ("running", "sample")
# The membrane's width grows with g[t-1]/g[t]: a gate that fades costs bits in every neuron.
_SMALLEST_ALPHA = 0.5


class AGMMGate(nn.Module):
    """``g[t] = alpha[t] * sigmoid(E[t])``, with E the mean of the normalised current Y[t].

    The gradient runs through E. With ``average="running"``, E is the mean over batch and features
    in training and its running average at inference, so that the gate becomes T constants.
    With ``average="sample"``, E is the sample's own mean over its features, in training and at
    inference; such a gate depends on the input.

    Parameters
    ----------
    timesteps : int, 1 or more
    average : {"running", "sample"}
    momentum : float, share of the newest batch in the running average

    Members
    -------
    alpha : learnable, (timesteps,), starts at 1
    running_mean : running average of E, (timesteps,)

    Source
        Liang et al. 2025 (AAAI), AGMM. Its place after BatchNorm follows the paper's figure;
        whether the paper's E is a batch or a sample mean is not known (docs/training.md).
    """

    running_mean: Tensor

    def __init__(self, timesteps: int, *, average: str = "running", momentum: float = 0.1):
        if average not in _AVERAGES:
            raise ValueError(f"Gate average must be one of {_AVERAGES}, not {average!r}")
        super().__init__()
        self.average = average
        self.momentum = momentum
        self.alpha = nn.Parameter(torch.ones(timesteps))
        self.register_buffer("running_mean", torch.zeros(timesteps))

    def forward(self, currents: Tensor) -> Tensor:
        """Gate ``(steps, batch, ...)``, steps being T or 1 (static); return T steps."""
        return self._gate(currents) * currents

    @torch.no_grad()
    def clip(self) -> None:
        """Keep alpha well above 0: hardware divides the layer by its gate."""
        self.alpha.clamp_(min=_SMALLEST_ALPHA)

    def values(self) -> Tensor:
        """Return the constants g of inference, (timesteps,); for a running average only."""
        if self.average != "running":
            raise ValueError("Gate values must come from a running average, not from a sample")
        return (self.alpha * torch.sigmoid(self.running_mean)).detach()

    def _gate(self, currents: Tensor) -> Tensor:
        ones = (1,) * (currents.dim() - 1)
        if self.average == "sample":
            mean = currents.flatten(2).mean(2)
            mean = mean.view(*mean.shape, *ones[1:])
        elif self.training:
            mean = currents.flatten(1).mean(1)
            self.running_mean.lerp_(mean.detach().expand_as(self.running_mean), self.momentum)
            mean = mean.view(-1, *ones)
        else:
            mean = self.running_mean.view(-1, *ones)
        return self.alpha.view(-1, *ones) * torch.sigmoid(mean)


class ConstantGate(nn.Module):
    """A gate of given constants, for networks that were trained elsewhere.

    Parameters
    ----------
    values : Tensor (timesteps,)
    """

    constants: Tensor

    def __init__(self, values: Tensor):
        super().__init__()
        self.register_buffer("constants", torch.as_tensor(values, dtype=torch.float32))

    def forward(self, currents: Tensor) -> Tensor:
        """Gate ``(T or 1, batch, ...)``; return T steps."""
        return self.constants.view(-1, *(1,) * (currents.dim() - 1)) * currents

    def values(self) -> Tensor:
        """Return the constants, (timesteps,)."""
        return self.constants.clone()
