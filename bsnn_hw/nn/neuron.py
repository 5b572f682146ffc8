"""Integrate-and-fire neurons with a triangular surrogate gradient.

Reference of the arithmetic: docs/model.md, real-valued network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import torch
from torch import Tensor, nn

from bsnn_hw.ir.network import Comparison, Reset

__all__ = ["IF", "LIF"]


class _Run(torch.autograd.Function):
    """All timesteps of `LIF` at once, with its surrogate gradient.

    One function with two passes through memory a step: made of separate operations, these few
    sums took half of the time of a convolutional network.
    """

    @staticmethod
    def forward(ctx, currents, timesteps, neuron):
        charged, spikes = _like(currents, timesteps), _like(currents, timesteps)
        for step in range(timesteps):
            current = currents[step if len(currents) > 1 else 0]
            torch.mul(current, neuron.input_scale, out=charged[step])
            if step:
                charged[step].add_(neuron.settle(charged[step - 1], spikes[step - 1])
                                   .mul_(neuron.leak))
            neuron.above(charged[step], neuron.threshold, out=spikes[step])
        ctx.save_for_backward(charged, spikes)
        ctx.neuron, ctx.static = neuron, len(currents) == 1
        return spikes

    @staticmethod
    def backward(ctx, gradient):
        charged, spikes = ctx.saved_tensors
        neuron, through = ctx.neuron, None
        result = torch.empty_like(charged)
        for step in reversed(range(len(charged))):
            torch.sub(charged[step], neuron.threshold, out=result[step])
            triangle = result[step].abs_().neg_().add_(1).clamp_(min=0)
            triangle.mul_(gradient[step])
            if through is not None:
                kept = through * neuron.leak
                result[step].add_(neuron.passed(kept, spikes[step]))
            through = result[step]
        result.mul_(neuron.input_scale)
        return result.sum(0, keepdim=True) if ctx.static else result, None, None


class _Fire(torch.autograd.Function):
    """Whether potentials fire, with the surrogate gradient."""

    @staticmethod
    def forward(ctx, charged, neuron):
        ctx.save_for_backward(charged)
        ctx.threshold = neuron.threshold
        return neuron.above(charged, neuron.threshold).to(charged.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (charged,) = ctx.saved_tensors
        return gradient * (1 - (charged - ctx.threshold).abs()).clamp(min=0), None


def _like(currents: Tensor, timesteps: int) -> Tensor:
    """Return an empty tensor of T steps, in memory ordered as `currents` are."""
    return torch.empty_like(currents.expand(timesteps, *currents.shape[1:]),
                            memory_format=torch.preserve_format)


def _cut(values: Tensor, fired: Tensor) -> Tensor:
    """Return `values` with 0 where a neuron fired."""
    return torch.addcmul(values, values, fired, value=-1)


class LIF(nn.Module):
    """Leaky integrate and fire: charge, fire, reset, in this order.

        H[t] = leak * V[t-1] + input_scale * G[t]
        S[t] = H[t] >= threshold               (or >)
        V[t] = 0 where S[t] else H[t]          (hard)   or   H[t] - threshold * S[t]   (soft)

    The spike's gradient is a triangle of height 1 and half-width 1 around the threshold. The
    reset is detached: its gradient is not followed through the spike.

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
        return _Run.apply(currents, timesteps or len(currents), self)

    def step(self, current: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run one timestep, where the next current depends on its spikes.

        Parameters
        ----------
        current : (batch, ...)
        kept : what the timestep before returned, None in the first

        Returns
        -------
        Spikes 0/1, and what the next timestep keeps of the potential, each (batch, ...).
        """
        charged = current * self.input_scale
        charged = charged if kept is None else charged + kept
        fired = _Fire.apply(charged, self)
        return fired, self.settle(charged, fired.detach()) * self.leak

    def settle(self, charged: Tensor, fired: Tensor) -> Tensor:
        """Return the potential after the reset."""
        match self.reset:
            case Reset.HARD:
                return _cut(charged, fired)
            case Reset.SOFT:
                return charged - self.threshold * fired
            case _:
                assert_never(self.reset)

    def passed(self, gradient: Tensor, fired: Tensor) -> Tensor:
        """Return what of the kept potential's gradient passes the reset, which is detached: only
        what it leaves of the potential does."""
        match self.reset:
            case Reset.HARD:
                return _cut(gradient, fired)
            case Reset.SOFT:
                return gradient
            case _:
                assert_never(self.reset)

    @property
    def above(self) -> Callable[..., Tensor]:
        """The torch function that says whether a potential fires."""
        match self.comparison:
            case Comparison.AT_LEAST:
                return torch.ge
            case Comparison.ABOVE:
                return torch.gt
            case _:
                assert_never(self.comparison)


class IF(LIF):
    """Integrate and fire without a leak; parameters as `LIF`."""

    def __init__(self, *, threshold: float = 1.0, reset: Reset | str = "hard",
                 comparison: Comparison | str = ">=", input_scale: float = 1.0):
        super().__init__(1.0, threshold=threshold, reset=reset, comparison=comparison,
                         input_scale=input_scale)
