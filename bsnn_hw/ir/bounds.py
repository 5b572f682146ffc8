"""Proven ranges of every integer of a network, over all inputs and timesteps.

Interval arithmetic per neuron: each step of ``NeuronSpec`` is monotone in the potential and in
the accumulator, so the ends of an interval map to the ends of the next.  Partial sums may leave
these ranges while events arrive; two's complement brings them back, so widths follow from the
ends alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Comparison, Dense, Hidden, Network, NeuronSpec, Readout, Reset

__all__ = ["HiddenBounds", "Interval", "ReadoutBounds", "accumulator_bounds", "hidden_bounds",
           "network_bounds", "neuron_bounds", "readout_bounds"]


@dataclass(frozen=True)
class Interval:
    """Closed range of integers."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits of the smallest two's complement that holds both ends, 1 or more."""
        return max((end if end >= 0 else ~end).bit_length() for end in (self.low, self.high)) + 1

    def hull(self, other: Interval) -> Interval:
        """Smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class HiddenBounds:
    """Ranges over all neurons and timesteps: ``acc``; ``current`` = (acc << F) + bias; ``charged``
    = H; ``settled`` = V; ``carried`` = V after the leak; ``threshold``."""

    acc: Interval
    current: Interval
    charged: Interval
    settled: Interval
    carried: Interval
    threshold: Interval


@dataclass(frozen=True)
class ReadoutBounds:
    """Ranges over all classes of ``acc`` (one timestep's, or all if gains are constant) and of
    every partial score."""

    acc: Interval
    score: Interval


def _hull(low, high) -> Interval:
    return Interval(int(np.min(low)), int(np.max(high)))


def accumulator_bounds(synapse: Dense, max_value: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest ``acc`` of each neuron, int64 (neurons,)."""
    positive = (synapse.weights > 0).sum(axis=1).astype(np.int64)
    negative = synapse.fan_in - positive
    reach = np.where(synapse.connected, max_value, 0)
    return -negative * reach, positive * reach


def neuron_bounds(spec: NeuronSpec, acc_low: np.ndarray, acc_high: np.ndarray):
    """Yield per timestep (current, charged, settled, carried), each a (low, high) pair of (n,).

    The ends are Python integers in object arrays: a bound that does not fit 64 bits must be seen.
    """
    acc = acc_low.astype(object), acc_high.astype(object)
    settled = acc[0] * 0, acc[1] * 0
    for t, factor in enumerate(spec.leak.tolist()):
        carried = tuple((v * factor) >> spec.leak_bits for v in settled)
        current = tuple((a << spec.fraction_bits) + spec.bias[t].astype(object) for a in acc)
        charged = carried[0] + current[0], carried[1] + current[1]
        settled = _settle(spec, spec.threshold[t].astype(object), *charged)
        yield current, charged, settled, carried


def _settle(spec, threshold, low, high):
    least = threshold + int(spec.comparison is Comparison.ABOVE)  # the smallest H that fires
    may_fire, may_rest = high >= least, low < least
    shift = threshold if spec.reset is Reset.SOFT else None
    fired_low = np.maximum(low, least) - shift if shift is not None else 0 * low
    fired_high = high - shift if shift is not None else 0 * high
    rest_high = np.minimum(high, least - 1)
    settled_low = np.where(may_rest, low, fired_low)
    settled_low = np.where(may_fire, np.minimum(settled_low, fired_low), settled_low)
    settled_high = np.where(may_rest, rest_high, fired_high)
    settled_high = np.where(may_fire, np.maximum(settled_high, fired_high), settled_high)
    return settled_low, settled_high


def hidden_bounds(layer: Hidden, max_value: int) -> HiddenBounds:
    """Ranges of a spiking layer whose input events have values up to ``max_value``."""
    acc = accumulator_bounds(layer.synapse, max_value)
    ranges = [[_hull(*pair) for pair in step] for step in neuron_bounds(layer.neuron, *acc)]
    current, charged, settled, carried = (
        Interval(min(r.low for r in column), max(r.high for r in column))
        for column in zip(*ranges, strict=True))
    threshold = _hull(layer.neuron.threshold, layer.neuron.threshold)
    return HiddenBounds(_hull(*acc), current, charged, settled, carried, threshold)


def readout_bounds(layer: Readout, max_value: int, timesteps: int,
                   repeats: int) -> ReadoutBounds:
    """Ranges of the readout; ``acc`` gathers ``repeats`` timesteps of events (1 or all)."""
    # Python integers, as in neuron_bounds: a score that does not fit 64 bits must be seen.
    low, high = (ends.astype(object) for ends in accumulator_bounds(layer.synapse, max_value))
    score = _hull(layer.bias, layer.bias)
    least = most = layer.bias.astype(object)
    for t in range(timesteps):
        ends = layer.gain[t].astype(object) * low, layer.gain[t].astype(object) * high
        least, most = least + np.minimum(*ends), most + np.maximum(*ends)
        score = score.hull(_hull(least, most))
    return ReadoutBounds(_hull(low * repeats, high * repeats), score)


def network_bounds(network: Network) -> tuple[tuple[HiddenBounds, ...], ReadoutBounds]:
    """Ranges of every layer."""
    value = network.input.max_value
    hidden = []
    for layer in network.hidden:
        hidden.append(hidden_bounds(layer, value))
        value = 1
    repeats = network.timesteps if network.readout.constant_gain else 1
    return tuple(hidden), readout_bounds(network.readout, value, network.timesteps, repeats)
