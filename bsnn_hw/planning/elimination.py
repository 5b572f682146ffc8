"""The least sum of costs that depend on a few choices each, by eliminating choice after choice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["Factor", "least_sum"]

# Which choices a cost depends on, in ascending order, and the cost of each combination.
Factor = tuple[tuple[int, ...], np.ndarray]


def least_sum(count: int, factors: Sequence[Factor]) -> tuple[int, ...] | None:
    """The choices 0..count-1 that make the sum of ``factors`` least; None if all are infinite."""
    left = list(factors)
    decided = []
    for choice in reversed(range(count)):
        mine = [factor for factor in left if choice in factor[0]]
        left = [factor for factor in left if choice not in factor[0]]
        axes, table = _sum(mine)
        axis = axes.index(choice)
        rest = axes[:axis] + axes[axis + 1:]
        decided.append((choice, rest, table.argmin(axis)))
        left.append((rest, table.min(axis)))
    if not np.isfinite(sum(float(table) for _, table in left)):
        return None
    chosen: dict[int, int] = {}
    for choice, rest, best in reversed(decided):
        chosen[choice] = int(best[tuple(chosen[other] for other in rest)])
    return tuple(chosen[choice] for choice in range(count))


def _sum(factors: Sequence[Factor]) -> tuple[tuple[int, ...], np.ndarray]:
    axes = tuple(sorted({choice for choices, _ in factors for choice in choices}))
    table: np.ndarray | float = 0.0
    for choices, costs in factors:
        sides = iter(costs.shape)
        table = table + costs.reshape([next(sides) if axis in choices else 1 for axis in axes])
    return axes, np.asarray(table)
