"""The integrate-and-fire step in integers, the reference of hdl/neuron.py."""

from __future__ import annotations

from typing import NamedTuple, assert_never

import numpy as np
import torch

from bsnn_hw.ir.network import Comparison, NeuronSpec

__all__ = ["Gated", "charge", "fire", "scaled", "step", "synaptic"]


class Gated(NamedTuple):
    """The factor of each sample in one timestep, int64 (N,); ``2**bits`` is 1."""

    factor: torch.Tensor
    bits: int


def step(spec: NeuronSpec, timestep: int, potential: torch.Tensor, acc: torch.Tensor,
         joined: torch.Tensor | None = None,
         gated: Gated | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One timestep of every first-order neuron: ``(charged, fired, settled)``, each (N, neurons).

    timestep : int, 0..T-1, or counted on through inferences that keep their state
    potential : int64 (N, neurons), V of the timestep before, in 2**-fraction_bits
    acc : int64 (N, neurons), the timestep's synaptic sum
    joined : int64 (N, neurons), what all shortcuts add; None where there are none
    gated : the factor of a gate that the sample makes, None without one
    """
    return fire(spec, timestep, potential, charge(spec, timestep, acc, joined, gated))


def charge(spec: NeuronSpec, timestep: int, acc: torch.Tensor, joined: torch.Tensor | None = None,
           gated: Gated | None = None) -> torch.Tensor:
    """The whole current of one timestep, int64 (N, neurons); arguments as in `step`."""
    timestep %= len(spec.leak)
    bias = _column(spec.bias[timestep])
    counts = _maps(acc, len(bias))
    if spec.border is not None:
        bias = bias + torch.as_tensor(spec.border.rows[timestep][spec.border.places].T)
    gained = (counts << spec.fraction_bits if spec.gain is None
              else counts * _column(spec.gain[timestep]))
    current = (gained + bias).flatten(1)
    if gated is not None:
        current = current * gated.factor[:, None] >> gated.bits  # floor
    return current if joined is None else current + joined


def synaptic(spec: NeuronSpec, timestep: int, held: torch.Tensor,
             current: torch.Tensor) -> torch.Tensor:
    """The synaptic current I, int64 (N, neurons), which charges the membrane: of a first-order
    neuron the whole ``current`` itself.

    held : int64 (N, neurons), I of the timestep before
    """
    if spec.current_leak is None:
        return current
    return _leaked(held, spec.current_leak[timestep], spec.leak_bits) + current


def fire(spec: NeuronSpec, timestep: int, potential: torch.Tensor,
         current: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As `step`, from the ``synaptic`` current, int64 (N, neurons)."""
    timestep %= len(spec.leak)
    threshold = _column(spec.threshold[timestep])
    carried = _leaked(potential, spec.leak[timestep], spec.leak_bits)
    charged = _maps(carried + current, len(threshold))
    match spec.comparison:
        case Comparison.AT_LEAST:
            fired = charged >= threshold
        case Comparison.ABOVE:
            fired = charged > threshold
        case _:
            assert_never(spec.comparison)
    reset = 0 if spec.reset_by is None else charged - _column(spec.reset_by[timestep])
    settled = torch.where(fired, reset, charged)
    return charged.flatten(1), fired.flatten(1), settled.flatten(1)


def _leaked(values: torch.Tensor, factor: np.ndarray, bits: int) -> torch.Tensor:
    """What is left of ``values`` (N, neurons) with the factor of their channel (channels,)."""
    return scaled(factor, values) >> bits  # floor


def scaled(gain: np.ndarray, values: torch.Tensor) -> torch.Tensor:
    """``values`` (N, neurons) times the gain of their channel (channels,), int64."""
    return (_maps(values, len(gain)) * _column(gain)).flatten(1)


def _maps(values: torch.Tensor, channels: int) -> torch.Tensor:
    """(N, neurons) as (N, channels, positions)."""
    maps: torch.Tensor = values.unflatten(1, (channels, -1))  # type: ignore[no-untyped-call]
    return maps


def _column(constants: np.ndarray) -> torch.Tensor:
    """Constants (channels,) for all positions."""
    return torch.as_tensor(constants)[:, None]
