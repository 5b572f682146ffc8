"""The integer network executed by torch: every spike, membrane potential and score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bsnn_hw.ir.network import Coding, Hidden, Network
from bsnn_hw.reference import neuron, readout, synapse

__all__ = ["LayerTrace", "Trace", "run", "run_hidden"]


@dataclass(frozen=True)
class LayerTrace:
    """One spiking layer: ``charged`` (H) and ``settled`` (V) int64, ``fired`` bool, all
    (N, T, neurons)."""

    charged: np.ndarray
    fired: np.ndarray
    settled: np.ndarray


@dataclass(frozen=True)
class Trace:
    """A run: ``hidden`` layers, ``scores`` int64 (N, classes), ``classes`` int64 (N,).

    Without ``potentials`` the layers hold ``fired`` only and empty potentials.
    """

    hidden: tuple[LayerTrace, ...]
    scores: np.ndarray
    classes: np.ndarray


def run(network: Network, inputs: np.ndarray, *, potentials: bool = True,
        batch: int = 1000) -> Trace:
    """Execute the network.

    Parameters
    ----------
    inputs : integer ndarray
        Direct coding: (N, size), values 0..2**bits-1. Events: (N, T, size), values 0 or 1.
    potentials : bool
        Keep the membrane potentials too (16 bytes per neuron and timestep).

    Raises
    ------
    ValueError
        The shape or the range of ``inputs`` does not fit the network.
    """
    inputs = np.asarray(inputs)
    _check(network, inputs)
    chunks = [_run_batch(network, torch.as_tensor(inputs[i:i + batch]), potentials)
              for i in range(0, len(inputs), batch)]
    hidden = tuple(LayerTrace(*(np.concatenate(arrays) for arrays in zip(*layer, strict=True)))
                   for layer in zip(*(c[0] for c in chunks), strict=True))
    scores = np.concatenate([c[1] for c in chunks])
    return Trace(hidden, scores, readout.decide(torch.as_tensor(scores)).numpy())


def _check(network, inputs):
    shape = ((network.input.size,) if network.input.coding is Coding.DIRECT
             else (network.timesteps, network.input.size))
    if inputs.ndim != len(shape) + 1 or inputs.shape[1:] != shape or not len(inputs):
        raise ValueError(f"inputs must have shape (N, {', '.join(map(str, shape))}) with N >= 1, "
                         f"not {inputs.shape}")
    if inputs.min() < 0 or inputs.max() > network.input.max_value:
        raise ValueError(f"inputs must lie in 0..{network.input.max_value}, "
                         f"not {inputs.min()}..{inputs.max()}")


def _run_batch(network, inputs, potentials):
    hidden, value = [], network.input.max_value
    for layer in network.hidden:
        accs = synapse.sums(layer.synapse, inputs, network.timesteps, value)
        charged, fired, settled = run_hidden(layer, accs)
        kept = (charged, fired, settled) if potentials else (charged[:0], fired, settled[:0])
        hidden.append([tensor.numpy() for tensor in kept])
        inputs, value = fired, 1
    last = network.readout
    accs = synapse.sums(last.synapse, inputs, network.timesteps, value)
    scores = readout.score(torch.as_tensor(last.gain), torch.as_tensor(last.bias), accs)
    return hidden, scores.numpy()


def run_hidden(layer: Hidden, accs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """``(charged, fired, settled)``, each (N, T, neurons), from ``accs`` (N, T, neurons)."""
    potential = torch.zeros_like(accs[:, 0])
    steps = []
    for t in range(accs.shape[1]):
        steps.append(neuron.step(layer.neuron, t, potential, accs[:, t]))
        potential = steps[-1][2]
    return tuple(torch.stack(tensors, dim=1) for tensors in zip(*steps, strict=True))
