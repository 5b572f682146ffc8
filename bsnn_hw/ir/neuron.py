"""The neuron step and its constants (docs/ir.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from bsnn_hw.ir.border import Border

__all__ = ["Comparison", "NeuronSpec", "Reset", "next_factors", "shared_factors"]


class Reset(enum.Enum):
    """What firing does to the membrane potential."""

    HARD = "hard"  # becomes 0
    SOFT = "soft"  # loses `NeuronSpec.reset_by`


class Comparison(enum.Enum):
    """When a neuron fires."""

    AT_LEAST = ">="
    ABOVE = ">"

    @property
    def excess(self) -> int:
        """LSB above the threshold of the smallest potential that fires: 0 or 1."""
        match self:
            case Comparison.AT_LEAST:
                return 0
            case Comparison.ABOVE:
                return 1
            case _:
                assert_never(self)


def shared_factors(leak: np.ndarray) -> np.ndarray | None:
    """Leak factors (T,) where those of (T, channels) are the same for all channels, else None."""
    return leak[:, 0] if (leak == leak[:, :1]).all() else None


def next_factors(leak: np.ndarray) -> np.ndarray:
    """Leak factors of the timestep after each, (T, channels): what is multiplied before state is
    kept.  After the last nothing is kept, and it repeats the first, unless the next inference
    starts from it: then that of the first timestep is not 0."""
    return np.concatenate([leak[1:], leak[:1] if leak[0].any() else leak[1:2]])


@dataclass(frozen=True)
class NeuronSpec:
    """The neuron step, once per neuron and timestep, the constants per output channel::

        I[t] = floor(I[t-1] * current_leak[t] / 2**leak_bits) + current[t]
        H[t] = floor(V[t-1] * leak[t] / 2**leak_bits) + I[t]
        fired[t] = H[t] >= threshold[t]        (or >)
        V[t] = 0 if fired[t] else H[t]         (hard)
        V[t] = H[t] - reset_by[t] * fired[t]   (soft)

    of which a refractory neuron has H[t] = 0 where fired[t-1], whatever I[t] is, one with a floor
    has V[t] = floor[t] where that is more, and one that saturates keeps V[t] within ``saturation``
    bits.

        current[t] = (acc[t] << fraction_bits) + bias[t]               without gain
        current[t] = acc[t] * gain[t] + bias[t] + all shortcuts' [t]   with gain

    A gate that the sample makes (`Hidden.gate`) multiplies what stands before the shortcuts.
    Without a gain everything is in units of 2**-fraction_bits of a count.  With one, a count is
    worth ``gain``, and ``fraction_bits`` only tells how fine the unit is.

    fraction_bits, leak_bits : int, 0 or more
    leak : int64 (T, channels), 0 or more, or (T,), the same for all; leak[0] is 0, since V starts
        at 0, unless the layer is ``stateful``
    bias, threshold : int64 (T, channels)
    gain : int64 (T, channels), of any sign, or None; layers that take part in a join have one
    reset_by : int64 (T, channels), what a soft reset subtracts, the threshold if not said; None
        with a hard reset
    border : what is added to ``bias`` depending on the place, None where nothing is
    current_leak : as ``leak``, of the synaptic current I of a second-order neuron; None where I is
        the current itself
    stateful : an inference starts from V, I, and the spikes of a recurrence or of refractory
        neurons, that the one before left; after a reset of the state from 0
    refractory : only with a hard reset
    saturation : int, 2 or more, bits of V in two's complement, beyond which it is the end of their
        range; None where V has all bits that it needs
    floor : int64 (T, channels), 0 or less, and never above what a spike leaves of the least H
        that fires; None where there is none
    """

    fraction_bits: int
    leak_bits: int
    leak: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    reset: Reset
    comparison: Comparison
    gain: np.ndarray | None = None
    reset_by: np.ndarray | None = None
    border: Border | None = None
    current_leak: np.ndarray | None = None
    stateful: bool = False
    refractory: bool = False
    saturation: int | None = None
    floor: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("leak", "current_leak"):
            factors = getattr(self, name)
            if factors is not None and factors.ndim == 1:
                rows = factors[:, None].repeat(self.threshold.shape[1], axis=1)
                object.__setattr__(self, name, rows)
        match self.reset:
            case Reset.HARD:
                object.__setattr__(self, "reset_by", None)
            case Reset.SOFT:
                if self.reset_by is None:
                    object.__setattr__(self, "reset_by", self.threshold)
            case _:
                assert_never(self.reset)

    @property
    def shared_leak(self) -> np.ndarray | None:
        """``leak`` (T,) where it is the same for all channels, else None."""
        return shared_factors(self.leak)

    @property
    def next_leak(self) -> np.ndarray:
        """``leak`` of the timestep after each, see `next_factors`."""
        return next_factors(self.leak)

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest V of neurons that saturate."""
        assert self.saturation is not None
        return -(1 << self.saturation - 1), (1 << self.saturation - 1) - 1

    @property
    def room(self) -> np.ndarray:
        """The most that a floor may be, int64 (T, channels): no spike takes V below it."""
        none = np.zeros_like(self.threshold)
        if self.reset_by is None:
            return none
        least = self.threshold + self.comparison.excess
        return np.asarray(np.minimum(least - self.reset_by, none))

    @property
    def carries(self) -> bool:
        """Whether V goes from one inference to the next."""
        return self.stateful and bool(self.leak[0].any())

    @property
    def holds(self) -> bool:
        """Whether I goes from one inference to the next."""
        return (self.stateful and self.current_leak is not None
                and bool(self.current_leak[0].any()))

    @property
    def remembers(self) -> bool:
        """Whether V is kept at all: from timestep to timestep, or from inference to inference."""
        return len(self.leak) > 1 or self.carries or self.rests

    @property
    def rests(self) -> bool:
        """Whether it is kept, beside V, which neurons have fired."""
        return self.refractory and (len(self.leak) > 1 or self.stateful)

    @property
    def separate_reset_by(self) -> np.ndarray | None:
        """``reset_by`` where it is a table of its own, None where thresholds say it."""
        same = self.reset_by is None or np.array_equal(self.reset_by, self.threshold)
        return None if same else self.reset_by
