"""From spikes to a layer's current G, in torch: pooling, exact sums, norm and gate, shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bsnn_hw.model.description import (
    Conv2d,
    CurrentShortcut,
    Input,
    Layer,
    Pooling,
    PoolingKind,
    Shortcut,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.model.synapse import of_every_input

if TYPE_CHECKING:
    import torch

__all__ = ["a_timestep_later", "added", "currents", "given_back", "in_sequence", "join", "pooled",
           "scaled", "sums"]

FLOAT32_INTEGERS = 1 << 24  # below it float32 holds every integer


def sums(part: Layer | SynapseShortcut, values: torch.Tensor) -> torch.Tensor:
    """Sums of the coefficients over pooled values, float (N, T, neurons), exact of integers.

    part : what has a synapse and a feed
    values : bool or integers (N, T, neurons of the feed's source), spikes or input values, or
        float64, `scaled`; behind an average the integers are counts, which `currents` divides
    """
    import torch

    synapse, source = part.synapse, part.feed.source_shape
    maps = values.reshape(-1, source.channels, source.height, source.width)
    if part.feed.pool:
        maps = pooled(maps, part.feed.pool)
    largest = int(maps.max()) if maps.numel() else 0
    # No partial sum leaves the integers, so their order changes nothing.
    narrow = not values.is_floating_point() and synapse.reach * largest < FLOAT32_INTEGERS
    exact = torch.float32 if narrow else torch.float64
    coefficients = torch.from_numpy(synapse.coefficients).to(exact)
    maps = maps.to(exact)
    if not isinstance(synapse, Conv2d):
        found = maps.flatten(1) @ coefficients.T
    else:
        # NNPACK's transforms would round.
        with torch.backends.nnpack.flags(enabled=False):
            found = torch.nn.functional.conv2d(maps, coefficients, stride=synapse.stride,
                                               padding=synapse.padding, groups=synapse.groups)
    return found.reshape(*values.shape[:-1], part.summed.size)


def pooled(spikes: torch.Tensor, pool: Pooling) -> torch.Tensor:
    """Spikes (B, C, H, W) as integers in float32 (B, C, windows down, windows across): whether any
    of a window fired, or how many did, also for an average."""
    from torch.nn.functional import avg_pool2d, max_pool2d, pad

    if pool.kind is PoolingKind.MAX:
        top, left = pool.padding
        return max_pool2d(pad(spikes.float(), (left, left, top, top)), pool.size, pool.stride)
    return avg_pool2d(spikes.float(), pool.size, pool.stride, divisor_override=1)


def currents(part: Layer | SynapseShortcut, sums: torch.Tensor, source: Input | None = None
             ) -> torch.Tensor:
    """gate * norm(sums + bias) of one synapse, pooled, float64 (N, T, neurons); no shortcuts.

    sums : (N, T, sums), integers: the coefficients summed over spikes or input values; channel
        by channel for a map, whose channels have one constant each
    source : Input of a first layer, whose scale, unless it is in ``sums``, and offset stand
        outside of the sum; None where spikes come in
    """
    import torch

    norm, synapse = part.norm, part.synapse
    mean, deviation, gamma, beta, bias = (torch.tensor(array)[:, None] for array in (
        norm.mean, np.sqrt(norm.var + norm.eps), norm.gamma, norm.beta, synapse.bias))
    found: torch.Tensor = sums.double().unflatten(  # type: ignore[no-untyped-call]
        -1, (len(norm.gamma), -1))
    if source is not None:
        scale = 1.0 if isinstance(source.scale, np.ndarray) else source.scale
        found = scale * found + torch.from_numpy(_offsets(part, source))
    elif part.feed.divisor != 1:
        found = found / part.feed.divisor
    found = found + bias
    found = found.sub_(mean).div_(deviation).mul_(gamma).add_(beta)
    gate = torch.tensor(part.gate)[:, None, None]
    if isinstance(part, Layer) and part.own_gate:
        gate = gate * torch.sigmoid(found.mean(dim=(-2, -1), keepdim=True))
    return _pooled_currents(part, found.mul_(gate))


def _offsets(part: Layer | SynapseShortcut, source: Input) -> np.ndarray:
    """What the input's offset adds to the sums, (channels, positions), or (channels, 1) where it
    is the same at all; padded places have none."""
    import torch

    synapse, offset = part.synapse, source.offset
    weights = of_every_input(synapse).astype(float)
    if isinstance(synapse, Conv2d) and any(synapse.padding) and np.any(offset):
        shape = source.shape
        whole = np.broadcast_to(np.reshape(offset, (-1, 1)), (shape.channels, shape.positions))
        return sums(part, torch.tensor(whole.ravel())).reshape(len(weights), -1).numpy()
    if isinstance(offset, np.ndarray):
        found: np.ndarray = weights.reshape(len(weights), len(offset), -1).sum(axis=2) @ offset
        return found[:, None]
    found = offset * weights.reshape(len(weights), -1).sum(axis=1)
    return found[:, None]


def scaled(source: Input, values: torch.Tensor) -> torch.Tensor:
    """Input values (..., size) times the scale of their channel, where channels have their own."""
    import torch

    if not isinstance(source.scale, np.ndarray):
        return values
    return values * torch.from_numpy(source.scale.repeat(source.shape.positions))


def _pooled_currents(part: Layer | SynapseShortcut, given: torch.Tensor) -> torch.Tensor:
    """Currents (N, T, channels, positions) behind the pooling of a layer, (N, T, neurons)."""
    from torch.nn.functional import avg_pool2d, max_pool2d

    pool = part.current_pool if isinstance(part, Layer) else None
    if pool is None:
        return given.flatten(-2)
    summed = part.summed
    maps = given.reshape(-1, summed.channels, summed.height, summed.width)
    if pool.kind is PoolingKind.MAX:
        maps = max_pool2d(maps, pool.size, pool.stride)
    else:
        divisor = None if pool.kind is PoolingKind.AVG else 1
        maps = avg_pool2d(maps, pool.size, pool.stride, divisor_override=divisor)
    return maps.reshape(*given.shape[:2], -1)


def join(layer: Layer, own: torch.Tensor, fired: Mapping[str, torch.Tensor],
         given: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The layer's own current and every shortcut's from an earlier layer, added in order: G, but
    for what a recurrence adds, see ``real.recurred``.

    own : float64 (N, T, neurons)
    fired, given : what they give, see `joined_spikes`, and the currents G, float64 (N, T, neurons),
        of earlier layers by name, at least of those that the shortcuts name
    """
    for shortcut in layer.shortcuts:
        if shortcut.source != layer.name:
            own = own + added(shortcut, fired, given)
    return own


def added(shortcut: Shortcut, fired: Mapping[str, torch.Tensor],
          given: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """What one shortcut adds, float64 (N, T, neurons); ``fired`` and ``given`` as in `join`."""
    if isinstance(shortcut, CurrentShortcut):
        return given[shortcut.source]
    if isinstance(shortcut, SpikeShortcut):
        return shortcut.scale * fired[shortcut.source].double()
    return currents(shortcut, sums(shortcut, fired[shortcut.source]))


def in_sequence(stateful: bool, values: torch.Tensor) -> torch.Tensor:
    """``values`` (N, T, neurons), where samples keep the state as one with all their timesteps,
    (1, N * T, neurons)."""
    return values.reshape(1, -1, values.shape[2]) if stateful else values


def a_timestep_later(layer: Layer, spikes: torch.Tensor) -> torch.Tensor:
    """What a recurrence of ``layer`` brings of its spikes (N, T, neurons): none in the first
    timestep, of the first sample only where the layer is stateful."""
    import torch

    assert layer.neuron is not None
    given = in_sequence(layer.neuron.stateful, spikes)
    later = torch.cat([torch.zeros_like(given[:, :1]), given[:, :-1]], dim=1)
    return later.reshape(spikes.shape)


def given_back(layer: Layer, given: torch.Tensor, spikes: torch.Tensor) -> torch.Tensor:
    """G, float64 (N, T, neurons): ``given``, and what recurrences add of the layer's own
    ``spikes``, bool (N, T, neurons), where these are known before."""
    for shortcut in layer.recurrences:
        given = given + currents(shortcut, sums(shortcut, a_timestep_later(layer, spikes)))
    return given
