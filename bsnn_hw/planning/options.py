"""All that a layer may have: lanes and parallel neurons, with what each costs and takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.devices.families import Cost, Family
from bsnn_hw.devices.parts import Rows
from bsnn_hw.ir.bounds import HiddenBounds, ReadoutBounds, network_bounds
from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.network import Conv, Network, SynapseShortcut
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import (
    Engine,
    Geometry,
    LayerPlan,
    Schedule,
    geometry_of,
    source_raster,
)
from bsnn_hw.ir.words import WordGeometry
from bsnn_hw.planning.activity import Activity, Feed, LayerActivity
from bsnn_hw.planning.cycles import byte_walks, walk
from bsnn_hw.planning.schedule import joined_layers, layer_layout, most_lanes, most_parallel
from bsnn_hw.planning.structure import (
    engine_parts,
    neuron_parts,
    output_margin,
    weight_parts,
)
from bsnn_hw.planning.supply import supply_parts
from bsnn_hw.planning.throughput import step_cycles
from bsnn_hw.planning.words import word_choices, words_problem

__all__ = ["OptionTable", "Space", "search_space"]

USUAL_DELAY = 3  # of synapses, with two lanes

LANES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
MAP_LANES = (1, 2, 3, 4)  # of a convolution: events of one place come together
STEP = 1.12  # from one number of parallel neurons to the next that is looked at, at least
EXACT = 8  # up to here all are
MOST_LARGE = 11  # numbers above it
WORD_STEP = 2.0  # likewise, from one number of lanes of a word to the next
MOST_EVENTS = 1 << 16  # inputs, timesteps and samples that the cycles of an option are counted on
LEAST_SAMPLES = 16
RESOURCES = 4  # cells, registers, blocks, multipliers
Way = tuple[Engine, int]  # what a layer takes, and in how many lanes


@dataclass(frozen=True)
class OptionTable:
    """Of one set of synapses, for each giver's choice, own choice, and engine with its lanes.

    groups : (giver, own), indices of ``Space.choices``; the giver is None at the input port
    number : int, of the layer; main : bool, its own synapses, not a shortcut's
    ways : for each giver's choice (engine, lanes), None where there are fewer
    costs : float (RESOURCES, givers, own, ways), as in `Cost`
    cycles : float (givers, own, ways), mean per inference; infinite where there is no such plan
    """

    groups: tuple[int | None, int]
    number: int
    main: bool
    ways: tuple[tuple[Way | None, ...], ...]
    costs: np.ndarray
    cycles: np.ndarray


@dataclass(frozen=True)
class Space:
    """Everything that can be chosen.

    rows : from which on memories are in block RAM
    members : layers of each group, which have the same parallel neurons
    choices : numbers of parallel neurons of each group
    """

    rows: Rows
    members: tuple[tuple[int, ...], ...]
    choices: tuple[tuple[int, ...], ...]
    tables: tuple[OptionTable, ...]

    def parallel(self, chosen: Sequence[int]) -> list[int]:
        """Parallel neurons of every layer."""
        found = {number: self.choices[group][chosen[group]]
                 for group, numbers in enumerate(self.members) for number in numbers}
        return [found[number] for number in range(len(found))]


def search_space(network: Network, activity: Activity, family: Family, rows: Rows,
                 most_cells: float, engines: Sequence[Engine | None] = ()) -> Space:
    """Every option of every layer.

    rows : from which on memories are in block RAM
    engines : one per layer, or None where both are weighed: words between layers only, as they
        make a port of another kind at the input
    most_cells : a choice whose neurons alone take more is left out, unless it is the only one
    """
    builder = _Builder(network, _thinned(network, activity), family, rows)
    members = joined_layers(network)
    choices = tuple(builder.choices(numbers, most_cells) for numbers in members)
    group_of = {number: group for group, numbers in enumerate(members) for number in numbers}
    tables = []
    for number, layer in enumerate(network.layers):
        own = group_of[number]
        giver = group_of.get(number - layer.back)
        engine = engines[number] if engines else None
        tables.append(builder.main(number, giver, own, choices, engine))
        for index, shortcut in enumerate(getattr(layer, "shortcuts", ())):
            if isinstance(shortcut, SynapseShortcut):
                tables.append(builder.beside(number, index, shortcut,
                                              group_of[number - shortcut.back], own, choices))
    return Space(rows, tuple(map(tuple, members)), choices, tuple(tables))


def _thinned(network, activity):
    """The activity of some of the samples, where there are many events."""
    def thin(feed: Feed) -> Feed:
        keep = max(LEAST_SAMPLES, MOST_EVENTS // max(1, int(np.prod(feed.events.shape[1:]))))
        return replace(feed, events=feed.events[:keep])

    return tuple(LayerActivity(thin(each.feed), tuple(feed and thin(feed)
                                                      for feed in each.shortcuts))
                 for each in activity)


class _Builder:
    def __init__(self, network: Network, activity: Activity, family: Family, rows: Rows):
        self._network, self._activity = network, activity
        self._family, self._rows = family, rows
        hidden, readout = network_bounds(network)
        self._hidden = hidden
        self._bounds: tuple[HiddenBounds | ReadoutBounds, ...] = (*hidden, readout)
        self._cores: dict[tuple[int, Way, int], Cost] = {}
        self._steps: dict[tuple[int, int], Cost] = {}
        self._supplies: dict[tuple, Cost] = {}
        self._walks: dict[tuple, np.ndarray] = {}

    def choices(self, numbers: Sequence[int], most_cells: float) -> tuple[int, ...]:
        """Numbers of parallel neurons for these layers."""
        most = most_parallel(self._network, numbers[0])
        mapped = isinstance(self._network.layers[numbers[0]].synapse, Conv)
        sizes = ({-(-most // (1 << k)) for k in range(most.bit_length() + 1)} if mapped else
                 set(_fold_sizes(most)))
        return tuple(size for size in sorted(sizes) if size == 1
                     or all(self._core(number, (Engine.EVENTS, 1), size).cells <= most_cells
                            for number in numbers))

    def main(self, number: int, giver: int | None, own: int, choices,
             engine: Engine | None) -> OptionTable:
        """The layer's own synapses, and everything else of the layer."""
        network, layer = self._network, self._network.layers[number]
        widths = choices[giver] if giver is not None else (None,)
        ways = self._ways(number, giver, widths, engine)
        if self._feed(number, None).port is Port.BYTES:
            self._walk_bytes(number, ways[0], choices[own])
        costs = np.zeros((RESOURCES, len(widths), len(choices[own]), len(ways[0])))
        cycles = np.full(costs.shape[1:], np.inf)
        for at in np.ndindex(*cycles.shape):
            width, parallel, way = widths[at[0]], choices[own][at[1]], ways[at[0]][at[2]]
            if way is None or (giver == own and width != parallel):
                continue
            counts = [1] * len(network.layers)
            if width is not None:
                counts[number - layer.back] = width
            counts[number] = parallel
            geometry = layer_layout(network, number, way[1], counts, way[0])
            cost = (self._core(number, way, parallel) + self._supply(number, None, geometry)
                    + self._family.cost(weight_parts(layer.synapse, geometry)))
            costs[(slice(None), *at)] = _row(cost)
            cycles[at] = self._cycles(number, None, geometry)
        return OptionTable((giver, own), number, True, ways, costs, cycles)

    def _ways(self, number: int, giver: int | None, widths,
              engine: Engine | None) -> tuple[tuple[Way | None, ...], ...]:
        """Engines and lanes for each of the giver's widths, all as many."""
        network, layer = self._network, self._network.layers[number]
        lanes = MAP_LANES if isinstance(layer.synapse, Conv) else LANES
        words = words_problem(network, number) is None and (
            engine is Engine.WORDS or (engine is None and giver is not None))
        found = []
        for width in widths:
            counts = [width or 1] * len(network.layers)
            most = most_lanes(network, number, counts)[0]
            ways: list[Way | None] = []
            if engine is not Engine.WORDS:
                ways += [(Engine.EVENTS, count) for count in lanes if count <= most]
            if words:
                ways += [(Engine.WORDS, count) for count in
                         _spread(word_choices(network, number, counts))]
            found.append(ways)
        longest = max(map(len, found))
        return tuple((*ways, *[None] * (longest - len(ways))) for ways in found)

    def beside(self, number: int, index: int, shortcut: SynapseShortcut, giver: int, own: int,
               choices) -> OptionTable:
        """A shortcut's synapses: one lane."""
        network = self._network
        ways = (((Engine.EVENTS, 1),),) * len(choices[giver])
        costs = np.zeros((RESOURCES, len(choices[giver]), len(choices[own]), 1))
        cycles = np.full(costs.shape[1:], np.inf)
        sums = self._hidden[number].shortcuts[index]
        for a, width in enumerate(choices[giver]):
            for b, parallel in enumerate(choices[own]):
                if giver == own and width != parallel:
                    continue
                counts = [1] * len(network.layers)
                counts[number - shortcut.back], counts[number] = width, parallel
                plans = Schedule(tuple(LayerPlan(1, count) for count in counts))
                source = source_raster(network, plans, number, shortcut.back, shortcut.pool)
                geometry = geometry_of(shortcut.synapse, source, LayerPlan(1, parallel))
                core = engine_parts(network, number, shortcut.synapse, sums, geometry, self._rows)
                cost = (self._family.cost(core) + self._supply(number, index, geometry)
                        + self._family.cost(weight_parts(shortcut.synapse, geometry)))
                costs[:, a, b, 0] = _row(cost)
                cycles[a, b, 0] = self._cycles(number, index, geometry)
        return OptionTable((giver, own), number, False, ways, costs, cycles)

    def _core(self, number, way, parallel):
        key = number, way, parallel
        if key not in self._cores:
            counts = [1] * len(self._network.layers)
            counts[number] = parallel
            engine, lanes = way
            plans = Schedule(tuple(LayerPlan(lanes, count) for count in counts))
            layer = self._network.layers[number]
            source = source_raster(self._network, plans, number, layer.back, layer.pool)
            geometry = geometry_of(layer.synapse, source,
                                   LayerPlan(lanes, parallel, engine=engine))
            self._cores[key] = self._family.cost(engine_parts(
                self._network, number, layer.synapse, self._bounds[number].acc, geometry,
                self._rows))
            self._cores[key] += self._neurons(number, geometry.raster)
        return self._cores[key]

    def _neurons(self, number, raster: Raster):
        key = number, raster.width
        if key not in self._steps:
            self._steps[key] = self._family.cost(
                neuron_parts(self._network.layers[number], self._bounds[number], raster,
                             self._rows))
        return self._steps[key]

    def _supply(self, number, index, geometry: Geometry):
        key = (number, index, geometry.source_width, geometry.lanes, geometry.shared,
               geometry.folds > 1, type(geometry))
        if key not in self._supplies:
            layer = self._network.layers[number]
            reader = layer if index is None else layer.shortcuts[index]
            giver = number - reader.back
            # The giver's lanes are not known here; with two its words come as late as mostly.
            margin = output_margin(self._network.hidden[giver], USUAL_DELAY) if giver >= 0 else 0
            self._supplies[key] = self._family.cost(
                supply_parts(self._network, number, geometry, margin, reader,
                             self._activity[0].feed.port))
        return self._supplies[key]

    def _cycles(self, number, index, geometry):
        """Mean cycles per inference of one engine."""
        charges = self._walked(number, index, geometry) * geometry.folds
        times = step_cycles(self._network, number, geometry, charges, self._rows.state)
        return times.sum(axis=1).mean()

    def _walked(self, number, index, geometry):
        """Places that events of each timestep cost the engine."""
        key = self._walk_key(number, index, geometry)
        if key not in self._walks:
            self._walks[key] = walk(geometry, self._feed(number, index)).astype(float)
        return self._walks[key]

    def _walk_bytes(self, number, ways, parallel):
        """The same behind a port of bytes, for all parallel counts together."""
        layers = range(len(self._network.layers))
        for engine, lanes in ways:
            counts = [[count if layer == number else 1 for layer in layers] for count in parallel]
            geometries = [layer_layout(self._network, number, lanes, each, engine)
                          for each in counts]
            walks = byte_walks(geometries, self._feed(number, None))
            for geometry, walked in zip(geometries, walks, strict=True):
                self._walks[self._walk_key(number, None, geometry)] = walked

    def _walk_key(self, number, index, geometry):
        words = isinstance(geometry, WordGeometry)
        width = geometry.source_width if geometry.banks > 1 or words else 0
        # An encoder may not keep up with few folds, nor do bytes.
        narrow = self._feed(number, index).port is Port.BYTES
        folds = geometry.folds if geometry.shared or narrow else 0
        return number, index, width, geometry.lanes, geometry.banks, words, folds

    def _feed(self, number, index):
        received = self._activity[number]
        return received.feed if index is None else received.shortcuts[index]


def _spread(lanes: Sequence[int]) -> list[int]:
    """Some of the lanes of words, the most and the fewest among them."""
    kept: list[int] = []
    for count in sorted(lanes, reverse=True):
        if not kept or count * WORD_STEP <= kept[-1]:
            kept.append(count)
    return kept


def _row(cost: Cost) -> tuple[float, ...]:
    return cost.cells, cost.registers, cost.blocks, cost.multipliers


def _fold_sizes(neurons: int) -> list[int]:
    """Parallel counts that waste the least, the smallest for a number of folds; of large ones
    some."""
    sizes = sorted({-(-neurons // folds) for folds in range(1, neurons + 1)}, reverse=True)
    step = max(STEP, (neurons / EXACT) ** (1 / MOST_LARGE))
    kept = sizes[:1]
    for size in sizes[1:]:
        if size <= EXACT or size * step <= kept[-1]:
            kept.append(size)
    return kept[::-1]
