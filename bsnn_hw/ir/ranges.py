"""What bounds are: ranges of integers, and the ends of each channel's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Ends", "GateBounds", "HiddenBounds", "Interval", "ReadoutBounds", "StepEnds",
           "SynapticBounds", "every", "hull"]

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


def hull(low: np.ndarray, high: np.ndarray) -> Interval:
    """The least range that holds all channels' ends."""
    return Interval(int(np.min(low)), int(np.max(high)))


def every(intervals: Sequence[Interval]) -> Interval:
    """The least range that holds all ``intervals``."""
    return Interval(min(each.low for each in intervals), max(each.high for each in intervals))
