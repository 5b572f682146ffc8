"""How a readout's scores follow from its currents: over time, of a membrane that never fires."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

__all__ = ["PerChannel", "ScoreKind", "Scoring"]

# One value for all channels, or float64 (channels,).
PerChannel = float | np.ndarray


class ScoreKind(enum.Enum):
    """What of the membrane over time is the score."""

    MEAN = "mean"
    SUM = "sum"
    LAST = "last"
    MAX = "max"


@dataclass(frozen=True)
class Scoring:
    """Scores over t = 1..T of ``U[t] = leak * U[t-1] + G[t]``, with U[0] = 0 and G the current.

    leak : in [0, 1], one value or one per class; 0 is no membrane, U is G
    """

    kind: ScoreKind = ScoreKind.MEAN
    leak: PerChannel = 0.0

    def weights(self, timesteps: int) -> np.ndarray:
        """(T,), or (T, classes) where classes have leaks of their own: the score is the sum over
        t of ``weights[t] * G[t]``, divided by `divisor`; not so where it is the largest value."""
        assert self.kind is not ScoreKind.MAX
        times = np.arange(timesteps).reshape(-1, *[1] * np.ndim(self.leak))
        kept = self.leak ** times  # of G[t] so many timesteps later; 0 ** 0 is 1
        return (kept if self.kind is ScoreKind.LAST else kept.cumsum(axis=0))[::-1]

    def divisor(self, timesteps: int) -> int:
        """What divides the weighted sum: the timesteps where the score is a mean."""
        return timesteps if self.kind is ScoreKind.MEAN else 1
