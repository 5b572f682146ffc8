"""Binary synapses with latent weights, trained straight through the sign."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BinaryConv2d", "BinaryLinear", "binarize"]

# Latent weights start well inside the clip, so that early gradients can still flip them.
_INITIAL_RANGE = 0.1


class _StraightThroughSign(torch.autograd.Function):
    """Sign with the gradient of a hard tanh."""

    @staticmethod
    def forward(ctx, latent):
        ctx.save_for_backward(latent)
        # Not torch.sign: its sign(0) is 0, and a weight memory has no zero.
        return torch.where(latent >= 0, 1.0, -1.0).to(latent.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (latent,) = ctx.saved_tensors
        return gradient * (latent.abs() <= 1)


def binarize(latent: Tensor) -> Tensor:
    """Return the sign of `latent`, with sign(0) = +1.

    The gradient passes straight through where ``|latent| <= 1`` and is zero elsewhere.
    """
    return _StraightThroughSign.apply(latent)


class _BinarySynapse(nn.Module):
    """Latent weights and the one thing that training does to them outside the gradient."""

    def __init__(self, *shape: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-_INITIAL_RANGE, _INITIAL_RANGE))

    @torch.no_grad()
    def clip(self) -> None:
        """Hold latent weights within ±1; beyond, they would no longer get a gradient."""
        self.weight.clamp_(-1, 1)


class BinaryLinear(_BinarySynapse):
    """Fully connected binary synapses: ``X = S @ sign(W).T``.

    Parameters
    ----------
    fan_in, neurons : int, 1 or more

    Members
    -------
    weight : latent weights, float (neurons, fan_in); only the sign counts
    """

    def __init__(self, fan_in: int, neurons: int):
        super().__init__(neurons, fan_in)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map ``(..., fan_in)`` to ``(..., neurons)``."""
        return functional.linear(spikes, binarize(self.weight))


class BinaryConv2d(_BinarySynapse):
    """Binary convolution ``X = sign(W) * S`` with zero padding.

    A padded position carries no spike and so adds nothing, exactly as in hardware.

    Parameters
    ----------
    channels_in, channels_out, kernel : int, 1 or more
    stride : int, 1 or more
    padding : int, 0 or more

    Members
    -------
    weight : latent weights, float (channels_out, channels_in, kernel, kernel)
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1,
                 padding: int = 0):
        super().__init__(channels_out, channels_in, kernel, kernel)
        self.stride = stride
        self.padding = padding

    def forward(self, spikes: Tensor) -> Tensor:
        """Map ``(steps, batch, channels_in, h, w)`` to ``(steps, batch, channels_out, h', w')``."""
        flat = functional.conv2d(spikes.flatten(0, 1), binarize(self.weight), stride=self.stride,
                                 padding=self.padding)
        return flat.unflatten(0, spikes.shape[:2])
