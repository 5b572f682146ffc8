"""What a layer may have, in tables that options.py fills and the search sums up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bsnn_hw.ir.schedule import Engine, LayerPlan

__all__ = ["SHARES", "OptionTable", "Space", "Way"]

# Parallel neurons to a unit of its own; 0 are all to one.
SHARES = (2, 4, 8, 0)


class Way(NamedTuple):
    """What a layer takes, in how many lanes, and to how many output places at once; and how many
    parallel neurons each unit steps, None where there are no units."""

    engine: Engine
    lanes: int
    places: int = 1
    share: int | None = None

    def units(self, parallel: int) -> int | None:
        """Of ``parallel`` neurons, which the share divides."""
        return None if self.share is None else parallel // (self.share or parallel)

    def divides(self, parallel: int) -> bool:
        """Whether there are units as the share says, and no other share says so too."""
        if self.share == 0:
            return parallel > 1 and parallel not in SHARES
        return self.share is None or parallel % self.share == 0


@dataclass(frozen=True)
class OptionTable:
    """Cost and cycles of one set of synapses, over the producer's parallelism, its own, and engine
    and lanes.

    groups : (producer, own), indices of ``Space.choices``; the producer is None at the input port
    number : int, of the layer; main : bool, its own synapses, not a shortcut's
    ways : for each of the producer's choices `Way`, None where there are fewer; one after the other
        with each share
    shares : that a `Way` may have
    costs : float (RESOURCES, producers, own, ways), as in `Cost`
    moves : float (RESOURCES, own, shares, STORES), what each of the layer's memories takes more in
        block RAM; 0 where it may not move
    cycles : float (producers, own, ways), mean per inference; infinite where there is no such plan
    """

    groups: tuple[int | None, int]
    number: int
    main: bool
    ways: tuple[tuple[Way | None, ...], ...]
    shares: tuple[int | None, ...]
    costs: np.ndarray
    moves: np.ndarray
    cycles: np.ndarray

    def moved(self, own: int, way: int) -> np.ndarray:
        """``moves`` (RESOURCES, STORES) of a choice."""
        found: np.ndarray = self.moves[:, own, way % len(self.shares)]
        return found

    def moves_of(self, own: int, plan: LayerPlan) -> np.ndarray:
        """The same of a plan that has it."""
        ways = [Way(plan.engine, plan.lanes, plan.places, share) for share in self.shares]
        return self.moved(own, next(at for at, way in enumerate(ways)
                                    if way.units(plan.parallel) == plan.units))


@dataclass(frozen=True)
class Space:
    """Everything that can be chosen.

    members : layers of each group, which have the same parallel neurons
    choices : numbers of parallel neurons of each group
    """

    members: tuple[tuple[int, ...], ...]
    choices: tuple[tuple[int, ...], ...]
    tables: tuple[OptionTable, ...]

    def parallel(self, chosen: Sequence[int]) -> list[int]:
        """Parallel neurons of every layer."""
        found = {number: self.choices[group][chosen[group]]
                 for group, numbers in enumerate(self.members) for number in numbers}
        return [found[number] for number in range(len(found))]
