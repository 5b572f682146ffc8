"""The network that a recipe names, and the one that it learns from."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bsnn_hw.errors import InputError
from bsnn_hw.nn.architectures import convolutional, fully_connected, recurrent, residual
from bsnn_hw.nn.data import Dataset
from bsnn_hw.nn.network import Network
from bsnn_hw.nn.recipe import Recipe, check_twin, recipe_from

__all__ = ["build", "distance", "teacher"]

# What scores are divided by before they become probabilities to learn from.
_TEMPERATURE = 3.0


def build(recipe: Recipe, dataset: Dataset) -> Network:
    """Return the untrained network of a recipe, from its seed."""
    shape, classes = recipe.input_shape(dataset.shape), len(dataset.classes)
    style = {"timesteps": recipe.timesteps, "gate": recipe.gate,
             "gate_ratios": recipe.gate_ratios, "leak": recipe.leak, "threshold": recipe.threshold,
             "reset": recipe.reset, "coding": recipe.coding, "binary": recipe.weights != "real",
             "int8_ends": recipe.weights == "int8-ends", "weight_bits": recipe.weight_bits}
    with torch.random.fork_rng(devices=[]):  # a library call leaves the caller's seed alone
        torch.manual_seed(recipe.seed)
        if recipe.network == "conv":
            *channels, neurons = recipe.hidden
            return convolutional(shape, channels, (neurons,), classes, kernels=recipe.kernels,
                                 **style)
        if recipe.network == "residual":
            return residual(shape, recipe.hidden, classes, **style)
        dense = recurrent if recipe.network == "recurrent" else fully_connected
        return dense((*shape, *recipe.hidden, classes), **style)


def teacher(recipe: Recipe, dataset: Dataset, twin: dict[str, Any] | None) -> Network | None:
    """Return the trained full-precision twin of `recipe`, which its network learns from.

    Parameters
    ----------
    recipe : Recipe; without distillation there is no teacher
    twin : the state of the twin's training, see `Trainer.state`

    Raises
    ------
    InputError
        When it is no trained twin of this recipe.
    """
    if not recipe.distillation and twin is None:
        return None
    if not recipe.distillation:
        raise InputError("twin: must come with a share of the loss, none is given; give "
                         "`distillation` too")
    check_twin(recipe, None if twin is None else recipe_from(twin["recipe"]))
    assert twin is not None
    if twin["epoch"] != recipe.epochs:
        raise InputError(f"twin: must have ended its {recipe.epochs} epochs, it ended "
                         f"{twin['epoch']}; resume it")
    network = build(dataclasses.replace(recipe, weights="real", distillation=0.0), dataset)
    try:
        network.load_state_dict(twin["network"])
    except RuntimeError as error:
        raise InputError("twin: its tensors must fit its recipe, they do not; train it again"
                         ) from error
    return network.to(recipe.device).eval()


def distance(scores: Tensor, wanted: Tensor) -> Tensor:
    """Return how far `scores` are from a teacher's: the mean Kullback-Leibler divergence of both
    softmaxes at a temperature, whose square keeps the gradient's size.

    Parameters
    ----------
    scores, wanted : (batch, classes)

    Source
        Hinton et al. 2015, distilling the knowledge in a neural network.
    """
    found, aim = (functional.log_softmax(each / _TEMPERATURE, 1) for each in (scores, wanted))
    return _TEMPERATURE ** 2 * functional.kl_div(found, aim, reduction="batchmean",
                                                 log_target=True)
