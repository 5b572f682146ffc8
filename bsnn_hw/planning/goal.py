"""What a plan is to be good at."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from bsnn_hw.errors import InputError

__all__ = ["Goal", "Objective", "parse_goal"]


class Objective(enum.Enum):
    """Which of the plans that fit is taken."""

    SMALLEST = "smallest"  # the fewest logic cells
    FASTEST = "fastest"  # the most inferences per second
    RATE = "fps"  # the fewest logic cells with at least so many inferences per second


@dataclass(frozen=True)
class Goal:
    """An objective; ``rate`` in inferences per second, 0 unless it is `Objective.RATE`."""

    objective: Objective
    rate: float = 0

    def __str__(self) -> str:
        return f"fps={self.rate:.12g}" if self.objective is Objective.RATE else self.objective.value


def parse_goal(text: str, where: str = "`goal`") -> Goal:
    """``smallest``, ``fastest`` or ``fps=N``.

    Raises
    ------
    InputError
        It is none of these.
    """
    if text in (Objective.SMALLEST.value, Objective.FASTEST.value):
        return Goal(Objective(text))
    name, equals, number = text.partition("=")
    try:
        rate = float(number)
    except ValueError:
        rate = math.nan
    if name != Objective.RATE.value or not equals or not 0 < rate < math.inf:
        raise InputError(f"{where}: must be smallest, fastest or fps=N with N inferences per "
                         f"second above 0, not {text!r}")
    return Goal(Objective.RATE, rate)
