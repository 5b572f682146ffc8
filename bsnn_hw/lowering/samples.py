"""What the layers that are integers by now make of the calibration samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from bsnn_hw.ir.network import Hidden
from bsnn_hw.lowering.factors import multiplied
from bsnn_hw.lowering.fold import pooling_of
from bsnn_hw.lowering.graph import INPUT, Graph
from bsnn_hw.lowering.join import unit
from bsnn_hw.model import real
from bsnn_hw.model.description import Layer, Linear, SynapseShortcut
from bsnn_hw.reference import gate, synapse
from bsnn_hw.reference.incoming import incoming, joined_spikes
from bsnn_hw.reference.network import currents, integrate, joined, recurred
from bsnn_hw.reference.pool import largest_sums, pooled

__all__ = ["Samples", "enough", "part_sums", "sequence_starts"]

# Above this many neurons or synapses, times timesteps times samples, samples of convolutional
# networks are left out.
MAX_STEPS = 10 ** 8
MAX_SUMS = 10 ** 10
PIECE_STEPS = 1 << 20  # neurons times timesteps in work at a time
PIECE = 32  # samples at a time, at most


class Samples:
    """Spikes of the calibration samples, as far as the network is lowered.

    Parameters
    ----------
    graph : Graph
    inputs : integers, (N, size) or (N, T, size)
    """

    def __init__(self, graph: Graph, inputs: np.ndarray) -> None:
        self._graph = graph
        self.spikes = {INPUT: torch.as_tensor(multiplied(graph.model.input, inputs))}
        self._carried: dict[int, torch.Tensor] = {}
        self._units: dict[int, float] = {}

    def given(self, piece: slice) -> dict[str, torch.Tensor]:
        """Currents of integer layers that later ones add, by name, float64 (B, T, neurons)."""
        return {self._graph.model.layers[number].name: values[piece].double() * self._units[number]
                for number, values in self._carried.items()}

    def pieces(self, shape_size: int) -> list[slice]:
        """All samples, so few at a time that layers of this size stay small; those of a stateful
        model are sequences, each from a state of 0."""
        steps = shape_size * self._graph.model.timesteps
        size, count = max(1, min(PIECE, PIECE_STEPS // steps)), len(self.spikes[INPUT])
        if self._graph.model.stateful:
            size = PIECE
        return [slice(start, start + size) for start in range(0, count, size)]

    def sums(self, number: int) -> torch.Tensor:
        """Sums of the signs of layer ``number`` over what comes in, integers (N, T, neurons)."""
        layer, timesteps = self._graph.model.layers[number], self._graph.model.timesteps
        values = self.given_by(self._graph.source(layer))
        return part_sums(layer, values, timesteps, self.pieces(layer.summed.size))

    def given_by(self, number: int) -> torch.Tensor:
        """What layer ``number`` gives, or the `INPUT`: its spikes, or how many a join adds."""
        found = [self.spikes[source] if pool is None else
                 pooled(pooling_of(pool), self._graph.shape(source), self.spikes[source])
                 for source, pool in self._graph.streams(number)]
        return found[0] if len(found) == 1 else torch.stack(
            [each.to(torch.int16) for each in found]).sum(dim=0, dtype=torch.int16)

    def fire(self, number: int, folded: Hidden) -> None:
        """Let layer ``number`` work in integers; then its spikes are among ``spikes``."""
        graph, kept = self._graph, []
        for part in self.pieces(folded.synapse.shape.size):
            spikes = {source: self.spikes[source][part] for source in graph.sources(number)}
            carried = {source: self._carried[source][part] for source in graph.carried(number)}
            came = incoming(folded, number, spikes, graph.shape,
                            1 if number else graph.max_value(INPUT))
            accs = synapse.sums(folded.synapse, came.values, graph.model.timesteps, *came[1:])
            accs = largest_sums(folded.current_pool, folded.synapse.shape, accs)
            factors = gate.factors(replace(folded, pool=came.pool), came.values,
                                   graph.model.timesteps, came.max_value, came.source)
            whole = recurred(folded, currents(
                folded, accs, joined(folded, number, spikes, carried, graph.shape), factors))
            fired = joined_spikes(folded, number, integrate(folded, whole)[1], spikes, graph.shape)
            kept.append((fired, whole if self._is_carried(number) else None))
        self.spikes[number] = torch.cat([fired for fired, _ in kept])
        if self._is_carried(number):
            self._carried[number] = torch.cat([whole for _, whole in kept if whole is not None])
            group = next(group for group in graph.groups if number in group)
            self._units[number] = unit(graph, group, folded.neuron.fraction_bits)
        for store in (self.spikes, self._carried):
            for done in [each for each in store if INPUT < each and graph.last_use(each) <= number]:
                del store[done]

    def _is_carried(self, number: int) -> bool:
        return any(number in self._graph.carried(other)
                   for other in range(number + 1, len(self._graph.model.layers)))


def sequence_starts(count: int) -> np.ndarray:
    """Which of ``count`` samples of a stateful model are the first of a sequence, bool (count,)."""
    return np.asarray(np.arange(count) % PIECE == 0)


def part_sums(part: Layer | SynapseShortcut, values: torch.Tensor, timesteps: int,
              pieces: Sequence[slice] = (slice(None),)) -> torch.Tensor:
    """Sums of the signs of a layer or a shortcut, integers (N, T, neurons).

    values : spikes (N, T, n), or direct-coded samples (N, n), which are summed once
    pieces : of the samples, in order; changes memory, no result
    """
    rows = values[:, None] if values.ndim == 2 else values
    counts = torch.cat([_compact(real.sums(part, rows[piece])) for piece in pieces])
    return counts.expand(-1, timesteps, -1)


def _compact(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.int32 if values.abs().max() < 1 << 31 else torch.int64)


def enough(graph: Graph, inputs: np.ndarray) -> np.ndarray:
    """The first samples, as many as can be looked at in seconds: of 10**8 neurons times timesteps
    and of 10**10 synapses times timesteps at most; all where no layer is a convolution.
    """
    layers = graph.model.layers
    parts = [part for layer in layers for part in (layer, *layer.shortcuts)
             if isinstance(part, (Layer, SynapseShortcut))]
    if all(isinstance(part.synapse, Linear) for part in parts):
        return inputs
    steps = sum(layer.summed.size for layer in layers) * graph.model.timesteps
    sums = graph.model.timesteps * sum(part.summed.size * part.synapse.weight[0].size
                                       for part in parts)
    return inputs[:max(1, min(MAX_STEPS // steps, MAX_SUMS // sums))]
