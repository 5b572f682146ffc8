"""The plan that is taken where the user asks for none: few cells, all layers about equally busy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bsnn_hw.ir.network import Conv, Hidden, Network
from bsnn_hw.ir.schedule import (
    Geometry,
    LayerPlan,
    Schedule,
    shortcut_geometries,
)
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.cycles import passes, walk
from bsnn_hw.planning.schedule import joins, layer_layout, most_lanes, most_parallel, plan_of

__all__ = ["default_schedule", "rough_cells"]

# Cycles per inference that the default aims at; 240,000 inferences a second at 120 MHz.
CYCLE_GOAL = 500
LANE_CHOICES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
MAP_LANE_CHOICES = (1, 2, 3, 4)  # of a convolution: events of one place come together
# Rough logic cells: of a neuron, of a lane at a neuron, of a bank's queue, and of a lane; of a
# multiplication by a gain.
NEURON_CELLS, LANE_NEURON_CELLS, BANK_CELLS, LANE_CELLS = 110, 8, 120, 25
GAIN_CELLS = 40
PRODUCT_LANES = 4  # so many lanes' cells a lane takes whose weights have 8 bits
SLACK = 0.9
OVERSIZED = 6000  # cells of one layer that the default does not exceed


def default_schedule(network: Network, activity: Activity,
                     goal: float = CYCLE_GOAL) -> Schedule:
    """Per layer the fewest cells that stay within ``goal`` cycles per inference.

    The goal doubles until every layer has a plan within it that is not oversized.

    activity : of calibration samples
    """
    search = _Search(network, activity)
    while (plans := search.cheapest(goal)) is None:
        goal *= 2
    return Schedule(plans)


def rough_cells(network: Network, number: int, geometry: Geometry) -> int:
    """Rough logic cells of a layer, to compare plans."""
    layer, shortcuts, gains = network.layers[number], 0, 0
    if isinstance(layer, Hidden):
        shortcuts = len(layer.shortcuts)
        gains = shortcuts + (layer.neuron.gain is not None)
    queues = 0 if number < layer.back else geometry.banks
    lanes = shortcuts + geometry.lanes * (1 if layer.synapse.weight_bits == 1 else PRODUCT_LANES)
    return (geometry.parallel * (NEURON_CELLS + LANE_NEURON_CELLS * lanes + GAIN_CELLS * gains)
            + queues * BANK_CELLS + geometry.lanes * LANE_CELLS)


@dataclass
class _Search:
    """Finds plans; what the samples cost per fold is kept from goal to goal."""

    network: Network
    activity: Activity
    known: dict[tuple[int, ...], float] = field(default_factory=dict)

    def cheapest(self, goal: float) -> tuple[LayerPlan, ...] | None:
        """The cheapest plan of each layer within ``goal``; None if one has none.

        Joined layers get their parallel neurons together; what is not decided yet when a layer's
        turn comes counts as fully parallel, and lanes are chosen again at the end.
        """
        count = len(self.network.layers)
        parallel = [most_parallel(self.network, number) for number in range(count)]
        for group in _joined(self.network):
            options = []
            for choice in self._parallel_choices(group[0]):
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
                goal: float) -> tuple[int, float, LayerPlan] | None:
        """(cells, cycles, plan) of the layer's cheapest lanes within the goal; None without."""
        options = []
        layer, own = self.network.layers[number], parallel[number]
        first = number < layer.back
        # Later layers get some slack: two that are equally busy wait for each other.
        limit = goal if first else SLACK * goal
        for lanes in self._lane_choices(number, parallel):
            geometry = layer_layout(self.network, number, lanes, parallel)
            cells = rough_cells(self.network, number, geometry)
            if cells > OVERSIZED and not lanes == own == 1:
                continue
            cycles = (self._walked(number, geometry) * geometry.folds
                      + passes(self.network, number) * geometry.raster.rows)
            if cycles <= limit:
                options.append((cells, cycles, plan_of(geometry)))
        return min(options, key=lambda option: option[:2]) if options else None

    def _lane_choices(self, number: int, parallel: list[int]) -> Iterable[int]:
        spatial = isinstance(self.network.layers[number].synapse, Conv)
        most, _ = most_lanes(self.network, number, parallel)
        return (n for n in (MAP_LANE_CHOICES if spatial else LANE_CHOICES) if n <= most)

    def _walked(self, number: int, geometry: Geometry) -> float:
        """Mean cycles per fold and inference that events cost the busiest of the engines."""
        # With a single bank the source's words do not matter.
        width = geometry.source_width if geometry.banks > 1 else 0
        folds = geometry.folds if geometry.shared else 0  # its encoder may not keep up with few
        key = number, width, geometry.lanes, geometry.banks, folds
        if key not in self.known:
            received = self.activity[number]
            walks = [walk(geometry, received.feed), *self._shortcut_walks(number)]
            self.known[key] = float(np.max(walks, axis=0).sum(axis=1).mean())
        return self.known[key]

    def _shortcut_walks(self, number):
        """What the engines of the layer's shortcuts walk: with one lane, plans do not matter."""
        if number == len(self.network.hidden):
            return
        plain = Schedule(tuple(LayerPlan(1, 1) for _ in self.network.layers))
        geometries = shortcut_geometries(self.network, plain)[number]
        for geometry, feed in zip(geometries, self.activity[number].shortcuts, strict=True):
            if geometry is not None and feed is not None:
                yield walk(geometry, feed)


def _joined(network: Network) -> list[list[int]]:
    """Layers that must have the same parallel neurons, in order of the first of each group."""
    group = list(range(len(network.layers)))
    for number, giver, _ in joins(network):
        old, new = group[number], group[giver]
        group = [new if each == old else each for each in group]
    together: dict[int, list[int]] = {}
    for number, each in enumerate(group):
        together.setdefault(each, []).append(number)
    return list(together.values())


def _fold_sizes(neurons: int) -> list[int]:
    """Parallel counts that waste the least: the smallest for each number of folds, up to 64."""
    return sorted({-(-neurons // folds) for folds in range(1, neurons + 1)
                   if -(-neurons // folds) <= 64})
