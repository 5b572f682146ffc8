"""Proven ranges of every integer of a network, over all inputs and timesteps.

Interval arithmetic per output channel: each step of ``NeuronSpec`` is monotone in the potential,
in the accumulator and in what is joined, so the ends of an interval map to ends of the next.  A
gate's factor, never negative, is monotone in each of its two operands.
Where an inference starts from the state of the one before, the potentials' ranges hold whatever
number of inferences came before.
Partial sums may leave these ranges while events arrive; two's complement brings them back, so
widths follow from the ends alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bsnn_hw.ir.gate import SampleGate, position_weights
from bsnn_hw.ir.network import (
    Conv,
    CurrentShortcut,
    Hidden,
    Network,
    NeuronSpec,
    Pool,
    PoolKind,
    Readout,
    SpikeShortcut,
    Synapse,
    SynapseShortcut,
)

__all__ = ["Ends", "GateBounds", "HiddenBounds", "Interval", "ReadoutBounds", "StepEnds",
           "SynapticBounds", "accumulator_bounds", "current_bounds", "gate_total_bounds",
           "hidden_bounds", "network_bounds", "neuron_bounds", "pooled_value", "readout_bounds",
           "step_bounds"]

_FOLLOWED = 8  # inferences whose potentials are followed one by one
_ENDLESS = 1 << 64  # a potential beyond it is refused, whatever comes then

# The lowest and the highest value of each channel, (channels,) Python integers in object arrays:
# a bound that does not fit 64 bits must be seen.
Ends = tuple[np.ndarray, np.ndarray]


class StepEnds(NamedTuple):
    """One timestep of a layer.

    current : the whole of it; charged : H; settled : V; carried : V before, after the leak
    synaptic : I; kept : I before, after its leak; of a first-order neuron the current, and 0
    """

    current: Ends
    charged: Ends
    settled: Ends
    carried: Ends
    synaptic: Ends
    kept: Ends


@dataclass(frozen=True)
class Interval:
    """Closed range of integers."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits of the smallest two's complement that holds both ends, 1 or more."""
        return max((end if end >= 0 else ~end).bit_length() for end in (self.low, self.high)) + 1


@dataclass(frozen=True)
class GateBounds:
    """Ranges of a `SampleGate`.

    total : with the offset; own : the current that it multiplies; product : before the shift
    """

    total: Interval
    own: Interval
    product: Interval


@dataclass(frozen=True)
class SynapticBounds:
    """Ranges of a second-order neuron's synaptic ``current``, and of what is ``kept`` of it after
    its leak."""

    current: Interval
    kept: Interval


@dataclass(frozen=True)
class HiddenBounds:
    """Ranges over all neurons and timesteps: ``acc``; ``current``, the whole of it with bias and
    shortcuts; ``charged`` = H; ``settled`` = V; ``carried`` = V after the leak; ``threshold``.

    shortcuts : per shortcut what comes in before its gain: the acc of synapses, 0..1 for spikes,
        the whole current of the layer that a `CurrentShortcut` names
    gate : of the gate that the sample makes, None without one
    synaptic : of second-order neurons, None where the current itself charges
    """

    acc: Interval
    current: Interval
    charged: Interval
    settled: Interval
    carried: Interval
    threshold: Interval
    shortcuts: tuple[Interval, ...] = ()
    gate: GateBounds | None = None
    synaptic: SynapticBounds | None = None

    @property
    def charging(self) -> Interval:
        """Of what charges the membranes."""
        return self.current if self.synaptic is None else self.synaptic.current


@dataclass(frozen=True)
class ReadoutBounds:
    """Ranges over all classes of ``acc`` (one timestep's, or all if gains are constant) and of
    every partial score, or of the membrane whose largest value is the score."""

    acc: Interval
    score: Interval


def _hull(low: np.ndarray, high: np.ndarray) -> Interval:
    return Interval(int(np.min(low)), int(np.max(high)))


def _all(intervals: Sequence[Interval]) -> Interval:
    return Interval(min(each.low for each in intervals), max(each.high for each in intervals))


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


def neuron_bounds(spec: NeuronSpec, acc_low: np.ndarray, acc_high: np.ndarray,
                  joined: Sequence[Ends] | None = None,
                  factors: Factors | None = None) -> Iterator[StepEnds]:
    """Yield the ends of each timestep.

    acc_low, acc_high : integers (channels,)
    joined : per timestep the ends of what all shortcuts add, None where there are none
    factors : of a gate, None without one
    """
    acc = acc_low.astype(object), acc_high.astype(object)
    currents = [_whole(spec, t, acc, joined, factors) for t in range(len(spec.leak))]
    start = acc[0] * 0, acc[1] * 0
    yield from _steps(spec, currents, _lasting(spec, currents, start) if spec.carries else start)


def _whole(spec: NeuronSpec, t: int, acc: Ends, joined: Sequence[Ends] | None,
           factors: Factors | None) -> Ends:
    """The whole current of a timestep."""
    current = _own(spec, t, acc)
    if factors:
        current = _shifted(_scaled(factors.ends[t], current), factors.bits)
    if joined:
        current = current[0] + joined[t][0], current[1] + joined[t][1]
    return current


def _steps(spec: NeuronSpec, currents: Sequence[Ends], settled: Ends) -> Iterator[StepEnds]:
    """As `neuron_bounds`, of an inference that starts from ``settled``."""
    none = currents[0][0] * 0, currents[0][1] * 0
    synaptic = none
    for t, current in enumerate(currents):
        carried = _leaked(settled, spec.leak[t], spec.leak_bits)
        kept = (_leaked(synaptic, spec.current_leak[t], spec.leak_bits)
                if spec.current_leak is not None else none)
        synaptic = kept[0] + current[0], kept[1] + current[1]
        charged = carried[0] + synaptic[0], carried[1] + synaptic[1]
        settled = _settle(spec, t, *charged)
        yield StepEnds(current, charged, settled, carried, synaptic, kept)


def _leaked(ends: Ends, factor: np.ndarray, bits: int) -> Ends:
    """What a leak (channels,) leaves of what lies between ``ends``."""
    low, high = ((end * factor.astype(object)) >> bits for end in ends)
    return low, high


def _lasting(spec: NeuronSpec, currents: Sequence[Ends], cleared: Ends) -> Ends:
    """Ends of V that an inference neither starts nor stops beyond, whatever came before: those
    that a few inferences reach, or of what grows on the next powers of two that hold."""
    low, high = cleared
    for inference in itertools.count(1):
        *_, last = _steps(spec, currents, (low, high))
        least, most = np.minimum(low, last.settled[0]), np.maximum(high, last.settled[1])
        sinks, rises = least < low, most > high
        if not (sinks | rises).any() or max(-least.min(), most.max()) > _ENDLESS:
            return least, most
        low, high = least, most
        if inference > _FOLLOWED:
            low[sinks] = [-(1 << (~end).bit_length()) for end in low[sinks]]
            high[rises] = [(1 << end.bit_length()) - 1 for end in high[rises]]
    raise AssertionError


def _own(spec: NeuronSpec, t: int, acc: Ends) -> Ends:
    """The layer's own current, before gate and shortcuts."""
    low, high = ((acc[0] << spec.fraction_bits, acc[1] << spec.fraction_bits)
                 if spec.gain is None else _times(spec.gain[t], acc))
    bias = spec.bias[t].astype(object)
    least, most = (0, 0) if spec.border is None else spec.border.ends(t)
    return low + bias + least, high + bias + most


@dataclass(frozen=True)
class Factors:
    """The least and the largest factor of a gate in each timestep; ``2**bits`` is 1."""

    ends: tuple[tuple[int, int], ...]
    bits: int


def _factors(gate: SampleGate, total: Interval) -> Factors:
    """What the totals, with their offset, can reach in the table."""
    first, last = (min(max(end >> gate.shift, 0), gate.entries - 1)
                   for end in (total.low, total.high))
    return Factors(tuple((int(row[first:last + 1].min()), int(row[first:last + 1].max()))
                         for row in gate.table), gate.factor_bits)


def _scaled(factor: tuple[int, int], ends: Ends) -> Ends:
    """The ends of a factor, 0 or more, times what lies between ``ends``."""
    least, most = factor
    return np.minimum(ends[0] * least, ends[0] * most), np.maximum(ends[1] * least, ends[1] * most)


def _shifted(ends: Ends, bits: int) -> Ends:
    return ends[0] >> bits, ends[1] >> bits


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


def _times(gain: np.ndarray, ends: Ends) -> Ends:
    """The ends of gain (channels,), of any sign, times what lies between ``ends``."""
    products = [gain.astype(object) * end.astype(object) for end in ends]
    return np.minimum(*products), np.maximum(*products)


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
    ends = [_times(gain, _incoming(shortcut)) for gain in shortcut.gain]
    if isinstance(shortcut, SynapseShortcut) and shortcut.recurrent and not stateful:
        ends[0] = ends[0][0] * 0, ends[0][1] * 0
    return ends


def _incoming(shortcut: SpikeShortcut | SynapseShortcut) -> Ends:
    """Ends of what a shortcut multiplies by its gain: spikes, or sums over spikes."""
    if isinstance(shortcut, SynapseShortcut):
        return accumulator_bounds(shortcut.synapse, 1 + len(shortcut.summands), shortcut.pool)
    return np.zeros(shortcut.gain.shape[1], np.int64), np.ones(shortcut.gain.shape[1], np.int64)


def _settle(spec: NeuronSpec, t: int, low: np.ndarray, high: np.ndarray) -> Ends:
    # The smallest H that fires.
    least = spec.threshold[t].astype(object) + spec.comparison.excess
    may_fire, may_rest = high >= least, low < least
    shift = None if spec.reset_by is None else spec.reset_by[t].astype(object)
    fired_low = np.maximum(low, least) - shift if shift is not None else 0 * low
    fired_high = high - shift if shift is not None else 0 * high
    rest_high = np.minimum(high, least - 1)
    settled_low = np.where(may_rest, low, fired_low)
    settled_low = np.where(may_fire, np.minimum(settled_low, fired_low), settled_low)
    settled_high = np.where(may_rest, rest_high, fired_high)
    settled_high = np.where(may_fire, np.maximum(settled_high, fired_high), settled_high)
    return settled_low, settled_high


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
    ranges = [[_hull(*ends) for ends in step] for step in steps]
    current, charged, settled, carry, synaptic, kept = (
        _all(column) for column in zip(*ranges, strict=True))
    currents = iter(carried)
    shortcuts = tuple(_all([_hull(*ends) for ends in next(currents)])
                      if isinstance(shortcut, CurrentShortcut) else _hull(*_incoming(shortcut))
                      for shortcut in layer.shortcuts)
    threshold = _hull(layer.neuron.threshold, layer.neuron.threshold)
    return HiddenBounds(_hull(*acc), current, charged, settled, carry, threshold, shortcuts,
                        _gate_bounds(layer, max_value),
                        None if layer.neuron.current_leak is None else
                        SynapticBounds(synaptic, kept))


def _gate_bounds(layer: Hidden, max_value: int) -> GateBounds | None:
    if layer.gate is None:
        return None
    total, spec = _total(layer, max_value), layer.neuron
    low, high = accumulator_bounds(layer.synapse, max_value, layer.pool)
    owns = [_own(spec, t, (low.astype(object), high.astype(object)))
            for t in range(len(spec.leak))]
    products = [_scaled(factor, own) for factor, own in
                zip(_factors(layer.gate, total).ends, owns, strict=True)]
    return GateBounds(total, *(_all([_hull(*ends) for ends in each])
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
        ends = _times(layer.gain[t], (low, high))
        least, most = least + ends[0], most + ends[1]
        scores.append(_hull(least, most))
    scores += [_hull(layer.bias, layer.bias)] if layer.peak is None else []
    return ReadoutBounds(_hull(low * repeats, high * repeats), _all(scores))


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
