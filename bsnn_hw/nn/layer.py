"""Layers of a spiking network: pool, synapse, norm, gate, shortcuts and neuron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bsnn_hw.nn.neuron import LIF
from bsnn_hw.nn.pooling import Pool

__all__ = ["Activity", "CurrentShortcut", "Layer", "Readout", "Recurrence", "SpikeShortcut",
           "SynapseShortcut"]


class Activity(NamedTuple):
    """What a hidden layer did, for the layers after it.

    currents : (T or 1, batch, ...), G with all shortcuts; one step where it stays the same
    spikes : (T, batch, ...), 0/1
    """

    currents: Tensor
    spikes: Tensor


class _Branch(nn.Module):
    """From spikes to a current: pool, synapse, norm and gate, each but the synapse optional.

    With ``gate_first`` the gate stands between synapse and norm; an experiment only.
    """

    gate_first = False
    pool: Any
    synapse: Any
    norm: Any
    gate: Any

    def __init__(self, synapse: nn.Module, norm: nn.Module | None, gate: nn.Module | None,
                 pool: Pool | None):
        super().__init__()
        self.synapse = synapse
        self.norm = norm
        self.gate = gate
        self.pool = pool

    def drive(self, inputs: Tensor) -> Tensor:
        """Turn ``(T or 1, batch, ...)`` into the gated current, without shortcuts."""
        if self.pool is not None:
            inputs = self.pool(inputs)
        # A map reaches a fully connected synapse as (channels, height, width), flattened.
        flat = self.synapse.weight.dim() == 2
        currents = self.synapse(inputs.flatten(2) if flat else inputs)
        following = (self.gate, self.norm) if self.gate_first else (self.norm, self.gate)
        for module in following:
            if module is not None:
                currents = module(currents)
        return currents


class CurrentShortcut(nn.Module):
    """The whole current of an earlier layer: an identity around a binary convolution.

    Parameters
    ----------
    source : name of an earlier hidden layer, whose output has the shape of this one's

    Source
        Liu et al. 2018 (ECCV), Bi-Real Net, with the current for the real-valued activation.
    """

    def __init__(self, source: str):
        super().__init__()
        self.source = source

    def forward(self, activity: Activity) -> Tensor:
        """Return the current to add, (T or 1, batch, ...)."""
        return activity.currents


class SpikeShortcut(nn.Module):
    """The spikes of an earlier layer as numbers.

    Parameters
    ----------
    source : name of an earlier hidden layer, whose output has the shape of this one's
    scale : float, positive, what a spike adds to the current

    Source
        Zheng et al. 2021 (AAAI), tdBN: the identity of a residual block.
    """

    def __init__(self, source: str, scale: float = 1.0):
        if not scale > 0:
            raise ValueError(f"Scale must be positive, not {scale!r}")
        super().__init__()
        self.source = source
        self.scale = float(scale)

    def forward(self, activity: Activity) -> Tensor:
        """Return the current to add, (T, batch, ...)."""
        return activity.spikes * self.scale


class SynapseShortcut(_Branch):
    """The spikes of an earlier layer through a synapse of their own, where shapes change.

    Parameters
    ----------
    source : name of an earlier hidden layer
    synapse, norm, gate, pool : as in `Layer`
    """

    def __init__(self, source: str, synapse: nn.Module, norm: nn.Module | None = None,
                 gate: nn.Module | None = None, *, pool: Pool | None = None):
        super().__init__(synapse, norm, gate, pool)
        self.source = source

    def forward(self, activity: Activity) -> Tensor:
        """Return the current to add, (T, batch, ...)."""
        return self.drive(activity.spikes)


class Recurrence(_Branch):
    """A layer's own spikes of the timestep before, through a synapse of their own.

    Parameters
    ----------
    synapse : as in `Layer`, of as many inputs as neurons
    norm : `Scale`, or any module for export like ``torch.nn.BatchNorm1d`` in evaluation
    gate : as in `Layer`
    """

    source = None

    def __init__(self, synapse: nn.Module, norm: nn.Module | None = None,
                 gate: nn.Module | None = None):
        super().__init__(synapse, norm, gate, None)

    def forward(self, before: Tensor) -> Tensor:
        """Turn the spikes of the timestep before, (batch, neurons), into the current to add."""
        return self.drive(before.unsqueeze(0)).squeeze(0)


class Layer(_Branch):
    """Optional pool, synapse, optional norm and gate, shortcuts, neuron.

    Parameters
    ----------
    synapse : module on (steps, batch, ...): `BinaryLinear`, `BinaryConv2d` or, for export, any
        module with a ``weight`` (and ``bias``) like ``torch.nn.Linear`` or ``torch.nn.Conv2d``
    norm : `BatchNorm`, any module like ``torch.nn.BatchNorm1d`` for export, or None
    gate : `AGMMGate` or None
    neuron : `LIF` or `IF`
    pool : `Pool` of the incoming spikes, or None
    source : name of the earlier hidden layer whose spikes come in; None for the one before
    shortcuts : sequence of `CurrentShortcut`, `SpikeShortcut`, `SynapseShortcut` and
        `Recurrence`, each added to the current
    """

    neuron: Any
    shortcuts: Any

    def __init__(self, synapse: nn.Module, norm: nn.Module | None = None,
                 gate: nn.Module | None = None, neuron: nn.Module | None = None, *,
                 pool: Pool | None = None, source: str | None = None,
                 shortcuts: Sequence[nn.Module] = ()):
        super().__init__(synapse, norm, gate, pool)
        self.neuron = LIF() if neuron is None else neuron
        self.source = source
        self.shortcuts = nn.ModuleList(shortcuts)

    def forward(self, inputs: Tensor, timesteps: int,
                earlier: Mapping[str, Activity] | None = None) -> Activity:
        """Run all timesteps.

        Parameters
        ----------
        inputs : (T or 1, batch, ...)
        timesteps : T
        earlier : what the layers did that shortcuts start from, by name
        """
        currents = self.drive(inputs)
        back = [each for each in self.shortcuts if isinstance(each, Recurrence)]
        for shortcut in self.shortcuts:
            if shortcut not in back:
                currents = currents + shortcut((earlier or {})[shortcut.source])
        if back:
            return self._step_by_step(currents, timesteps, back)
        return Activity(currents, self.neuron(currents, timesteps))

    def _step_by_step(self, currents: Tensor, timesteps: int, back: Sequence[Recurrence]
                      ) -> Activity:
        """Run all timesteps, each with the spikes of the one before."""
        totals, spikes, kept = [], [], None
        before = torch.zeros_like(currents[0])
        for step in range(timesteps):
            total = currents[step if len(currents) > 1 else 0]
            for recurrence in back:
                total = total + recurrence(before)
            before, kept = self.neuron.step(total, kept)
            totals.append(total)
            spikes.append(before)
        return Activity(torch.stack(totals), torch.stack(spikes))


class Readout(_Branch):
    """The last layer, without spikes: the score is the mean over the timesteps.

    Parameters
    ----------
    synapse, norm, pool, source : as in `Layer`; ``norm`` is usually `SharedScaleNorm`
    """

    def __init__(self, synapse: nn.Module, norm: nn.Module | None = None, *,
                 pool: Pool | None = None, source: str | None = None):
        super().__init__(synapse, norm, None, pool)
        self.neuron = None
        self.source = source
        self.shortcuts = nn.ModuleList()

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn ``(T, batch, ...)`` into scores ``(batch, classes)``."""
        return self.drive(inputs).mean(0)
