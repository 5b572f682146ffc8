"""The integrate-and-fire step in integers, the reference of hdl/neuron.py."""

from __future__ import annotations

from typing import NamedTuple, assert_never

import numpy as np
import torch

from bsnn_hw.ir.network import Comparison, NeuronSpec

__all__ = ["Gated", "State", "advance", "at_rest", "charge", "fire", "scaled"]


class State(NamedTuple):
    """What a timestep leaves to the next, each (N, neurons): V int64, spikes bool, I int64."""

    potential: torch.Tensor
    fired: torch.Tensor
    synaptic: torch.Tensor


class Gated(NamedTuple):
    """The factor of each sample in one timestep, int64 (N,); ``2**bits`` is 1."""

    factor: torch.Tensor
    bits: int


def at_rest(like: torch.Tensor) -> State:
    """The state of neurons before all timesteps, all 0; ``like`` : int64 (N, neurons)."""
    none = torch.zeros_like(like)
    return State(none, none > 0, none)


def advance(spec: NeuronSpec, timestep: int, state: State,
            current: torch.Tensor) -> tuple[torch.Tensor, State]:
    """One timestep of every neuron, from the whole ``current``, int64 (N, neurons): H, and what it
    leaves."""
    held = _synaptic(spec, timestep, state.synaptic, current)
    charged, fired, settled = fire(spec, timestep, state.potential, held, state.fired)
    return charged, State(settled, fired, held)


def charge(spec: NeuronSpec, timestep: int, acc: torch.Tensor, joined: torch.Tensor | None = None,
           gated: Gated | None = None) -> torch.Tensor:
    """The whole current of one timestep, int64 (N, neurons).

    timestep : int, 0..T-1, or counted on through inferences that keep their state
    acc : int64 (N, neurons), the timestep's synaptic sum
    joined : int64 (N, neurons), what all shortcuts add; None where there are none
    gated : the factor of a gate that the sample makes, None without one
    """
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


def _synaptic(spec: NeuronSpec, timestep: int, held: torch.Tensor,
              current: torch.Tensor) -> torch.Tensor:
    """The synaptic current I, int64 (N, neurons), which charges the membrane: of a first-order
    neuron the whole ``current`` itself.

    held : int64 (N, neurons), I of the timestep before
    """
    if spec.current_leak is None:
        return current
    timestep %= len(spec.current_leak)
    return _leaked(held, spec.current_leak[timestep], spec.leak_bits) + current


def fire(spec: NeuronSpec, timestep: int, potential: torch.Tensor, current: torch.Tensor,
         before: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """H, spikes and V of one timestep, each (N, neurons), from the synaptic ``current``.

    potential : int64 (N, neurons), V of the timestep before, in 2**-fraction_bits
    before : bool (N, neurons), its spikes
    """
    timestep %= len(spec.leak)
    threshold = _column(spec.threshold[timestep])
    carried = _leaked(potential, spec.leak[timestep], spec.leak_bits)
    charged = carried + current
    if spec.refractory:
        charged = torch.where(before, 0, charged)
    charged = _maps(charged, len(threshold))
    match spec.comparison:
        case Comparison.AT_LEAST:
            fired = charged >= threshold
        case Comparison.ABOVE:
            fired = charged > threshold
        case _:
            assert_never(spec.comparison)
    reset = 0 if spec.reset_by is None else charged - _column(spec.reset_by[timestep])
    settled = torch.where(fired, reset, charged)
    if spec.floor is not None:
        settled = settled.maximum(_column(spec.floor[timestep]))
    if spec.saturation is not None:
        settled = settled.clamp(*spec.ends)
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
