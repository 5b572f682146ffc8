"""Proven ranges of a neuron's integers, from timestep to timestep.

Each step of ``NeuronSpec`` is monotone in the potential, in the accumulator and in what is joined,
so the ends of an interval map to ends of the next.  A gate's factor, never negative, is monotone in
each of its two operands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import NeuronSpec
from bsnn_hw.ir.ranges import Ends, StepEnds

__all__ = ["Factors", "neuron_bounds", "own_current", "scaled", "times"]

_FOLLOWED = 8  # inferences whose potentials are followed one by one
_ENDLESS = 1 << 64  # a potential beyond it is refused, whatever comes then


@dataclass(frozen=True)
class Factors:
    """The least and the largest factor of a gate in each timestep; ``2**bits`` is 1."""

    ends: tuple[tuple[int, int], ...]
    bits: int


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
    yield from _steps(spec, currents, *_start(spec, currents))


def _whole(spec: NeuronSpec, t: int, acc: Ends, joined: Sequence[Ends] | None,
           factors: Factors | None) -> Ends:
    """The whole current of a timestep."""
    current = own_current(spec, t, acc)
    if factors:
        current = _shifted(scaled(factors.ends[t], current), factors.bits)
    if joined:
        current = current[0] + joined[t][0], current[1] + joined[t][1]
    return current


def _start(spec: NeuronSpec, currents: Sequence[Ends]) -> tuple[Ends, Ends]:
    """Ends of V and I that an inference starts from, whatever came before."""
    none = currents[0][0] * 0, currents[0][1] * 0
    settled = synaptic = none
    if spec.holds:  # whatever V is
        synaptic = _lasting(lambda start: _last(spec, currents, none, start).synaptic, none)
    if spec.carries:
        settled = _lasting(lambda start: _last(spec, currents, start, synaptic).settled, none,
                           None if spec.floor is None else spec.floor[-1])
    return settled, synaptic


def _last(spec: NeuronSpec, currents: Sequence[Ends], settled: Ends, synaptic: Ends) -> StepEnds:
    *_, last = _steps(spec, currents, settled, synaptic)
    return last


def _steps(spec: NeuronSpec, currents: Sequence[Ends], settled: Ends,
           synaptic: Ends) -> Iterator[StepEnds]:
    """As `neuron_bounds`, of an inference that starts from ``settled`` and ``synaptic``."""
    none = currents[0][0] * 0, currents[0][1] * 0
    rests = np.full(none[0].shape, spec.stateful)  # whether a neuron may have fired just before
    charges = np.ones_like(rests)  # whether it may not
    for t, current in enumerate(currents):
        carried = _leaked(settled, spec.leak[t], spec.leak_bits)
        kept = (_leaked(synaptic, spec.current_leak[t], spec.leak_bits)
                if spec.current_leak is not None else none)
        synaptic = kept[0] + current[0], kept[1] + current[1]
        charged = carried[0] + synaptic[0], carried[1] + synaptic[1]
        if spec.refractory:
            charged = _rested(*charged, rests, charges)
            least = _least(spec, t)
            rests, charges = charged[1] >= least, charged[0] < least
        settled = _settle(spec, t, *charged)
        yield StepEnds(current, charged, settled, carried, synaptic, kept)


def _rested(low: np.ndarray, high: np.ndarray, rests: np.ndarray, charges: np.ndarray) -> Ends:
    """H of refractory neurons, each of which rests, or charges to between ``low`` and ``high``, or
    may do either."""
    least = np.where(rests, np.minimum(low, 0), low)
    most = np.where(rests, np.maximum(high, 0), high)
    return np.where(charges, least, 0), np.where(charges, most, 0)


def _leaked(ends: Ends, factor: np.ndarray, bits: int) -> Ends:
    """What a leak (channels,) leaves of what lies between ``ends``."""
    low, high = ((end * factor.astype(object)) >> bits for end in ends)
    return low, high


def _lasting(after: Callable[[Ends], Ends], cleared: Ends,
             floor: np.ndarray | None = None) -> Ends:
    """Ends of a state that an inference neither starts nor stops beyond, whatever came before:
    those that a few inferences reach, or of what grows on the next powers of two that hold.

    after : from the ends at the start of an inference to those at its end
    floor : (channels,), that the lower ends never go below
    """
    low, high = cleared
    for inference in itertools.count(1):
        last = after((low, high))
        least, most = np.minimum(low, last[0]), np.maximum(high, last[1])
        sinks, rises = least < low, most > high
        if not (sinks | rises).any() or max(-least.min(), most.max()) > _ENDLESS:
            return least, most
        low, high = least, most
        if inference > _FOLLOWED:
            low[sinks] = [-(1 << (~end).bit_length()) for end in low[sinks]]
            low = low if floor is None else np.maximum(low, floor.astype(object))
            high[rises] = [(1 << end.bit_length()) - 1 for end in high[rises]]
    raise AssertionError


def own_current(spec: NeuronSpec, t: int, acc: Ends) -> Ends:
    """The layer's own current, before gate and shortcuts."""
    low, high = ((acc[0] << spec.fraction_bits, acc[1] << spec.fraction_bits)
                 if spec.gain is None else times(spec.gain[t], acc))
    bias = spec.bias[t].astype(object)
    least, most = (0, 0) if spec.border is None else spec.border.ends(t)
    return low + bias + least, high + bias + most


def scaled(factor: tuple[int, int], ends: Ends) -> Ends:
    """The ends of a factor, 0 or more, times what lies between ``ends``."""
    least, most = factor
    return np.minimum(ends[0] * least, ends[0] * most), np.maximum(ends[1] * least, ends[1] * most)


def _shifted(ends: Ends, bits: int) -> Ends:
    return ends[0] >> bits, ends[1] >> bits


def times(gain: np.ndarray, ends: Ends) -> Ends:
    """The ends of gain (channels,), of any sign, times what lies between ``ends``."""
    products = [gain.astype(object) * end.astype(object) for end in ends]
    return np.minimum(*products), np.maximum(*products)


def _least(spec: NeuronSpec, t: int) -> np.ndarray:
    """The smallest H that fires."""
    found: np.ndarray = spec.threshold[t].astype(object) + spec.comparison.excess
    return found


def _settle(spec: NeuronSpec, t: int, low: np.ndarray, high: np.ndarray) -> Ends:
    least = _least(spec, t)
    may_fire, may_rest = high >= least, low < least
    shift = None if spec.reset_by is None else spec.reset_by[t].astype(object)
    fired_low = np.maximum(low, least) - shift if shift is not None else 0 * low
    fired_high = high - shift if shift is not None else 0 * high
    rest_high = np.minimum(high, least - 1)
    settled_low = np.where(may_rest, low, fired_low)
    settled_low = np.where(may_fire, np.minimum(settled_low, fired_low), settled_low)
    settled_high = np.where(may_rest, rest_high, fired_high)
    settled_high = np.where(may_fire, np.maximum(settled_high, fired_high), settled_high)
    if spec.floor is not None:
        settled_low, settled_high = (np.maximum(end, spec.floor[t].astype(object))
                                     for end in (settled_low, settled_high))
    if spec.saturation is None:
        return settled_low, settled_high
    low, high = np.clip(settled_low, *spec.ends), np.clip(settled_high, *spec.ends)
    return low, high
