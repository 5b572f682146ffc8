"""Sign flips of binary weights, per step and per epoch, under any optimizer."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.optim.optimizer import register_optimizer_step_post_hook

from bsnn_hw.errors import InputError
from bsnn_hw.nn.estimators import SignWeights

__all__ = ["FlipMonitor", "Flips"]


class Flips(NamedTuple):
    """Flips of the steps since the last call.

    steps : int
    per_step : float, π: the share of all binary weights that a step flips, mean over the steps
    per_epoch : float, π_e: the share whose sign differs before the first step and after the last
    by_layer : π by the layer's name
    """

    steps: int
    per_step: float
    per_epoch: float
    by_layer: dict[str, float]


class FlipMonitor:
    """Counts the binary weights of a model whose sign a step of an optimizer flips.

    It listens to the optimizers' own steps, so the training loop gains one line per epoch:

        monitor = FlipMonitor(model)
        ...
        print(monitor.epoch())

    Weights stay on their device, and no step waits for a transfer.

    Parameters
    ----------
    model : module with binary weights: `BinaryLinear`, `BinaryConv2d`, or what `binarize` made

    Raises
    ------
    InputError
        When no weight of the model is binary.
    """

    def __init__(self, model: nn.Module):
        self._latent = latent_weights(model)
        if not self._latent:
            raise InputError(f"{type(model).__name__}: must have binary weights, has none; "
                             f"binarize(model) first")
        self._signs = self._read()
        self._first = [signs.clone() for signs in self._signs]
        device = self._signs[0].device
        self._flips = torch.zeros(len(self._signs), dtype=torch.int64, device=device)
        self._steps = torch.zeros((), dtype=torch.int64, device=device)
        # The hook is global; it must not keep the model alive, nor outlive its monitor.
        listen = weakref.WeakMethod(self._after_step)
        handle = register_optimizer_step_post_hook(
            lambda optimizer, *_: (listen() or _nothing)(optimizer))
        weakref.finalize(self, handle.remove)

    @torch.no_grad()
    def count(self) -> None:
        """Count one step; an optimizer of torch calls it by itself."""
        signs = self._read()
        self._flips += torch.stack([(now != before).sum() for now, before in
                                    zip(signs, self._signs, strict=True)])
        self._steps += 1
        # In place, so that a captured CUDA graph counts too.
        torch._foreach_copy_(self._signs, signs)

    def epoch(self) -> Flips:
        """Return the flips since the last call, and begin to count again."""
        steps, sizes = int(self._steps), [signs.numel() for signs in self._signs]
        flips = self._flips.tolist()
        changed = sum(int((now != first).sum())
                      for now, first in zip(self._signs, self._first, strict=True))
        slots = max(steps, 1)
        found = Flips(steps, sum(flips) / (slots * sum(sizes)), changed / sum(sizes),
                      {name: count / (slots * size) for name, count, size in
                       zip(self._latent, flips, sizes, strict=True)})
        torch._foreach_copy_(self._first, self._signs)
        self._flips.zero_()
        self._steps.zero_()
        return found

    def _after_step(self, optimizer: torch.optim.Optimizer) -> None:
        moved = {id(parameter) for group in optimizer.param_groups for parameter in
                 group["params"]}
        if any(id(weight) in moved for weight in self._latent.values()):
            self.count()

    def _read(self) -> list[Tensor]:
        return [weight.detach() >= 0 for weight in self._latent.values()]


def latent_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the latent weights whose sign is what counts, by the name of their layer."""
    found = {}
    for name, module in model.named_modules():
        if _binary(module):
            found[name] = module.weight
        elif isinstance(module, ParametrizationList) and isinstance(module[0], SignWeights):
            found[name.removesuffix(".parametrizations.weight")] = module.original
    return found


def _binary(module: Any) -> bool:
    return getattr(module, "weight_bits", None) == 1 and getattr(module, "binary", False)


def _nothing(_: Any) -> None:
    """What a monitor that is gone counts."""
