"""The integrate-and-fire step in integers, the reference of hdl/neuron.py."""

from __future__ import annotations

import numpy as np
import torch

from bsnn_hw.ir.network import Comparison, NeuronSpec, Reset

__all__ = ["charge", "fire", "scaled", "step"]


def step(spec: NeuronSpec, timestep: int, potential: torch.Tensor, acc: torch.Tensor,
         joined: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One timestep of every neuron: ``(charged, fired, settled)``, each (N, neurons).

    timestep : int, 0..T-1
    potential : int64 (N, neurons), V of the timestep before, in 2**-fraction_bits
    acc : int64 (N, neurons), the timestep's synaptic sum
    joined : int64 (N, neurons), what all shortcuts add; None where there are none
    """
    return fire(spec, timestep, potential, charge(spec, timestep, acc, joined))


def charge(spec: NeuronSpec, timestep: int, acc: torch.Tensor,
           joined: torch.Tensor | None = None) -> torch.Tensor:
    """The whole current of one timestep, int64 (N, neurons); arguments as in `step`."""
    gain = spec.gain
    counted = acc << spec.fraction_bits if gain is None else scaled(gain[timestep], acc)
    current = counted + _spread(spec.bias[timestep], acc)
    return current if joined is None else current + joined


def fire(spec: NeuronSpec, timestep: int, potential: torch.Tensor,
         current: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As `step`, from the whole ``current``, int64 (N, neurons)."""
    threshold = _spread(spec.threshold[timestep], current)
    carried = (potential * int(spec.leak[timestep])) >> spec.leak_bits  # floor
    charged = carried + current
    above = spec.comparison is Comparison.ABOVE
    fired = charged > threshold if above else charged >= threshold
    soft = spec.reset is Reset.SOFT
    settled = torch.where(fired, charged - threshold if soft else 0, charged)
    return charged, fired, settled


def scaled(gain: np.ndarray, values: torch.Tensor) -> torch.Tensor:
    """``values`` (N, neurons) times the gain of their channel (channels,), int64."""
    return values * _spread(gain, values)


def _spread(constants, values):
    """Constants (channels,) for all neurons of ``values`` (N, neurons): each channel's positions
    lie side by side."""
    constants = torch.as_tensor(constants)
    return constants.repeat_interleave(values.shape[1] // len(constants))
