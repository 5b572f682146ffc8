"""Synapses with latent weights, trained straight through the sign, or the rounding to few bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BinaryConv2d", "BinaryLinear", "FewBitConv2d", "FewBitLinear", "Int8Conv2d",
           "Int8Linear", "binarize", "pair"]

# Latent weights start well inside the clip, so that early gradients can still flip them.
_INITIAL_RANGE = 0.1
# In steps of few bits, whose rounding would leave only zeros of less.
_INITIAL_STEPS = 1.5


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


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """Return (rows, columns) of a side given once or twice."""
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


class _BinarySynapse(nn.Module):
    """Latent weights and the one thing that training does to them outside the gradient.

    With ``binary=False`` the weights are used as they are: the full-precision twin, to compare
    with, which no model file holds.
    """

    weight_bits = 1

    def __init__(self, *shape: int, binary: bool = True):
        super().__init__()
        self.binary = binary
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-_INITIAL_RANGE, _INITIAL_RANGE))

    @torch.no_grad()
    def clip(self) -> None:
        """Hold latent weights within ±1; beyond, they would no longer get a gradient."""
        if self.binary:
            self.weight.clamp_(-1, 1)

    def effective(self) -> Tensor:
        """Return the weights as spikes meet them, with the gradient of the latent ones."""
        return binarize(self.weight) if self.binary else self.weight


class BinaryLinear(_BinarySynapse):
    """Fully connected binary synapses: ``X = S @ sign(W).T``.

    Parameters
    ----------
    fan_in, neurons : int, 1 or more
    binary : bool, False for the full-precision twin

    Members
    -------
    weight : latent weights, float (neurons, fan_in); only the sign counts
    """

    def __init__(self, fan_in: int, neurons: int, *, binary: bool = True):
        super().__init__(neurons, fan_in, binary=binary)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map ``(..., fan_in)`` to ``(..., neurons)``."""
        return functional.linear(spikes, self.effective())


class BinaryConv2d(_BinarySynapse):
    """Binary convolution ``X = sign(W) * S`` with zero padding.

    A padded position carries no spike and so adds nothing, exactly as in hardware.

    Parameters
    ----------
    channels_in, channels_out : int, 1 or more
    kernel, stride, dilation : int or (rows, columns), 1 or more
    padding : int or (rows, columns), 0 or more
    groups : int, 1 or more, divides the channels; a channel out gets those of its own group
    binary : bool, False for the full-precision twin

    Members
    -------
    weight : latent weights, float (channels_out, channels_in / groups, kernel rows, kernel columns)
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int | Sequence[int], *,
                 stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0,
                 dilation: int | Sequence[int] = 1, groups: int = 1, binary: bool = True):
        if groups < 1 or channels_in % groups or channels_out % groups:
            raise ValueError(f"Groups must divide {channels_in} channels in and {channels_out} "
                             f"out, not be {groups!r}")
        super().__init__(channels_out, channels_in // groups, *pair(kernel), binary=binary)
        self.stride = pair(stride)
        self.padding = pair(padding)
        self.dilation = pair(dilation)
        self.groups = groups

    def forward(self, spikes: Tensor) -> Tensor:
        """Map ``(steps, batch, channels_in, h, w)`` to ``(steps, batch, channels_out, h', w')``."""
        flat, stride = spikes.flatten(0, 1), self.stride
        if self.weight.shape[2:] == (1, 1) and self.padding == (0, 0):
            # torch 2.13 writes beyond its memory in the backward pass of 1x1 kernels with a stride
            # and few channels; without the positions that such a kernel skips, none is left.
            flat, stride = flat[..., ::stride[0], ::stride[1]], (1, 1)
        # Channels innermost: on a CPU, convolutions, norms and pools take half of the time then.
        flat = flat.contiguous(memory_format=torch.channels_last)
        weight = self.effective().contiguous(memory_format=torch.channels_last)
        sums = functional.conv2d(flat, weight, stride=stride, padding=self.padding,
                                 dilation=self.dilation, groups=self.groups)
        return sums.contiguous(memory_format=torch.channels_last).unflatten(0, spikes.shape[:2])


class _FewBitSynapse(_BinarySynapse):
    """Weights of 2 to 8 bits: ``round(L · W)`` with L = 2**(bits - 1) - 1, ternary with 2 bits.

    The norm behind them takes their scale away.  The gradient passes straight through the
    rounding.
    """

    def __init__(self, *arguments: Any, bits: int, **options: Any):
        if not 2 <= bits <= 8:
            raise ValueError(f"Bits must be 2 to 8, not {bits!r}")
        super().__init__(*arguments, **options)
        if not self.binary:
            raise ValueError(f"Binary must be True with weights of {bits} bits, not False; for a "
                             "full-precision twin take BinaryLinear or BinaryConv2d")
        self.weight_bits = bits
        # The other end of the integers is left out: latent weights are symmetric too.
        self.largest = (1 << bits - 1) - 1
        widest = min(1.0, max(_INITIAL_RANGE, _INITIAL_STEPS / self.largest))
        self.weight.data.mul_(widest / _INITIAL_RANGE)

    def integers(self) -> Tensor:
        """Return the weights as the hardware has them, int8."""
        return self.effective().detach().round().to(torch.int8)

    def effective(self) -> Tensor:
        scaled = self.largest * self.weight.clamp(-1, 1)
        return scaled + (scaled.round() - scaled).detach()


class FewBitLinear(_FewBitSynapse, BinaryLinear):
    """Fully connected synapses of few bits: ``X = S @ round(L · W).T``; otherwise `BinaryLinear`.

    Parameters
    ----------
    bits : int, 2 to 8

    Members
    -------
    weight : latent weights within ±1, float (neurons, fan_in)
    """


class FewBitConv2d(_FewBitSynapse, BinaryConv2d):
    """Convolution with weights of few bits, ``X = round(L · W) * S``; otherwise `BinaryConv2d`.

    Parameters
    ----------
    bits : int, 2 to 8

    Members
    -------
    weight : latent weights within ±1, float (channels_out, channels_in / groups, kernel rows,
        kernel columns)
    """


class Int8Linear(FewBitLinear):
    """`FewBitLinear` of 8 bits, for the first layer and the readout."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, bits=8, **options)


class Int8Conv2d(FewBitConv2d):
    """`FewBitConv2d` of 8 bits, for the first layer."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, bits=8, **options)
