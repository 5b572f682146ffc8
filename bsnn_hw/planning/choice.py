"""The plan that is taken where the user asks for none: few cells, all layers about equally busy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.events import most_lanes
from bsnn_hw.engines.registry import engines_of, shortcut_geometries
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Conv, Hidden, Network
from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.cycles import passes, walk
from bsnn_hw.planning.schedule import (
    joined_layers,
    layer_layout,
    most_parallel,
)

__all__ = ["default_schedule", "fastest_option", "rivals", "rough_cells"]

# Cycles per inference that the default aims at; 240,000 inferences a second at 120 MHz.
CYCLE_GOAL = 500
LANE_CHOICES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
MAP_LANE_CHOICES = (1, 2, 3, 4)  # of a convolution: events of one place come together
# Rough logic cells: of a neuron, of a lane at a neuron, and of a multiplication by a gain.
NEURON_CELLS, LANE_NEURON_CELLS, GAIN_CELLS = 110, 8, 40
BLOCK_CELLS = 400  # a block RAM's share of a part's cells, to weigh wide weight memories
SLACK = 0.9
OVERSIZED = 6000  # cells of one layer that the default does not exceed


def default_schedule(network: Network, activity: Activity, goal: float = CYCLE_GOAL,
                     engines: Sequence[Engine | None] | None = None) -> Schedule:
    """Per layer the fewest cells that stay within ``goal`` cycles per inference.

    The goal doubles until every layer has a plan within it that is not oversized.

    activity : of calibration samples
    engines : one per layer, or None for what is worth less: words are weighed between layers, as
        they make a port of another kind at the input
    """
    search = _Search(network, activity, tuple(engines or [None] * len(network.layers)))
    while True:
        # Lanes need as many parallel neurons in the layer before, which by itself takes few.
        for least in LANE_CHOICES[:4]:
            if (plans := search.cheapest(goal, least)) is not None:
                return Schedule(plans)
        goal *= 2


def rough_cells(network: Network, number: int, geometry: Geometry) -> int:
    """Rough logic cells of a layer, to compare plans."""
    layer, shortcuts, gains = network.layers[number], 0, 0
    if isinstance(layer, Hidden):
        shortcuts = len(layer.shortcuts)
        gains = shortcuts + (layer.neuron.gain is not None)
    neurons = geometry.parallel * (NEURON_CELLS + LANE_NEURON_CELLS * shortcuts
                                   + GAIN_CELLS * gains)
    return neurons + geometry.rough_cells(layer.synapse.weight_bits, number >= layer.back)


def rivals(network: Network, activity: Activity, schedule: Schedule,
           number: int) -> list[tuple[int, float, LayerPlan]]:
    """(cells, cycles, plan) of each other engine that layer ``number`` can have, with the parallel
    neurons that it has: the cheapest within its cycles, else the fastest that is not oversized."""
    search = _Search(network, activity, (None,) * len(network.layers))
    parallel, plan = [each.parallel for each in schedule.layers], schedule.layers[number]
    shape = layer_layout(network, number, plan.lanes, parallel, plan.engine)
    best = []
    for engine in engines_of(network, number):
        found = list(search.options(number, parallel, engine)) if engine is not plan.engine else []
        within = [each for each in found if each[1] <= search.cycles(number, shape)]
        if found:
            best.append((min(within, key=_worth) if within else
                         min(found, key=lambda each: each[1]))[:3])
    return best


def fastest_option(network: Network, activity: Activity, number: int, parallel: Sequence[int],
                   cells: int, engine: Engine | None = None) -> tuple[int, float, LayerPlan]:
    """(cells, cycles, plan) of layer ``number`` with the fewest cycles that ``cells`` rough logic
    cells allow, of one engine or of both.

    parallel : neurons updated per cycle, of each layer

    Raises
    ------
    InputError
        Not even a single lane is allowed.
    """
    engines = tuple(each for each in Engine if engine in (None, each)
                    and each in engines_of(network, number))
    search = _Search(network, activity, (engine,) * len(network.layers))
    found = [option for each in engines for option in search.options(number, parallel, each)]
    within = [option for option in found if option[0] <= cells]
    if not within:
        least = min((option[0] for option in found), default=0)
        raise InputError(f"layer '{network.layers[number].name}': {cells:,} cells must be enough "
                         f"for {parallel[number]} parallel neurons, but {least:,.0f} is the least")
    return min(within, key=lambda option: (option[1], option[0]))[:3]


_Option = tuple[int, float, LayerPlan, int]  # cells, cycles, plan, block RAMs of the weights


def _worth(option: _Option) -> int:
    """Cells, and what the block RAMs are worth of them."""
    return option[0] + BLOCK_CELLS * option[3]


@dataclass
class _Search:
    """Finds plans; what the samples cost per fold is kept from goal to goal."""

    network: Network
    activity: Activity
    engines: tuple[Engine | None, ...]
    known: dict[tuple[Any, ...], float] = field(default_factory=dict)

    def cheapest(self, goal: float, least: int = 1) -> tuple[LayerPlan, ...] | None:
        """The cheapest plan of each layer within ``goal``; None if one has none.

        least : parallel neurons of a layer that has as many

        Joined layers get their parallel neurons together; what is not decided yet when a layer's
        turn comes counts as fully parallel, and lanes are chosen again at the end.
        """
        count = len(self.network.layers)
        parallel = [most_parallel(self.network, number) for number in range(count)]
        for group in joined_layers(self.network):
            options = []
            choices = self._parallel_choices(group[0])
            for choice in [each for each in choices if each >= least] or choices[-1:]:
                for number in group:
                    parallel[number] = choice
                found = [self._option(number, parallel, goal) for number in group]
                if all(found):
                    options.append((sum(option[0] for option in found if option),
                                    sum(option[1] for option in found if option), choice))
            if not options:
                return None
            best = min(options, key=lambda option: option[:2])[2]
            for number in group:
                parallel[number] = best
        plans = [self._option(number, parallel, goal) for number in range(count)]
        return tuple(plan[2] for plan in plans if plan) if all(plans) else None

    def _parallel_choices(self, number: int) -> list[int]:
        most = most_parallel(self.network, number)
        if isinstance(self.network.layers[number].synapse, Conv):
            return sorted({-(-most // (1 << k)) for k in range(most.bit_length() + 1)
                           if -(-most // (1 << k)) <= 64})
        return _fold_sizes(most)

    def _option(self, number: int, parallel: list[int],
                goal: float) -> _Option | None:
        """The layer's cheapest lanes within the goal, of the engine that is worth less; None
        without any."""
        # Later layers get some slack: two that are equally busy wait for each other.
        limit = goal if number < self.network.layers[number].back else SLACK * goal
        best: list[_Option] = []
        for engine in self._engines(number):
            within = [each for each in self.options(number, parallel, engine) if each[1] <= limit]
            if within and engine is Engine.WORDS:
                # What its memory takes beyond the events' counts as so many cells.
                fewest = best[0][3] if best else 0
                within = [(cells + BLOCK_CELLS * max(0, blocks - fewest), cycles, plan, blocks)
                          for cells, cycles, plan, blocks in within]
            if within:
                best.append(min(within, key=lambda each: each[:2]))
        return min(best, key=lambda each: each[:2]) if best else None

    def options(self, number: int, parallel: Sequence[int], engine: Engine) -> Iterator[_Option]:
        """Every count of lanes worth weighing that is not oversized."""
        for lanes in self._lane_choices(number, parallel, engine):
            geometry = layer_layout(self.network, number, lanes, parallel, engine)
            cells = rough_cells(self.network, number, geometry)
            if cells <= OVERSIZED or lanes == parallel[number] == 1:
                yield cells, self.cycles(number, geometry), geometry.plan, geometry.rough_blocks()

    def cycles(self, number: int, geometry: Geometry) -> float:
        """Mean cycles per inference that the layer takes."""
        return (self._walked(number, geometry) * geometry.folds
                + passes(self.network, number) * geometry.raster.rows)

    def _engines(self, number: int) -> Sequence[Engine]:
        asked = self.engines[number]
        if asked is not None:
            return (asked,)
        between = number >= self.network.layers[number].back
        return tuple(engines_of(self.network, number)) if between else (Engine.EVENTS,)

    def _lane_choices(self, number: int, parallel: Sequence[int],
                      engine: Engine) -> Iterable[int]:
        if engine is Engine.WORDS:
            return DenseWords.all_lanes(self.network, number, parallel)
        spatial = isinstance(self.network.layers[number].synapse, Conv)
        most, _ = most_lanes(self.network, number, parallel)
        return (n for n in (MAP_LANE_CHOICES if spatial else LANE_CHOICES) if n <= most)

    def _walked(self, number: int, geometry: Geometry) -> float:
        """Mean cycles per fold and inference that events cost the busiest of the engines."""
        key = number, *geometry.walk_key()
        if key not in self.known:
            received = self.activity[number]
            walks = [walk(geometry, received.feed), *self._shortcut_walks(number)]
            self.known[key] = float(np.max(walks, axis=0).sum(axis=1).mean())
        return self.known[key]

    def _shortcut_walks(self, number: int) -> Iterator[np.ndarray]:
        """What the engines of the layer's shortcuts walk: with one lane, plans do not matter."""
        if number == len(self.network.hidden):
            return
        plain = Schedule(tuple(LayerPlan(1, 1) for _ in self.network.layers))
        geometries = shortcut_geometries(self.network, plain)[number]
        for geometry, feed in zip(geometries, self.activity[number].shortcuts, strict=True):
            if geometry is not None and feed is not None:
                yield walk(geometry, feed)


def _fold_sizes(neurons: int) -> list[int]:
    """Parallel counts that waste the least: the smallest for each number of folds, up to 64."""
    return sorted({-(-neurons // folds) for folds in range(1, neurons + 1)
                   if -(-neurons // folds) <= 64})
