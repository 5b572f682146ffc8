"""Proven ranges of every integer of a network, over all inputs and timesteps.

Interval arithmetic per output channel: the ends of what comes in map to ends of the accumulator,
these to the neuron's (neuron_bounds.py), and these to what the next layer gets.
Where an inference starts from the state of the one before, the potentials' ranges hold whatever
number of inferences came before.
Partial sums may leave these ranges while events arrive; two's complement brings them back, so
widths follow from the ends alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsnn_hw.ir.gate import SampleGate, position_weights
from bsnn_hw.ir.network import (
    Conv,
    CurrentShortcut,
    Hidden,
    Network,
    Pool,
    PoolKind,
    Readout,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)
from bsnn_hw.ir.neuron_bounds import Factors, neuron_bounds, own_current, scaled, times
from bsnn_hw.ir.ranges import (
    Ends,
    GateBounds,
    HiddenBounds,
    Interval,
    ReadoutBounds,
    StepEnds,
    SynapticBounds,
    every,
    hull,
)

__all__ = ["Ends", "GateBounds", "HiddenBounds", "Interval", "ReadoutBounds", "StepEnds",
           "SynapticBounds", "accumulator_bounds", "current_bounds", "gate_total_bounds",
           "hidden_bounds", "network_bounds", "neuron_bounds", "pooled_value", "readout_bounds",
           "step_bounds"]


def pooled_value(pool: Pool | None, max_value: int) -> int:
    """Largest value behind the pooling of values up to ``max_value``."""
    summed = pool is not None and pool.kind is PoolKind.SUM
    return max_value * pool.height * pool.width if pool and summed else max_value


def accumulator_bounds(synapse: Synapse, max_value: int,
                       pool: Pool | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest ``acc`` of each output channel, int64 (channels,).

    A convolution's whole kernel counts, also for positions where padding hides a part of it.

    max_value : int, largest value that comes in, before ``pool``
    """
    weights = synapse.weights.reshape(len(synapse.weights), -1)
    reach = np.where(synapse.connected, pooled_value(pool, max_value), 0)
    return (np.minimum(weights, 0).sum(axis=1, dtype=np.int64) * reach,
            np.maximum(weights, 0).sum(axis=1, dtype=np.int64) * reach)


def current_bounds(layer: Hidden, max_value: int,
                   carried: Sequence[Sequence[Ends]] = ()) -> list[Ends]:
    """Per timestep the ends of the layer's whole current; arguments as in `hidden_bounds`."""
    return [step.current for step in step_bounds(layer, max_value, carried)]


def step_bounds(layer: Hidden, max_value: int,
                carried: Sequence[Sequence[Ends]] = ()) -> list[StepEnds]:
    """Ends of each timestep; arguments as in `hidden_bounds`."""
    acc = accumulator_bounds(layer.synapse, max_value, layer.pool)
    factors = _factors(layer.gate, _total(layer, max_value)) if layer.gate else None
    return list(neuron_bounds(layer.neuron, *acc, _joined(layer, carried), factors))


def _factors(gate: SampleGate, total: Interval) -> Factors:
    """What the totals, with their offset, can reach in the table."""
    first, last = (min(max(end >> gate.shift, 0), gate.entries - 1)
                   for end in (total.low, total.high))
    return Factors(tuple((int(row[first:last + 1].min()), int(row[first:last + 1].max()))
                         for row in gate.table), gate.factor_bits)


def _total(layer: Hidden, max_value: int) -> Interval:
    """A gate's total with its offset."""
    assert layer.gate is not None
    total = gate_total_bounds(layer.synapse, layer.gate.weights,
                              pooled_value(layer.pool, max_value))
    offset = layer.gate.offset
    return Interval(total.low + offset, total.high + offset)


def gate_total_bounds(synapse: Synapse, weights: np.ndarray, max_value: int) -> Interval:
    """A gate's total without its offset, over inputs of up to ``max_value``; 0 is in it."""
    if isinstance(synapse, Conv):
        source, target = synapse.source, synapse.shape
        weights = position_weights(weights, (source.height, source.width),
                                (target.height, target.width), synapse.stride, synapse.padding)
    weights = weights.astype(np.int64)
    return Interval(int(np.minimum(weights, 0).sum()) * max_value,
                    int(np.maximum(weights, 0).sum()) * max_value)


def _joined(layer: Hidden, carried: Sequence[Sequence[Ends]]) -> list[Ends] | None:
    """Per timestep the ends of the sum of all shortcuts; None where there are none."""
    if not layer.shortcuts:
        return None
    currents = iter(carried)
    parts = [next(currents) if isinstance(shortcut, CurrentShortcut)
             else _gained(shortcut, layer.neuron.stateful) for shortcut in layer.shortcuts]
    return [(sum(low for low, _ in ends), sum(high for _, high in ends))
            for ends in zip(*parts, strict=True)]


def _gained(shortcut: SpikeShortcut | SynapseShortcut, stateful: bool) -> list[Ends]:
    """Per timestep the ends of what a shortcut adds; a recurrence adds nothing in the first, unless
    the layer is ``stateful``."""
    ends = [times(gain, _incoming(shortcut)) for gain in shortcut.gain]
    if isinstance(shortcut, SynapseShortcut) and shortcut.recurrent and not stateful:
        ends[0] = ends[0][0] * 0, ends[0][1] * 0
    return ends


def _incoming(shortcut: SpikeShortcut | SynapseShortcut) -> Ends:
    """Ends of what a shortcut multiplies by its gain: spikes, or sums over spikes."""
    if isinstance(shortcut, SynapseShortcut):
        return accumulator_bounds(shortcut.synapse, 1 + len(shortcut.summands), shortcut.pool)
    return np.zeros(shortcut.gain.shape[1], np.int64), np.ones(shortcut.gain.shape[1], np.int64)


def hidden_bounds(layer: Hidden, max_value: int,
                  carried: Sequence[Sequence[Ends]] = ()) -> HiddenBounds:
    """Ranges of a spiking layer whose input events have values up to ``max_value``.

    carried : per `CurrentShortcut` of the layer, in order, what `current_bounds` gives for the
        layer that it names
    """
    return _summary(layer, max_value, carried, step_bounds(layer, max_value, carried))


def _summary(layer: Hidden, max_value: int, carried: Sequence[Sequence[Ends]],
             steps: Sequence[StepEnds]) -> HiddenBounds:
    acc = accumulator_bounds(layer.synapse, max_value, layer.pool)
    ranges = [[hull(*ends) for ends in step] for step in steps]
    current, charged, settled, carry, synaptic, kept = (
        every(column) for column in zip(*ranges, strict=True))
    currents = iter(carried)
    shortcuts = tuple(every([hull(*ends) for ends in next(currents)])
                      if isinstance(shortcut, CurrentShortcut) else hull(*_incoming(shortcut))
                      for shortcut in layer.shortcuts)
    threshold = hull(layer.neuron.threshold, layer.neuron.threshold)
    return HiddenBounds(hull(*acc), current, charged, settled, carry, threshold, shortcuts,
                        _gate_bounds(layer, max_value),
                        None if layer.neuron.current_leak is None else
                        SynapticBounds(synaptic, kept))


def _gate_bounds(layer: Hidden, max_value: int) -> GateBounds | None:
    if layer.gate is None:
        return None
    total, spec = _total(layer, max_value), layer.neuron
    low, high = accumulator_bounds(layer.synapse, max_value, layer.pool)
    owns = [own_current(spec, t, (low.astype(object), high.astype(object)))
            for t in range(len(spec.leak))]
    products = [scaled(factor, own) for factor, own in
                zip(_factors(layer.gate, total).ends, owns, strict=True)]
    return GateBounds(total, *(every([hull(*ends) for ends in each])
                               for each in (owns, products)))


def readout_bounds(layer: Readout, max_value: int, timesteps: int,
                   repeats: int) -> ReadoutBounds:
    """Ranges of the readout; ``acc`` gathers ``repeats`` timesteps of events (1 or all)."""
    # Python integers, as in neuron_bounds: a score that does not fit 64 bits must be seen.
    low, high = (ends.astype(object) for ends in accumulator_bounds(layer.synapse, max_value,
                                                                    layer.pool))
    scores = []
    least = most = layer.bias.astype(object)
    for t in range(timesteps):
        if layer.peak is not None:
            least, most = (((end * layer.peak.leak) >> layer.peak.leak_bits) + layer.peak.bias[t]
                           for end in (least, most))
        ends = times(layer.gain[t], (low, high))
        least, most = least + ends[0], most + ends[1]
        scores.append(hull(least, most))
    scores += [hull(layer.bias, layer.bias)] if layer.peak is None else []
    return ReadoutBounds(hull(low * repeats, high * repeats), every(scores))


def network_bounds(network: Network) -> tuple[tuple[HiddenBounds, ...], ReadoutBounds]:
    """Ranges of every layer."""
    hidden: list[HiddenBounds] = []
    currents: list[list[Ends]] = []
    for number, layer in enumerate(network.hidden):
        value = network.largest(number)
        carried = [currents[number - shortcut.back] for shortcut in layer.shortcuts
                   if isinstance(shortcut, CurrentShortcut)]
        steps = step_bounds(layer, value, carried)
        currents.append([step.current for step in steps])
        hidden.append(_summary(layer, value, carried, steps))
    repeats = network.timesteps if network.readout.constant_gain else 1
    value = network.largest(len(hidden))
    return tuple(hidden), readout_bounds(network.readout, value, network.timesteps, repeats)
