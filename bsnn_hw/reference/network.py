"""The integer network executed by torch: every spike, membrane potential and score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from bsnn_hw.ir.network import (
    Coding,
    CurrentShortcut,
    Hidden,
    Network,
    Shape,
    SpikeShortcut,
)
from bsnn_hw.reference import gate, neuron, readout, synapse
from bsnn_hw.reference.incoming import incoming, joined_spikes
from bsnn_hw.reference.neuron import State
from bsnn_hw.reference.pool import largest_sums

__all__ = ["LayerTrace", "State", "Trace", "accumulated", "currents", "gained", "given_spikes",
           "in_sequence", "integrate", "joined", "recurred", "run", "run_hidden"]

PIECE = 1 << 19  # neurons times timesteps of one layer in work at a time: about the cache


@dataclass(frozen=True)
class LayerTrace:
    """One spiking layer: ``charged`` (H) and ``settled`` (V) int64, ``fired`` bool, all
    (N, T, neurons); neurons in the order of `Shape`.

    joined : bool, where the layer has a join: the spikes that leave it
    """

    charged: np.ndarray
    fired: np.ndarray
    settled: np.ndarray
    joined: np.ndarray | None = None

    @property
    def sent(self) -> np.ndarray:
        """The spikes that leave the layer, bool (N, T, neurons)."""
        return self.fired if self.joined is None else self.joined

    def part(self, samples: slice) -> LayerTrace:
        """The same of some samples, not copied."""
        return LayerTrace(self.charged[samples], self.fired[samples], self.settled[samples],
                          None if self.joined is None else self.joined[samples])


@dataclass(frozen=True)
class Trace:
    """A run: ``hidden`` layers, ``scores`` int64 (N, classes), ``classes`` int64 (N,).

    Without ``potentials`` the layers hold spikes only and empty potentials.
    state : of a stateful network, by number of the layer, what the next inference starts from
    """

    hidden: tuple[LayerTrace, ...]
    scores: np.ndarray
    classes: np.ndarray
    state: Mapping[int, State] = field(default_factory=dict)


def run(network: Network, inputs: np.ndarray, *, potentials: bool = True,
        batch: int = 1000, resets: np.ndarray | None = None,
        state: Mapping[int, State] | None = None) -> Trace:
    """Execute the network.

    Parameters
    ----------
    inputs : integer ndarray
        Direct coding: (N, size), values 0..2**bits-1. Events: (N, T, size), values 0 or 1.
    potentials : bool
        Keep the membrane potentials too (16 bytes per neuron and timestep).
    batch : int
        Samples at a time, fewer where maps are large; changes memory and speed, no result.
    resets : bool (N,), of a stateful network: the state is 0 before these samples; None for none
    state : that the first sample starts from, of the run before; None for 0

    Raises
    ------
    ValueError
        The shape or the range of ``inputs`` does not fit the network.
    """
    inputs = np.asarray(inputs)
    _check(network, inputs)
    largest = max((layer.synapse.shape.size for layer in network.hidden), default=1)
    batch = max(1, min(batch, PIECE // (largest * network.timesteps)))
    count = len(inputs)
    hidden = tuple(_room(network, layer, count, potentials) for layer in network.hidden)
    scores = np.empty((count, network.readout.synapse.neurons), np.int64)
    kept = dict(state or {})
    for part in _parts(count, batch, resets if network.stateful else None):
        if resets is not None and resets[part.start]:
            kept.clear()
        traced = tuple(layer.part(part) for layer in hidden)
        scores[part] = _run_batch(network, torch.as_tensor(inputs[part]), traced, kept)
    return Trace(hidden, scores, readout.decide(torch.as_tensor(scores)).numpy(), kept)


def _parts(count: int, batch: int, resets: np.ndarray | None) -> list[slice]:
    """All samples, ``batch`` at a time at most, and none behind one that starts from 0."""
    starts = {*range(0, count, batch), *([] if resets is None else np.flatnonzero(resets).tolist())}
    ordered = sorted(starts)
    return [slice(*ends) for ends in zip(ordered, [*ordered[1:], count], strict=True)]


def _room(network: Network, layer: Hidden, count: int, potentials: bool) -> LayerTrace:
    size = network.timesteps, layer.shape.size
    kept = count if potentials else 0
    return LayerTrace(np.empty((kept, *size), np.int64), np.empty((count, *size), bool),
                      np.empty((kept, *size), np.int64),
                      np.empty((count, *size), bool) if layer.join else None)


def _check(network: Network, inputs: np.ndarray) -> None:
    shape = ((network.input.size,) if network.input.coding is Coding.DIRECT
             else (network.timesteps, network.input.size))
    if inputs.ndim != len(shape) + 1 or inputs.shape[1:] != shape or not len(inputs):
        raise ValueError(f"inputs must have shape (N, {', '.join(map(str, shape))}) with N >= 1, "
                         f"not {inputs.shape}")
    if inputs.min() < 0 or inputs.max() > network.input.max_value:
        raise ValueError(f"inputs must lie in 0..{network.input.max_value}, "
                         f"not {inputs.min()}..{inputs.max()}")


def _run_batch(network: Network, inputs: torch.Tensor, traced: Sequence[LayerTrace],
               kept: dict[int, State]) -> np.ndarray:
    """Fill ``traced`` with the hidden layers' spikes and potentials, give the scores; ``kept`` is
    the state before, and then behind."""
    spikes: dict[int, torch.Tensor] = {-1: _multiplied(network, inputs)}
    carried: dict[int, torch.Tensor] = {}
    last_use = {number - shortcut.back: number for number, layer in enumerate(network.hidden)
                for shortcut in layer.shortcuts if isinstance(shortcut, CurrentShortcut)}
    for number, (layer, trace) in enumerate(zip(network.hidden, traced, strict=True)):
        accs = accumulated(network, number, spikes)
        extra = joined(layer, number, spikes, carried, network.features)
        accs = largest_sums(layer.current_pool, layer.synapse.shape, accs)
        carried[number] = recurred(layer, currents(layer, accs, extra,
                                                   _factors(network, number, spikes)),
                                   kept.get(number))
        charged, fired, settled, left = integrate(layer, carried[number], kept.get(number))
        if layer.neuron.stateful:
            kept[number] = left
        spikes[number] = joined_spikes(layer, number, fired, spikes, network.features)
        trace.fired[:] = fired.numpy()
        if trace.joined is not None:
            trace.joined[:] = spikes[number].numpy()
        if len(trace.charged):
            trace.charged[:], trace.settled[:] = charged.numpy(), settled.numpy()
        carried = {source: kept for source, kept in carried.items()
                   if last_use.get(source, -1) > number}
    accs = accumulated(network, len(network.hidden), spikes)
    return readout.score(network.readout, accs).numpy()


def _multiplied(network: Network, inputs: torch.Tensor) -> torch.Tensor:
    """What the first layer's synapses get."""
    if not network.input.factors:
        return inputs
    factors = torch.as_tensor(network.input.factors)
    return inputs * factors.repeat_interleave(network.input.features.positions)


def given_spikes(network: Network, inputs: np.ndarray, trace: Trace) -> dict[int, torch.Tensor]:
    """What each layer of a run sent, by its number; -1 is what came in."""
    return {-1: _multiplied(network, torch.as_tensor(np.asarray(inputs))),
            **{number: torch.as_tensor(layer.sent) for number, layer in enumerate(trace.hidden)}}


def accumulated(network: Network, number: int,
                spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
    """The sums of layer ``number``'s own synapses, int64 (N, T, neurons), before any pooling.

    spikes : by layer number, what leaves it; -1 is what comes into the network
    """
    layer = network.layers[number]
    came = incoming(layer, number, spikes, network.features, _largest(network, number))
    return synapse.sums(layer.synapse, came.values, network.timesteps, *came[1:])


def _factors(network: Network, number: int,
             spikes: Mapping[int, torch.Tensor]) -> torch.Tensor | None:
    layer = network.hidden[number]
    if layer.gate is None:
        return None
    came = incoming(layer, number, spikes, network.features, _largest(network, number))
    return gate.factors(replace(layer, pool=came.pool), came.values, network.timesteps,
                        came.max_value, came.source)


def _largest(network: Network, number: int) -> int:
    """Largest value of one event that comes into layer ``number``."""
    return 1 if number else network.input.largest


def joined(layer: Hidden, number: int, spikes: Mapping[int, torch.Tensor],
           carried: Mapping[int, torch.Tensor],
           features: Callable[[int], Shape]) -> torch.Tensor | None:
    """What all shortcuts from earlier layers add, int64 (N, T, neurons); None where there are none.

    number : int, the layer's own
    spikes, carried, features : by layer number: the spikes (N, T, n) that leave it, whole currents
        (N, T, n) of those that a `CurrentShortcut` names, and shapes
    """
    total = None
    for shortcut in layer.shortcuts:
        if not shortcut.back:
            continue  # see `recurred`
        source = number - shortcut.back
        if isinstance(shortcut, CurrentShortcut):
            part = carried[source]
        elif isinstance(shortcut, SpikeShortcut):
            part = gained(shortcut.gain, spikes[source])
        else:
            came = incoming(shortcut, number, spikes, features, 1)
            part = gained(shortcut.gain, synapse.sums(shortcut.synapse, came.values,
                                                      came.values.shape[1], *came[1:]))
        total = part if total is None else total + part
    return total


def gained(gain: np.ndarray, values: torch.Tensor) -> torch.Tensor:
    """``values`` (N, T, neurons) times ``gain`` (T, channels), int64."""
    return torch.stack([neuron.scaled(row, values[:, t]) for t, row in enumerate(gain)], dim=1)


def currents(layer: Hidden, accs: torch.Tensor, extra: torch.Tensor | None = None,
             factors: torch.Tensor | None = None) -> torch.Tensor:
    """The whole current, int64 (N, T, neurons), from ``accs``, what is `joined`, and the factors
    (N, T) of a gate that the samples make."""
    steps = []
    for t in range(accs.shape[1]):
        gated = None
        if factors is not None:
            assert layer.gate is not None
            gated = neuron.Gated(factors[:, t], layer.gate.factor_bits)
        steps.append(neuron.charge(layer.neuron, t, accs[:, t],
                                   None if extra is None else extra[:, t], gated))
    return torch.stack(steps, dim=1)


def in_sequence(stateful: bool, values: torch.Tensor) -> torch.Tensor:
    """``values`` (N, T, neurons), where samples keep the state as one with all their timesteps,
    (1, N * T, neurons)."""
    return values.reshape(1, -1, values.shape[2]) if stateful else values


def recurred(layer: Hidden, current: torch.Tensor, state: State | None = None) -> torch.Tensor:
    """The whole current, int64 (N, T, neurons): ``current``, and what the layer's own spikes of
    the timestep before add, none at t = 0 but those of ``state``."""
    if not layer.recurrences:
        return current
    given = in_sequence(layer.neuron.stateful, current)
    state = state or neuron.at_rest(given[:, 0])
    steps = []
    for t in range(given.shape[1]):
        now = given[:, t]
        for shortcut in layer.recurrences:
            acc = synapse.sums(shortcut.synapse, state.fired[:, None], 1, 1)[:, 0]
            now = now + neuron.scaled(shortcut.gain[t % len(shortcut.gain)], acc)
        _, state = neuron.advance(layer.neuron, t, state, now)
        steps.append(now)
    return torch.stack(steps, dim=1).reshape(current.shape)


def integrate(layer: Hidden, current: torch.Tensor,
              state: State | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, State]:
    """``(charged, fired, settled)``, each (N, T, neurons), from the whole ``current``, and what is
    left; of a stateful layer samples start from what the one before left, the first from
    ``state``."""
    given = in_sequence(layer.neuron.stateful, current)
    state = state or neuron.at_rest(given[:, 0])
    steps = []
    for t in range(given.shape[1]):
        charged, state = neuron.advance(layer.neuron, t, state, given[:, t])
        steps.append((charged, state.fired, state.potential))
    charged, fired, settled = (torch.stack(tensors, dim=1).reshape(current.shape)
                               for tensors in zip(*steps, strict=True))
    return charged, fired, settled, state


def run_hidden(layer: Hidden, accs: torch.Tensor, extra: torch.Tensor | None = None,
               factors: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
    """``(charged, fired, settled)``, each (N, T, neurons); arguments as in `currents`."""
    return integrate(layer, recurred(layer, currents(layer, accs, extra, factors)))[:3]
