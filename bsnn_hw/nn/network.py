"""A spiking network: hidden layers by name, each fed by one before it, and a readout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bsnn_hw.ir.network import Coding
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.layer import Activity, Layer, Readout, Recurrence, SynapseShortcut
from bsnn_hw.nn.synapse import BinaryConv2d, BinaryLinear

__all__ = ["Network", "Output"]


class Output(NamedTuple):
    """What a network returns.

    logits : (batch, classes), mean over the timesteps
    rates : (hidden layers,), mean spikes per neuron and timestep, with gradient
    spikes : per hidden layer (T, batch, ...), 0/1
    """

    logits: Tensor
    rates: Tensor
    spikes: tuple[Tensor, ...]


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
        For fewer than one timestep, an unknown coding, or a layer that reads none before it.
    """

    def __init__(self, hidden: Mapping[str, Layer], readout: Readout, *, timesteps: int,
                 coding: Coding | str = "direct"):
        if timesteps < 1:
            raise ValueError(f"Timesteps must be 1 or more, not {timesteps!r}")
        _check_sources({**hidden, "readout": readout})
        super().__init__()
        self.hidden = nn.ModuleDict(hidden)
        self.readout = readout
        self.timesteps = timesteps
        self.coding = Coding(coding)

    def forward(self, samples: Tensor) -> Output:
        """Run T timesteps from silent membranes."""
        # A direct input is the same at every timestep, so its sums are worked out once.
        incoming = samples.unsqueeze(0) if self.coding is Coding.DIRECT else samples
        done: dict[str, Activity] = {}
        for name, layer in self.hidden.items():
            done[name] = layer(self._spikes(layer, done, incoming), self.timesteps, done)
            incoming = done[name].spikes
        if not done:
            incoming = incoming.expand(self.timesteps, *incoming.shape[1:])
        logits = self.readout(self._spikes(self.readout, done, incoming))
        spikes = tuple(activity.spikes for activity in done.values())
        rates = torch.stack([s.mean() for s in spikes]) if spikes else samples.new_zeros(0)
        return Output(logits, rates, spikes)

    def clip(self) -> None:
        """Bring weights and gates back into their ranges after an optimizer step."""
        for module in self.modules():
            if isinstance(module, BinaryLinear | BinaryConv2d | AGMMGate):
                module.clip()

    def layers(self) -> dict[str, Any]:
        """Return hidden layers and readout by name, in order."""
        return {**self.hidden, "readout": self.readout}

    def latent_weights(self) -> dict[str, Tensor]:
        """Return the latent weights of every synapse, detached: by layer name, and those of a
        shortcut by ``NAME.shortcutN``.
        """
        return {name: synapse.weight.detach() for name, synapse in self.synapses().items()}

    def synapses(self) -> dict[str, Any]:
        """Return every synapse, by the names of `latent_weights`."""
        synapses = {}
        for name, layer in self.layers().items():
            synapses[name] = layer.synapse
            for index, shortcut in enumerate(layer.shortcuts):
                if isinstance(shortcut, SynapseShortcut | Recurrence):
                    synapses[f"{name}.shortcut{index}"] = shortcut.synapse
        return synapses

    @staticmethod
    def _spikes(layer: Any, done: Mapping[str, Activity], before: Tensor) -> Tensor:
        return before if layer.source is None else done[layer.source].spikes


def _check_sources(layers: Mapping[str, Layer | Readout]) -> None:
    earlier: list[str] = []
    for name, layer in layers.items():
        for source in (layer.source, *(shortcut.source for shortcut in layer.shortcuts)):
            if source is not None and source not in earlier:
                raise ValueError(f"Layer {name!r} must read a layer before it "
                                 f"({', '.join(earlier) or 'there is none'}), not {source!r}")
        earlier.append(name)
