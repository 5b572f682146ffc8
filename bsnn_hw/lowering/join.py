"""Joined layers to the second normal form, for given fraction bits; equations in docs/ir.md.

Where currents of different layers meet, no channel's scale can be divided out.  All layers of a
group share one unit of their currents, a power of two: so a parameter that is a multiple of it
stays exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bsnn_hw.ir.bounds import Ends, HiddenBounds, StepEnds, hidden_bounds, step_bounds
from bsnn_hw.ir.network import (
    CurrentShortcut,
    Hidden,
    NeuronSpec,
    Shortcut,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.lowering.fold import (
    affine,
    pool_of,
    synapse_of,
    with_used_floors,
    with_used_resets,
)
from bsnn_hw.lowering.graph import Graph
from bsnn_hw.lowering.rounding import (
    LIMIT,
    check_saturation,
    check_width,
    rounded,
    steady_leak,
    threshold_integers,
    with_floor,
)
from bsnn_hw.lowering.spikes import placed, spike_join, summands
from bsnn_hw.model import description

__all__ = ["fold_group", "unit", "usual_fraction_bits"]


def fold_group(graph: Graph, group: tuple[int, ...], *, fraction_bits: int,
               leak_bits: Mapping[int, int]) -> dict[int, Hidden]:
    """The layers of one of the graph's groups in integers, by number.

    fraction_bits : int, of all of them: the lowest threshold is 2**fraction_bits units, or up to
        twice as many
    leak_bits : by number

    Raises
    ------
    InputError
        A layer would need potentials of more than 48 bits.
    """
    exponent = fraction_bits - _magnitude(graph, group)  # x / unit is x * 2**exponent
    folded: dict[int, Hidden] = {}
    currents: dict[int, list[Ends]] = {}
    for number in group:
        layer = _fold(graph, number, exponent, fraction_bits, leak_bits[number])
        value = graph.max_value(graph.source(graph.model.layers[number]))
        carried = [currents[source] for source in graph.carried(number)]
        _check(layer, hidden_bounds(layer, value, carried))
        steps = step_bounds(layer, value, carried)
        currents[number] = [step.current for step in steps]
        folded[number] = _tightened(layer, steps)
    return folded


def unit(graph: Graph, group: tuple[int, ...], fraction_bits: int) -> float:
    """What one unit of the group's integer currents is worth in real numbers."""
    return math.ldexp(1.0, _magnitude(graph, group) - fraction_bits)


def usual_fraction_bits(graph: Graph, group: tuple[int, ...]) -> int:
    """Bits to take where nothing is measured: with which the largest gain of each synapse has 6
    bits behind its first, as a layer of its own has, within 6 to 16."""
    gains = []
    for number in group:
        layer = graph.model.layers[number]
        entry = graph.model.input if graph.source(layer) < 0 else None
        gains.append(layer.gate.max() * np.abs(affine(layer, entry).scale).max())
        gains += [shortcut.gate.max() * np.abs(affine(shortcut, None).scale).max()
                  for shortcut in layer.shortcuts
                  if isinstance(shortcut, description.SynapseShortcut)]
    smallest = min((gain for gain in gains if gain > 0), default=1.0)
    bits = 6 + _magnitude(graph, group) - (int(np.frexp(smallest)[1]) - 1)
    return min(max(bits, 6), 16)


def _magnitude(graph: Graph, group: tuple[int, ...]) -> int:
    """The power of two at or next below the lowest threshold, in the unit of a current."""
    neurons = [graph.neuron(number) for number in group]
    lowest = min(np.min(each.threshold / each.input_scale) for each in neurons)
    return int(np.frexp(lowest)[1]) - 1


def _fold(graph: Graph, number: int, exponent: int, fraction_bits: int, leak_bits: int) -> Hidden:
    layer = graph.model.layers[number]
    source, neuron = graph.source(layer), graph.neuron(number)
    with np.errstate(over="ignore", invalid="ignore"):
        channel = affine(layer, graph.model.input if source < 0 else None)
        gain = _units(layer.gate[:, None] * channel.scale, exponent)
        shift = layer.gate[:, None] * channel.shift
        for shortcut in layer.shortcuts:
            if isinstance(shortcut, description.SynapseShortcut):
                shift = shift + shortcut.gate[:, None] * affine(shortcut, None).shift
        bias = _units(shift, exponent)
        whole = _units(shift[:, None, None] + layer.gate[:, None, None, None]
                       * channel.border.extra, exponent) if channel.border else bias
        threshold, reset_by = (np.ldexp(value / neuron.input_scale, exponent)
                               for value in (neuron.threshold, neuron.reset_amount))
        shortcuts = tuple(found for each in layer.shortcuts
                          for found in _shortcuts(graph, number, each, len(bias[0]), exponent))
    if max(np.abs(table).max() for table in (gain, bias, whole)) >= LIMIT:
        check_width(layer.name, LIMIT.bit_length())
    leak, current_leak = (steady_leak(value, bias.shape, leak_bits, neuron.stateful)
                          for value in (neuron.leak, neuron.current_leak))
    spec = NeuronSpec(fraction_bits, leak_bits, leak, bias,
                      threshold_integers(np.broadcast_to(threshold, bias.shape), neuron.comparison),
                      neuron.reset, neuron.comparison, gain,
                      rounded(np.broadcast_to(reset_by, bias.shape)),
                      channel.border.integers(bias, whole) if channel.border else None,
                      current_leak if current_leak.any() else None, neuron.stateful,
                      neuron.refractory, neuron.saturate)
    if neuron.min_potential is not None:
        spec = with_floor(spec, np.ldexp(neuron.min_potential / neuron.input_scale, exponent))
    check_saturation(layer.name, spec)
    synapse = synapse_of(layer, channel.weights, (gain != 0).any(axis=0))
    return placed(graph, number, Hidden(
        layer.name, synapse, spec, pool=pool_of(layer), shortcuts=shortcuts,
        join=spike_join(graph, number)))


def _shortcuts(graph: Graph, number: int, shortcut: description.Shortcut, channels: int,
               exponent: int) -> list[Shortcut]:
    """A shortcut; of spikes that a join adds one for each layer."""
    source = graph.number(shortcut.source)
    back, timesteps = number - source, graph.model.timesteps
    if isinstance(shortcut, description.CurrentShortcut):
        return [CurrentShortcut(back)]
    if isinstance(shortcut, description.SpikeShortcut):
        gain = _units(np.full((timesteps, channels), shortcut.scale), exponent)
        return [SpikeShortcut(number - each, gain) for each, _ in graph.streams(source)]
    channel = affine(shortcut, None)
    gain = _units(shortcut.gate[:, None] * channel.scale, exponent)
    synapse = synapse_of(shortcut, channel.weights, (gain != 0).any(axis=0))
    added = summands(graph, number, shortcut) if back else ()
    return [SynapseShortcut(back, synapse, gain, pool_of(shortcut), added)]


def _units(values: np.ndarray, exponent: int) -> np.ndarray:
    # What is no number comes of infinities of both signs, and is as much too large as they are.
    return rounded(np.nan_to_num(np.ldexp(values, exponent), nan=np.inf))


def _check(layer: Hidden, bounds: HiddenBounds) -> None:
    check_width(layer.name, bounds.current.width)
    for interval in (bounds.charging, bounds.charged, bounds.settled, bounds.carried):
        check_width(layer.name, interval.width, stateful=layer.neuron.stateful)


def _tightened(layer: Hidden, steps: Sequence[StepEnds]) -> Hidden:
    """Thresholds beyond what a neuron can reach become the nearest that says the same."""
    spec, above = layer.neuron, layer.neuron.comparison.excess
    threshold, used = spec.threshold.copy(), np.ones(spec.threshold.shape, bool)
    for row, may_fire, step in zip(threshold, used, steps, strict=True):
        low, high = step.charged
        never, always = row + above > high, row + above <= low
        may_fire[:] = ~never
        row[never] = high[never].astype(np.int64) + 1 - above
        if spec.reset_by is None:  # else a table may serve for both
            row[always] = low[always].astype(np.int64) - above
    spec = with_used_resets(replace(spec, threshold=threshold), used)
    return replace(layer, neuron=with_used_floors(spec, steps))
