"""The weights through which a module's spikes come back, as the module multiplies with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.family import NeuronError

__all__ = ["linear_map"]


def linear_map(function: Callable[[torch.Tensor], Any], inputs: int
               ) -> tuple[np.ndarray, np.ndarray | None]:
    """(weight, bias) of a function of (N, ``inputs``) that is linear, whatever it does with latent
    weights; the bias is None where it is 0.

    Raises
    ------
    NeuronError
        It is not linear, or does not take vectors.
    """
    spikes = torch.cat([torch.zeros(1, inputs), torch.eye(inputs), torch.ones(1, inputs)]).double()
    try:
        found = function(spikes).detach().double().numpy()
    except Exception as error:  # the user's own code, or torch's
        words = (str(error) or type(error).__name__).strip().split("\n", 1)[0][:200]
        raise NeuronError(f"a recurrence that does not take spikes of shape {tuple(spikes.shape)}: "
                          f"{words}") from error
    bias, units, ones = found[0], found[1:-1] - found[0], found[-1] - found[0]
    if not np.allclose(units.sum(axis=0), ones, rtol=0, atol=1e-9 * (1 + np.abs(units).sum())):
        raise NeuronError("a recurrence that is not linear in the spikes")
    return np.ascontiguousarray(units.T), bias if bias.any() else None
