"""Weights as signs or 8-bit integers, over the latent weights of a module of torch.

They are parametrizations: ``layer.weight`` is what the layer multiplies with, and
``layer.parametrizations.weight.original`` the latent weight that learns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

__all__ = ["ESTIMATORS", "Int8Weights", "SignWeights", "anneal", "weights_of"]

ESTIMATORS = ("straight-through", "clipped", "annealed")
_LARGEST = 127  # of 8 bits, whose other end is left out


class SignWeights(nn.Module):
    """``scale · sign(W)``, with sign(0) = +1.

    Parameters
    ----------
    estimator : {"straight-through", "clipped", "annealed"}, the gradient of the sign: 1; 1 inside
        ±1 and 0 beyond; or that of ``k·tanh(t·W)``, which `anneal` sharpens
    clip : float or None; in training, latent weights are held within ± of it
    scale : float, positive; 1 in front of a norm, which takes it away

    Source
        Bengio et al. 2013, straight-through; Courbariaux et al. 2016, clipped; Qin et al. 2020
        (CVPR), IR-Net, annealed.
    """

    scale: Tensor

    def __init__(self, estimator: str = "clipped", *, clip: float | None = 1.0,
                 scale: float = 1.0):
        if estimator not in ESTIMATORS:
            raise ValueError(f"Estimator must be one of {ESTIMATORS}, not {estimator!r}")
        if clip is not None and not clip > 0:
            raise ValueError(f"Clip must be positive or None, not {clip!r}")
        super().__init__()
        self.estimator = estimator
        self.clip = clip
        self.progress = 0.0
        self.register_buffer("scale", torch.tensor(float(scale)))

    def forward(self, latent: Tensor) -> Tensor:
        """Return the weights of latent ones."""
        if self.training and self.clip is not None:
            # Not an operation of the graph: a layer may be called before its backward pass.
            latent.data.clamp_(-self.clip, self.clip)
        soft = self._soft(latent)
        return self.scale * (_signs(latent) + (soft - soft.detach()))

    def _soft(self, latent: Tensor) -> Tensor:
        if self.estimator == "annealed":
            sharpness = 10 ** (2 * self.progress - 1)
            return max(1 / sharpness, 1) * torch.tanh(sharpness * latent)
        return latent.clamp(-1, 1) if self.estimator == "clipped" else latent


class Int8Weights(nn.Module):
    """``round(127 · W / max|W|)`` times its step; the gradient passes through the rounding."""

    def forward(self, latent: Tensor) -> Tensor:
        """Return the weights of latent ones."""
        return latent + (self.integers(latent) * self.step(latent) - latent).detach()

    def integers(self, latent: Tensor) -> Tensor:
        """Return the weights in steps, -127 to 127."""
        return (latent / self.step(latent)).round()

    @staticmethod
    def step(latent: Tensor) -> Tensor:
        """Return what one step of the integers is."""
        return latent.detach().abs().max().clamp(min=torch.finfo(latent.dtype).tiny) / _LARGEST


def anneal(module: nn.Module, progress: float) -> None:
    """Sharpen the annealed estimators of a module; once per epoch or step.

    Parameters
    ----------
    progress : float, share of the training that is done, 0 to 1
    """
    if not 0 <= progress <= 1:
        raise ValueError(f"Progress must be within 0 and 1, not {progress!r}")
    for part in module.modules():
        if isinstance(part, SignWeights):
            part.progress = progress


def weights_of(layer: nn.Module) -> tuple[Tensor, float, int] | None:
    """Return the integers of a layer that `binarize` has made (int8), what one of them is, and
    their bits; None of another layer.
    """
    found = getattr(getattr(layer, "parametrizations", None), "weight", None)
    if not isinstance(found, ParametrizationList):
        return None
    latent, kind = found.original.detach(), found[0]
    if isinstance(kind, SignWeights):
        return _signs(latent).to(torch.int8).cpu(), float(kind.scale), 1
    if isinstance(kind, Int8Weights):
        return kind.integers(latent).to(torch.int8).cpu(), float(kind.step(latent)), 8
    return None


def _signs(latent: Tensor) -> Tensor:
    return torch.where(latent >= 0, 1.0, -1.0).to(latent.dtype)
