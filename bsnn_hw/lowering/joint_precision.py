"""How many fraction bits the layers of a group need, which share one unit of their currents.

As for single layers, on equal input: what comes into a layer are the spikes (and, into layers
between those of the group, the currents) that the integer layers before the group emit, and within
the group those of the real-valued layers, a recurrent one's own among them.  So all layers are
measured at one go, and the group takes the fewest bits with which each is within the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import CurrentShortcut, Hidden, NeuronSpec
from bsnn_hw.lowering.graph import INPUT, Graph
from bsnn_hw.lowering.join import fold_group
from bsnn_hw.lowering.precision import Precision, fitting, leak_candidates, usual_leak
from bsnn_hw.lowering.samples import Samples, part_sums
from bsnn_hw.model import real
from bsnn_hw.model.currents import a_timestep_later, in_sequence
from bsnn_hw.model.description import Layer, Shortcut, SpikeShortcut, SynapseShortcut
from bsnn_hw.model.joined_spikes import joined_spikes
from bsnn_hw.reference import neuron
from bsnn_hw.reference.network import currents, gained

__all__ = ["choose_group"]

# A count is no exact multiple of the unit, as it is in a layer of its own, and that of a pixel is
# much smaller than that of a spike.
JOINT_CANDIDATES = range(17)


@dataclass(frozen=True)
class _Seen:
    """What one layer of the group sees in some samples, (B, T, neurons) each.

    counts : sums of the layer's signs; wanted : the real-valued layer's spikes
    extras : per shortcut of the integer layer its sums or spikes, None for a current
    """

    counts: torch.Tensor
    extras: tuple[torch.Tensor | None, ...]
    wanted: torch.Tensor


def choose_group(graph: Graph, group: tuple[int, ...], samples: Samples, *, tolerance: float,
                 fraction_bits: int | None, leak_bits: int | None
                 ) -> dict[int, tuple[Hidden, Precision]]:
    """The cheapest integer layers within ``tolerance``, the most precise if there are none.

    samples : as far as the layers before the group
    fraction_bits, leak_bits : int or None; what is given is not searched
    """
    largest = max(graph.shape(number).size for number in range(group[0], group[-1] + 1))
    pieces = [_look(graph, group, samples, piece) for piece in samples.pieces(largest)]
    spikes = {number: max(1, sum(int(piece[number].wanted.sum()) for piece in pieces))
              for number in group}

    def fold(fraction: int, leaks: Mapping[int, int]) -> dict[int, Hidden]:
        return fold_group(graph, group, fraction_bits=fraction, leak_bits=leaks)

    def measure(fraction: int, leaks: Mapping[int, int]) -> dict[int, float]:
        folded = fold(fraction, leaks)
        changed = dict.fromkeys(group, 0)
        for piece in pieces:
            for number, count in _changed(folded, piece).items():
                changed[number] += count
        return {number: changed[number] / spikes[number] for number in group}

    stateful = graph.model.stateful
    coarse = dict.fromkeys(group, usual_leak(stateful) if leak_bits is None else leak_bits)
    candidates: Sequence[int] = [fraction_bits] if fraction_bits is not None else fitting(
        lambda bits: fold(bits, coarse), JOINT_CANDIDATES)
    leaks = coarse if leak_bits is not None else _leaks(
        lambda leaks: measure(candidates[-1], leaks), group, leak_candidates(stateful),
        tolerance / 2)
    chosen, mismatch = _fewest(lambda bits: measure(bits, leaks), candidates, tolerance)
    return {number: (layer, Precision(chosen, leaks[number], mismatch[number]))
            for number, layer in fold(chosen, leaks).items()}


def _fewest(measure: Callable[[int], dict[int, float]], candidates: Sequence[int],
            tolerance: float) -> tuple[int, dict[int, float]]:
    """The fewest bits with which no layer is beyond the tolerance, found by halving: more bits
    change less.  The most bits if there are none.  And what is measured there."""
    low, high = 0, len(candidates) - 1
    best = measure(candidates[high])
    if max(best.values()) > tolerance:
        return candidates[high], best
    while low < high:
        middle = (low + high) // 2
        measured = measure(candidates[middle])
        if max(measured.values()) <= tolerance:
            high, best = middle, measured
        else:
            low = middle + 1
    return candidates[high], best


def _leaks(measure: Callable[[Mapping[int, int]], dict[int, float]], group: tuple[int, ...],
           choices: Sequence[int], tolerance: float) -> dict[int, int]:
    """The first leak bits of each layer within the tolerance, the best if there are none."""
    measured: dict[int, Mapping[int, float]] = {}
    for bits in choices:
        try:
            measured[bits] = measure(dict.fromkeys(group, bits))
        except InputError:  # a leak that is rounded to 1 bounds no potential
            measured[bits] = dict.fromkeys(group, math.inf)
        if max(measured[bits].values()) <= tolerance:
            break
    return {number: min(measured, key=lambda bits: max(tolerance, measured[bits][number]))
            for number in group}


def _look(graph: Graph, group: tuple[int, ...], samples: Samples,
          piece: slice) -> dict[int, _Seen]:
    """What each layer of the group sees in one piece of the samples."""
    model, seen = graph.model, {}
    given = samples.given(piece)  # layers between those of the group may add older currents
    ones = {number: values[piece] for number, values in samples.spikes.items()}
    fired = {model.layers[number].name: samples.given_by(number)[piece] for number in ones
             if number != INPUT and all(each in ones for each, _ in graph.streams(number))}
    for number in range(group[0], group[-1] + 1):
        layer, source = model.layers[number], graph.source(model.layers[number])
        values = ones[INPUT] if source == INPUT else fired[model.layers[source].name]
        counts = part_sums(layer, values, model.timesteps)
        whole = real.currents(layer, counts, model.input if source == INPUT else None)
        given[layer.name] = real.recurred(layer, real.join(layer, whole, fired, given))
        own = real.spikes(layer, given[layer.name])[0]
        fired[layer.name] = joined_spikes(layer, own, fired)
        adds = layer.join is not None and layer.join.kind is None
        ones[number] = own if adds else fired[layer.name]
        if number in group:
            extras = tuple(extra for shortcut in layer.shortcuts
                           for extra in _extras(graph, shortcut, layer, fired, ones))
            seen[number] = _Seen(counts, extras, own)
    return seen


def _extras(graph: Graph, shortcut: Shortcut, layer: Layer, fired: Mapping[str, torch.Tensor],
            ones: Mapping[int, torch.Tensor]) -> list[torch.Tensor | None]:
    """What each integer shortcut of a real-valued one gets.

    fired : what layers give, by name; ones : their spikes, by number
    """
    if isinstance(shortcut, SynapseShortcut):
        values = fired[shortcut.source]
        return [part_sums(shortcut, a_timestep_later(layer, values)
                          if shortcut.source == layer.name else values, graph.model.timesteps)]
    if isinstance(shortcut, SpikeShortcut):
        return [ones[number] for number, _ in graph.streams(graph.number(shortcut.source))]
    return [None]


def _changed(folded: Mapping[int, Hidden], piece: Mapping[int, _Seen]) -> dict[int, int]:
    """How many spikes of each layer are not as wanted."""
    whole: dict[int, torch.Tensor] = {}
    changed = {}
    for number, layer in folded.items():
        seen = piece[number]
        extra = None
        for shortcut, values in zip(layer.shortcuts, seen.extras, strict=True):
            if isinstance(shortcut, CurrentShortcut):
                part = whole[number - shortcut.back]
            else:
                assert values is not None
                part = gained(shortcut.gain, values)
            extra = part if extra is None else extra + part
        whole[number] = currents(layer, seen.counts, extra)
        changed[number] = _wrong(layer.neuron, whole[number], seen.wanted)
    return changed


def _wrong(spec: NeuronSpec, whole: torch.Tensor, wanted: torch.Tensor) -> int:
    whole, wanted = (in_sequence(spec.stateful, values) for values in (whole, wanted))
    state, wrong = neuron.at_rest(whole[:, 0]), 0
    for t in range(whole.shape[1]):
        _, state = neuron.advance(spec, t, state, whole[:, t])
        wrong += int((state.fired != wanted[:, t]).sum())
    return wrong
