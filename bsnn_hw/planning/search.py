"""Plans that cost the least for the cycles that they may take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from bsnn_hw.devices.chips import CHIPS, Chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Rows, Schedule, Stores
from bsnn_hw.planning.activity import Activity, port_of
from bsnn_hw.planning.cycles import port_cycles
from bsnn_hw.planning.elimination import Factor, least_sum
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.planning.option_table import Space
from bsnn_hw.planning.options import search_space
from bsnn_hw.planning.schedule import layer_layout
from bsnn_hw.planning.stores import BLOCK_PRICES, STORES, chosen_stores, filled, prices

__all__ = ["Candidate", "Search"]

RATIO = 1.25  # between the cycles of two points of the front
MULTIPLIER_PRICES = (0.0, 1.0)  # likewise of a multiplier, see ``BLOCK_PRICES``


@dataclass(frozen=True)
class Candidate:
    """A plan with what the search thinks of it."""

    schedule: Schedule
    cost: Cost
    cycles: float


@dataclass
class Search:
    """All plans of a network on a chip.

    What each option costs is worked out once; then every question is a few sums of arrays.

    rows : from which on memories are in block RAM; None where each is weighed
    engines : one per layer, or None where all are weighed
    units : bool, whether neurons may have units of their own
    known : the options of this network and the chip's family, if they have been worked out
    """

    network: Network
    activity: Activity
    chip: Chip
    rows: Rows | None = None
    engines: Sequence[Engine | None] = ()
    units: bool = False
    known: InitVar[Space | None] = None
    space: Space = field(init=False)
    _seen: dict[tuple[Any, ...], Candidate] = field(default_factory=dict)

    def __post_init__(self, known: Space | None) -> None:
        family = self.chip.family
        most = max(chip.capacity(family.logic) for chip in CHIPS if chip.family is family)
        self._costs = LayerCosts(self.network, family, port_of(self.activity))
        self.space = known or search_space(self.network, self.activity, family, self.rows, most,
                                           self.engines, self.units)

    def limits(self) -> np.ndarray:
        """Cycles that single layers can have: only these make a difference, ascending."""
        cycles = np.unique(np.concatenate([table.cycles.ravel() for table in self.space.tables]))
        cycles = cycles[np.isfinite(cycles)]
        least = max(float(table.cycles.min()) for table in self.space.tables)
        found: np.ndarray = cycles[cycles >= least]
        return found

    def within(self, limit: float) -> Iterator[Candidate]:
        """The cheapest plans of at most ``limit`` cycles, for different prices."""
        for blocks, multipliers in product(BLOCK_PRICES, MULTIPLIER_PRICES):
            found = self._cheapest(limit, prices(self.chip, blocks, multipliers))
            if found is not None:
                yield found

    def fitting(self, limit: float) -> Candidate | None:
        """Of the plans within ``limit`` that fit the one with the fewest cells."""
        within = list(self.within(limit))
        fitting = [each for each in (*within, *map(self._filled, within))
                   if not self.chip.excess(each.cost)]
        return min(fitting, key=lambda each: (each.cost.cells, each.cycles), default=None)

    def fastest(self) -> Candidate | None:
        """The plan with the fewest cycles that fits."""
        limits = self.limits()
        low, high = 0, len(limits) - 1
        best = self.fitting(limits[high])
        if best is None:
            return None
        while low < high:
            middle = (low + high) // 2
            found = self.fitting(limits[middle])
            if found is None:
                low = middle + 1
            else:
                best, high = found, middle
        return best

    def weighed(self) -> list[Candidate]:
        """The cheapest plans over the whole range of cycles, the fastest first."""
        limits = self.limits()
        steps = int(np.ceil(np.log(limits[-1] / limits[0]) / np.log(RATIO))) + 1
        found = {each.schedule: each for limit in np.geomspace(limits[0], limits[-1], steps)
                 for each in self.within(float(limit) * (1 + 1e-9))}
        return sorted(found.values(), key=lambda each: (each.cycles, each.cost.cells))

    def front(self) -> list[Candidate]:
        """Of these, those that fit the chip and that no faster one beats in cells; and those that
        are too large for it, but faster than all that fit."""
        weighed = self.weighed()
        fits = [each for each in weighed if not self.chip.excess(each.cost)]
        first = fits[0].cycles if fits else float("inf")
        return [*_cheaper(each for each in weighed if each.cycles < first), *_cheaper(fits)]

    def least_excess(self) -> Candidate:
        """The plan that comes nearest to fitting."""
        return min(self.weighed(), key=lambda each: self.chip.fill(each.cost))

    def rivals(self, chosen: Candidate) -> dict[int, tuple[tuple[float, float], dict[
            Engine, tuple[float, float] | None]]]:
        """For each layer that several engines were weighed for (cells, cycles) of what it has, and
        of each other engine's cheapest lanes within the plan's cycles, None if there are none.

        Parallel neurons are those of the plan.
        """
        space, found = self.space, {}
        for table in space.tables:
            plan = chosen.schedule.layers[table.number]
            producer, own = table.groups
            if not table.main or producer is None:
                continue
            source = self.network.layers[table.number]
            width = chosen.schedule.layers[table.number - source.back].parallel
            a, b = space.choices[producer].index(width), space.choices[own].index(plan.parallel)
            in_blocks = np.array([isinstance(plan.memories, Stores)
                                  and store in plan.memories.names for store in STORES])
            sides: dict[Engine, list[tuple[float, float]]] = {}
            for n, way in enumerate(table.ways[a]):
                if way is None or (way.units(plan.parallel) != plan.units) or (
                        way.engine is plan.engine
                        and (way.lanes, way.places) != (plan.lanes, plan.places)):
                    continue
                side = sides.setdefault(way.engine, [])
                cells = float(table.costs[0, a, b, n] + table.moved(b, n)[0] @ in_blocks)
                cycles = float(table.cycles[a, b, n])
                if way.engine is plan.engine or cycles <= chosen.cycles:
                    side.append((cells, cycles))
            mine = min(sides.pop(plan.engine))
            if sides:
                found[table.number] = mine, {engine: min(side, default=None)
                                            for engine, side in sides.items()}
        return found

    def _cheapest(self, limit: float, weights: np.ndarray) -> Candidate | None:
        factors: list[Factor] = []
        best = []
        for table in self.space.tables:
            values, legal = np.tensordot(weights, table.costs, 1), np.isfinite(table.cycles)
            moved = np.minimum(np.tensordot(weights, table.moves, 1), 0).sum(axis=2)
            moved = np.tile(moved, (1, values.shape[2] // len(table.shares)))
            values = np.where(legal & (table.cycles <= limit), values + moved, np.inf)
            best.append(values.argmin(axis=2))
            factors.append(_factor(table.groups, values.min(axis=2)))
        chosen = least_sum(len(self.space.members), factors)
        if chosen is None:
            return None
        return self._candidate(chosen, best, weights)

    def _candidate(self, chosen: tuple[int, ...], best: Sequence[np.ndarray],
                   weights: np.ndarray) -> Candidate:
        space = self.space
        picked = [_at(table.groups, chosen, each)
                  for table, each in zip(space.tables, best, strict=True)]
        memories = [self.rows or chosen_stores(weights @ table.moved(*at[1:]))
                    for table, at in zip(space.tables, picked, strict=True) if table.main]
        key = (*chosen, *(each[-1] for each in picked), *memories)
        if key not in self._seen:
            pairs = list(zip(space.tables, picked, strict=True))
            cycles = max(float(table.cycles[at]) for table, at in pairs)
            ways = [table.ways[at[0]][at[2]] for table, at in pairs if table.main]
            parallel = space.parallel(chosen)
            schedule = Schedule(tuple(
                replace(layer_layout(self.network, number, way.lanes, parallel, way.engine,
                                     way.places).plan, units=way.units(parallel[number]))
                for number, way in enumerate(ways) if way)).placed(*memories).pipelined(
                    self.chip.family.pipelined)
            cost = sum(self._costs.of(schedule), Cost())
            cycles = max(cycles, port_cycles(self.network, self.activity))
            self._seen[key] = Candidate(schedule, cost, cycles)
        return self._seen[key]


    def _filled(self, candidate: Candidate) -> Candidate:
        """The same lanes with further memories in the block RAMs that are left over."""
        free = self.chip.capacity(self.chip.family.blocks) - candidate.cost.blocks
        if self.rows is not None or free < 1:
            return candidate
        schedule = candidate.schedule
        layers = zip(schedule.layers, (each for each in self.space.tables if each.main),
                     strict=True)
        moves = [table.moves_of(self.space.choices[table.groups[1]].index(plan.parallel), plan)
                 for plan, table in layers]
        chosen = [plan.memories for plan in schedule.layers if isinstance(plan.memories, Stores)]
        found = schedule.placed(*filled(chosen, moves, free))
        if found == schedule:
            return candidate
        return Candidate(found, sum(self._costs.of(found), Cost()), candidate.cycles)


def _cheaper(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Those with fewer cells than all before them."""
    least = float("inf")
    for each in candidates:
        if each.cost.cells < least:
            least = each.cost.cells
            yield each


def _factor(groups: tuple[int | None, int], values: np.ndarray) -> Factor:
    producer, own = groups
    if producer is None:
        return (own,), values[0]
    if producer == own:
        return (own,), np.diagonal(values)
    return ((producer, own), values) if producer < own else ((own, producer), values.T)


def _at(groups: tuple[int | None, int], chosen: tuple[int, ...],
        best: np.ndarray) -> tuple[int, int, int]:
    producer, own = groups
    a, b = 0 if producer is None else chosen[producer], chosen[own]
    return a, b, int(best[a, b])
