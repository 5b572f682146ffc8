"""The real-valued network, as checked frozen dataclasses: what ``model.pt`` says.

Equations (docs/model.md), per layer and timestep t = 1..T::

    X[t] = sign(W) . S[t] + bias            sign(0) = +1
    Y[t] = (X[t] - mean) / sqrt(var + eps) * gamma + beta
    G[t] = gate[t] * Y[t]
    H[t] = leak * V[t-1] + input_scale * G[t]
    S'[t] = H[t] >= threshold               (or >, as `comparison` says)
    V[t] = 0 where S'[t] else H[t]          (hard)   or   H[t] - threshold * S'[t]   (soft)

Arrays are float64 and read-only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Coding, Comparison, Reset

__all__ = [
    "Coding",
    "Comparison",
    "Input",
    "Layer",
    "Linear",
    "Model",
    "Neuron",
    "Norm",
    "Reset",
]


@dataclass(frozen=True)
class Input:
    """A sample's size and coding.

    size : int, number of input values, 1 or more
    bits : int, 1..8: direct input values are integers 0..2**bits-1; 1 for events
    scale, offset : float: the real input is ``scale * integer + offset`` (1 and 0 for events)
    """

    coding: Coding
    size: int
    bits: int = 1
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Linear:
    """``weight``: float64 (neurons, fan_in), latent: only its sign counts; ``bias``: (neurons,)."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Norm:
    """Batch normalisation in inference form, each (neurons,); identity if the file has none."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    eps: float


@dataclass(frozen=True)
class Neuron:
    """``leak`` in (0, 1], 1 = no leak (IF); ``threshold`` > 0; ``input_scale`` > 0."""

    leak: float
    threshold: float
    reset: Reset
    comparison: Comparison
    input_scale: float = 1.0


@dataclass(frozen=True)
class Layer:
    """One layer; ``gate`` is (T,), all ones without AGMM; ``neuron`` is None in the readout."""

    name: str
    synapse: Linear
    norm: Norm
    gate: np.ndarray
    neuron: Neuron | None


@dataclass(frozen=True)
class Model:
    """A whole network: hidden layers with neurons, then exactly one readout without."""

    name: str
    timesteps: int
    input: Input
    layers: tuple[Layer, ...]
    classes: tuple[str, ...]
