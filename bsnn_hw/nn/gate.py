"""Adaptive gradient modulation: a gate per timestep on the normalised current (AGMM)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["AGMMGate", "ConstantGate"]

_OVER = ("batch", "sample")
_INFERENCE = ("running", "sample")
RATIOS = ("free", "equal")
# The membrane's width grows with g[t-1]/g[t]: a gate that fades costs bits in every neuron.
_SMALLEST_ALPHA = 0.5


class AGMMGate(nn.Module):
    """``g[t] = alpha[t] * sigmoid(E[t])``, with E a mean of the current Y[t].

    The gradient runs through E. With a running average at inference the gate becomes T constants;
    with the sample's own it depends on the input.

    Parameters
    ----------
    timesteps : int, 1 or more
    over : {"batch", "sample"}, what E is the mean over in training: batch and features, or the
        features of each sample
    inference : {"running", "sample"}, E at inference: the running average of training, or the
        sample's own mean
    channels : int or None; with a number, E is not over the channels, and each has a gate of its
        own
    ratios : {"free", "equal"}; "equal" has all timesteps take the mean of their gates. The
        circuit's leak is multiplied by g[t-1]/g[t]: with equal gates a leak of 1/2 stays a shift
    alpha : float, start of alpha; or a parameter (timesteps,) that gates share
    momentum : float, share of the newest batch in the running average

    Members
    -------
    alpha : learnable, (timesteps,)
    running_mean : running average of E, (timesteps,) or (timesteps, channels)

    Source
        Liang et al. 2025 (AAAI), AGMM. Its place after BatchNorm follows the paper's figure;
        the other options are its open questions (docs/agmm.md).
    """

    running_mean: Tensor

    def __init__(self, timesteps: int, *, over: str = "batch", inference: str = "running",
                 channels: int | None = None, ratios: str = "free",
                 alpha: float | nn.Parameter = 1.0, momentum: float = 0.1):
        if over not in _OVER:
            raise ValueError(f"Gate mean must be over one of {_OVER}, not {over!r}")
        if inference not in _INFERENCE:
            raise ValueError(f"Gate inference must be one of {_INFERENCE}, not {inference!r}")
        if ratios not in RATIOS:
            raise ValueError(f"Gate ratios must be one of {RATIOS}, not {ratios!r}")
        if isinstance(alpha, nn.Parameter) and alpha.shape != (timesteps,):
            raise ValueError(f"Gate alpha must be shared as ({timesteps},), one per timestep, "
                             f"not {tuple(alpha.shape)}")
        super().__init__()
        self.over = over
        self.inference = inference
        self.channels = channels
        self.ratios = ratios
        self.momentum = momentum
        self.alpha = (alpha if isinstance(alpha, nn.Parameter) else
                      nn.Parameter(torch.full((timesteps,), float(alpha))))
        self.register_buffer("running_mean", torch.zeros(
            (timesteps,) if channels is None else (timesteps, channels)))

    def forward(self, currents: Tensor, now: slice = slice(None)) -> Tensor:
        """Gate ``(steps, batch, [channels], ...)``; return as many steps as are gated.

        Parameters
        ----------
        currents : of T steps, or of 1 that stays the same
        now : the timesteps that it is called for, all of them where it is left out
        """
        mean = self._spread(self._mean(currents, self.running_mean[now]), currents)
        gates = self._spread(self.alpha[now], currents) * torch.sigmoid(mean)
        if self.ratios != "free" and len(gates) != len(self.alpha):
            raise ValueError(f"Gate ratios must be 'free' where a call is one timestep, not "
                             f"{self.ratios!r}")
        return self._bound(gates) * currents

    def clip(self) -> None:
        """Keep alpha well above 0: hardware divides the layer by its gate."""
        # Not an operation of the graph: a gate may be called before its backward pass.
        self.alpha.data.clamp_(min=_SMALLEST_ALPHA)

    def values(self) -> Tensor:
        """Return the constants g of inference, shaped as `running_mean`; for a running average
        only.
        """
        if self.inference != "running":
            raise ValueError("Gate values must come from a running average, not from a sample")
        alpha = self.alpha.view(-1, *(1,) * (self.running_mean.dim() - 1))
        return self._bound(alpha * torch.sigmoid(self.running_mean)).detach()

    def _bound(self, gates: Tensor) -> Tensor:
        """Hold gates, (timesteps, ...), in their ratios."""
        return gates if self.ratios == "free" else gates.mean(0, keepdim=True).expand_as(gates)

    def _mean(self, currents: Tensor, running: Tensor) -> Tensor:
        """Return E: (steps, [channels]) of a batch, (steps, batch, [channels]) of samples, or the
        running average; a mean over the batch keeps an axis of 1.
        """
        if not self.training and self.inference == "running":
            return running.unsqueeze(1)
        own = self.over == "sample" or not self.training
        if self.channels is not None:
            mean = currents.flatten(3).mean(3) if currents.dim() > 3 else currents
            mean = mean if own else mean.mean(1, keepdim=True)
        elif own:
            mean = currents.flatten(2).mean(2)
        else:
            mean = currents.flatten(1).mean(1).unsqueeze(1)
        if self.training:
            batch = mean.detach().mean(1) if own else mean.detach().squeeze(1)
            running.lerp_(batch.expand_as(running), self.momentum)
        return mean

    @staticmethod
    def _spread(values: Tensor, currents: Tensor) -> Tensor:
        """Return `values`, whose axes are the first of `currents`, with all axes of it."""
        return values.view(*values.shape, *(1,) * (currents.dim() - values.dim()))


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

    def forward(self, currents: Tensor, now: slice = slice(None)) -> Tensor:
        """Gate ``(T or 1, batch, ...)``, of the timesteps `now`; return as many steps."""
        return self.constants[now].view(-1, *(1,) * (currents.dim() - 1)) * currents

    def values(self) -> Tensor:
        """Return the constants, (timesteps,)."""
        return self.constants.clone()
