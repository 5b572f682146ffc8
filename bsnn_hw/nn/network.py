"""A spiking network: hidden layers of synapse, norm, gate and neuron, then a readout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bsnn_hw.ir.network import Coding
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.neuron import LIF
from bsnn_hw.nn.norm import BatchNorm, SharedScaleNorm
from bsnn_hw.nn.synapse import BinaryConv2d, BinaryLinear

__all__ = ["Layer", "Network", "Output", "Readout", "fully_connected"]

GATES = ("agmm", "agmm-sample", "none")


class Output(NamedTuple):
    """What a network returns.

    logits : (batch, classes), mean over the timesteps
    rates : (hidden layers,), mean spikes per neuron and timestep, with gradient
    spikes : per hidden layer (T, batch, ...), 0/1
    """

    logits: Tensor
    rates: Tensor
    spikes: tuple[Tensor, ...]


class Layer(nn.Module):
    """Synapse, optional norm and gate, neuron.

    Parameters
    ----------
    synapse : module on (steps, batch, ...): `BinaryLinear`, `BinaryConv2d` or, for export, any
        module with a ``weight`` (and ``bias``) like ``torch.nn.Linear``
    norm : `BatchNorm`, any module like ``torch.nn.BatchNorm1d`` for export, or None
    gate : `AGMMGate` or None
    neuron : `LIF` or `IF`
    """

    synapse: Any
    norm: Any
    gate: Any
    neuron: Any

    def __init__(self, synapse: nn.Module, norm: nn.Module | None = None,
                 gate: nn.Module | None = None, neuron: nn.Module | None = None):
        super().__init__()
        self.synapse = synapse
        self.norm = norm
        self.gate = gate
        self.neuron = LIF() if neuron is None else neuron

    def forward(self, inputs: Tensor, timesteps: int) -> Tensor:
        """Turn ``(T or 1, batch, ...)`` into spikes ``(T, batch, ...)``."""
        return self.neuron(_currents(self, inputs), timesteps)


class Readout(nn.Module):
    """The last layer, without spikes: the score is the mean over the timesteps.

    Parameters
    ----------
    synapse, norm : as in `Layer`; ``norm`` is usually `SharedScaleNorm`
    """

    synapse: Any
    norm: Any

    def __init__(self, synapse: nn.Module, norm: nn.Module | None = None):
        super().__init__()
        self.synapse = synapse
        self.norm = norm
        self.gate = None
        self.neuron = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn ``(T, batch, fan_in)`` into scores ``(batch, classes)``."""
        return _currents(self, inputs).mean(0)


class Network(nn.Module):
    """Hidden layers by name, and a readout.

    Parameters
    ----------
    hidden : mapping of str to `Layer`, in order
    readout : `Readout`
    timesteps : int, T, 1 or more
    coding : Coding or str: "direct" takes (batch, ...) once, "events" (T, batch, ...) spikes

    Raises
    ------
    ValueError
        For fewer than one timestep or an unknown coding.
    """

    def __init__(self, hidden: Mapping[str, Layer], readout: Readout, *, timesteps: int,
                 coding: Coding | str = "direct"):
        if timesteps < 1:
            raise ValueError(f"Timesteps must be 1 or more, not {timesteps!r}")
        super().__init__()
        self.hidden = nn.ModuleDict(hidden)
        self.readout = readout
        self.timesteps = timesteps
        self.coding = Coding(coding)

    def forward(self, samples: Tensor) -> Output:
        """Run T timesteps from silent membranes."""
        # A direct input is the same at every timestep, so its sums are worked out once.
        activity = samples.unsqueeze(0) if self.coding is Coding.DIRECT else samples
        spikes = []
        for layer in self.hidden.values():
            activity = layer(activity, self.timesteps)
            spikes.append(activity)
        if not spikes:
            activity = activity.expand(self.timesteps, *activity.shape[1:])
        rates = torch.stack([s.mean() for s in spikes]) if spikes else samples.new_zeros(0)
        return Output(self.readout(activity), rates, tuple(spikes))

    def clip(self) -> None:
        """Bring weights and gates back into their ranges after an optimizer step."""
        for module in self.modules():
            if isinstance(module, BinaryLinear | BinaryConv2d | AGMMGate):
                module.clip()

    def layers(self) -> dict[str, Any]:
        """Return hidden layers and readout by name, in order."""
        return {**self.hidden, "readout": self.readout}

    def latent_weights(self) -> dict[str, Tensor]:
        """Return each layer's latent weights by layer name, detached."""
        return {name: layer.synapse.weight.detach() for name, layer in self.layers().items()}


def fully_connected(sizes: Sequence[int], *, timesteps: int, gate: str = "agmm",
                    leak: float = 0.5, threshold: float = 1.0, reset: str = "hard",
                    coding: str = "direct") -> Network:
    """Build a network of `BinaryLinear` layers, ``fc1``, ``fc2``, …, and a readout.

    Parameters
    ----------
    sizes : input size, hidden sizes, number of classes; at least two numbers
    gate : {"agmm", "agmm-sample", "none"}
    leak : float in (0, 1]; 1 is integrate and fire
    """
    hidden = {}
    for index, (fan_in, neurons) in enumerate(pairwise(sizes[:-1]), 1):
        neuron = LIF(leak, threshold=threshold, reset=reset)
        hidden[f"fc{index}"] = Layer(BinaryLinear(fan_in, neurons), BatchNorm(neurons),
                                     _gate(gate, timesteps), neuron)
    readout = Readout(BinaryLinear(sizes[-2], sizes[-1]), SharedScaleNorm(sizes[-1]))
    return Network(hidden, readout, timesteps=timesteps, coding=coding)


def _gate(kind: str, timesteps: int) -> AGMMGate | None:
    if kind not in GATES:
        raise ValueError(f"Gate must be one of {GATES}, not {kind!r}")
    if kind == "none":
        return None
    return AGMMGate(timesteps, average="sample" if kind == "agmm-sample" else "running")


def _currents(layer: Layer | Readout, inputs: Tensor) -> Tensor:
    currents = layer.synapse(inputs)
    if layer.norm is not None:
        currents = layer.norm(currents)
    return currents if layer.gate is None else layer.gate(currents)
