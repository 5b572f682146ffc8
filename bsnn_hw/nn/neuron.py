"""Integrate-and-fire neurons with a triangular surrogate gradient.

Reference of the arithmetic: docs/model.md, real-valued network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsnn_hw.ir.network import Comparison, Reset

__all__ = ["IF", "LIF", "fire"]


class _Fire(torch.autograd.Function):
    """A step whose gradient is a triangle of height 1 and half-width 1 around the threshold."""

    @staticmethod
    def forward(ctx, excess, at_least):
        ctx.save_for_backward(excess)
        return (excess >= 0 if at_least else excess > 0).to(excess.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (excess,) = ctx.saved_tensors
        return gradient * (1 - excess.abs()).clamp_(min=0), None


def fire(excess: Tensor, comparison: Comparison = Comparison.AT_LEAST) -> Tensor:
    """Return 1 where `excess` (potential minus threshold) fires, else 0."""
    return _Fire.apply(excess, comparison is Comparison.AT_LEAST)


class LIF(nn.Module):
    """Leaky integrate and fire: charge, fire, reset, in this order.

        H[t] = leak * V[t-1] + input_scale * G[t]
        S[t] = H[t] >= threshold               (or >)
        V[t] = 0 where S[t] else H[t]          (hard)   or   H[t] - threshold * S[t]   (soft)

    The reset is detached: its gradient is not followed through the spike.

    Parameters
    ----------
    leak : float in (0, 1], share of the membrane potential that the next timestep keeps
    threshold : float, positive
    reset : Reset or str, "hard" or "soft"
    comparison : Comparison or str, ">=" or ">"
    input_scale : float, positive: factor on the current (1 - leak in neurons that decay input)

    Raises
    ------
    ValueError
        For a parameter outside its range.
    """

    def __init__(self, leak: float = 0.5, *, threshold: float = 1.0, reset: Reset | str = "hard",
                 comparison: Comparison | str = ">=", input_scale: float = 1.0):
        if not 0 < leak <= 1:
            raise ValueError(f"Leak must be in (0, 1], not {leak!r}")
        if not threshold > 0:
            raise ValueError(f"Threshold must be positive, not {threshold!r}")
        if not input_scale > 0:
            raise ValueError(f"Input scale must be positive, not {input_scale!r}")
        super().__init__()
        self.leak = float(leak)
        self.threshold = float(threshold)
        self.reset = Reset(reset)
        self.comparison = Comparison(comparison)
        self.input_scale = float(input_scale)

    def forward(self, currents: Tensor, timesteps: int | None = None) -> Tensor:
        """Run T timesteps from a potential of 0.

        Parameters
        ----------
        currents : (steps, batch, ...), steps being T, or 1 for a current that stays
        timesteps : T, where `currents` has a single step

        Returns
        -------
        Tensor
            Spikes 0/1, (T, batch, ...).
        """
        spikes = []
        potential = torch.zeros_like(currents[0])
        for current in currents.expand(timesteps or -1, *currents.shape[1:]):
            charged = self.leak * potential + self.input_scale * current
            fired = fire(charged - self.threshold, self.comparison)
            potential = self._settle(charged, fired.detach())
            spikes.append(fired)
        return torch.stack(spikes)

    def _settle(self, charged: Tensor, fired: Tensor) -> Tensor:
        if self.reset is Reset.HARD:
            return charged * (1 - fired)
        return charged - self.threshold * fired


class IF(LIF):
    """Integrate and fire without a leak; parameters as `LIF`."""

    def __init__(self, *, threshold: float = 1.0, reset: Reset | str = "hard",
                 comparison: Comparison | str = ">=", input_scale: float = 1.0):
        super().__init__(1.0, threshold=threshold, reset=reset, comparison=comparison,
                         input_scale=input_scale)
