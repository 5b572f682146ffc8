"""All that a layer may have: lanes and parallel neurons, with what each costs and takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from bsnn_hw.devices.families import Cost, Family
from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed
from bsnn_hw.engines.registry import engine_problem, find_engine, geometry_of, source_raster
from bsnn_hw.ir.network import Conv, Hidden, Network, Readout, SynapseShortcut
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Engine, LayerPlan, Rows, Stores
from bsnn_hw.layout.blocks import Synapses, output_block
from bsnn_hw.layout.build import Builder
from bsnn_hw.layout.held import units_problem
from bsnn_hw.layout.timing import charge_delay, neuron_delay, pooling_delay
from bsnn_hw.planning.activity import Activity, LayerActivity, port_of
from bsnn_hw.planning.cycles import charged, passes
from bsnn_hw.planning.option_table import SHARES, OptionTable, Space, Way
from bsnn_hw.planning.schedule import (
    joined_layers,
    layer_layout,
    most_parallel,
    parallel_problem,
)
from bsnn_hw.planning.stores import RESOURCES, STORES, Moves
from bsnn_hw.planning.throughput import score_cycles, step_cycles, waited
from bsnn_hw.ports.registry import PORTS

__all__ = ["search_space"]

USUAL_DELAY = 3  # of synapses, with two lanes

STEP = 1.12  # from one number of parallel neurons to the next that is looked at, at least
EXACT = 8  # up to here all are
MOST_LARGE = 11  # numbers above it
MOST_EVENTS = 1 << 16  # inputs, timesteps and samples that the cycles of an option are counted on
LEAST_SAMPLES = 16
Choices = tuple[tuple[int, ...], ...]  # numbers of parallel neurons of each group


def search_space(network: Network, activity: Activity, family: Family, rows: Rows | None,
                 most_cells: float, engines: Sequence[Engine | None] = (),
                 units: bool = False) -> Space:
    """Every option of every layer.

    rows : from which on memories are in block RAM; None where each is weighed
    engines : one per layer, or None where both are weighed: words between layers only, as they
        make a port of another kind at the input
    most_cells : a choice whose neurons alone take more is left out, unless it is the only one
    units : bool, whether neurons may have units of their own
    """
    builder = _Builder(network, _thinned(activity), family, rows, units)
    members = joined_layers(network)
    asked = engines or [None] * len(network.layers)
    choices = tuple(builder.choices(numbers, most_cells, asked) for numbers in members)
    group_of = {number: group for group, numbers in enumerate(members) for number in numbers}
    tables = []
    for number, layer in enumerate(network.layers):
        own = group_of[number]
        producer = group_of.get(number - layer.back)
        tables.append(builder.main(number, producer, own, choices, asked[number]))
        for index, shortcut in enumerate(layer.shortcuts):
            if isinstance(shortcut, SynapseShortcut):
                tables.append(builder.beside(number, index, shortcut,
                                              group_of[number - shortcut.back], own, choices))
    return Space(tuple(map(tuple, members)), choices, tuple(tables))


def _thinned(activity: Activity) -> Activity:
    """The activity of some of the samples, where there are many events."""
    def thin(feed: Feed) -> Feed:
        keep = max(LEAST_SAMPLES, MOST_EVENTS // max(1, int(np.prod(feed.events.shape[1:]))))
        before = tuple(replace(each, events=each.events[:keep]) for each in feed.before)
        return replace(feed, events=feed.events[:keep], before=before)

    return tuple(LayerActivity(thin(each.feed), tuple(feed and thin(feed)
                                                      for feed in each.shortcuts))
                 for each in activity)


class _Builder:
    def __init__(self, network: Network, activity: Activity, family: Family, rows: Rows | None,
                 units: bool):
        self._network, self._activity, self._units = network, activity, units
        self._family, self._memories = family, rows or Stores()
        self._pipelined = family.pipelined
        self._port = PORTS[port_of(activity)]
        self._blocks = Builder(network, self._port.port)
        self._moves = Moves(self._blocks, family) if rows is None else None
        self._cores: dict[tuple[int, Way, int], Cost] = {}
        self._steps: dict[tuple[int, int, int | None], Cost] = {}
        self._supplies: dict[tuple[Any, ...], Cost] = {}
        self._walks: dict[tuple[Any, ...], np.ndarray] = {}
        self._charged: tuple[Geometry, np.ndarray] | None = None

    def choices(self, numbers: Sequence[int], most_cells: float,
                engines: Sequence[Engine | None]) -> tuple[int, ...]:
        """Numbers of parallel neurons for these layers."""
        most = most_parallel(self._network, numbers[0])
        mapped = isinstance(self._network.layers[numbers[0]].synapse, Conv)
        sizes = ({-(-most // (1 << k)) for k in range(most.bit_length() + 1)} if mapped else
                 set(_fold_sizes(most)))
        sizes = {size for size in sizes if not any(
            parallel_problem(self._network.layers[number], size, engines[number])
            for number in numbers)}
        return tuple(size for size in sorted(sizes) if size == min(sizes)
                     or all(self._least_cells(number, size) <= most_cells for number in numbers))

    def _least_cells(self, number: int, parallel: int) -> float:
        """Of engine and neurons, each memory being where it takes fewer."""
        shares = self._shares(number)
        moved = np.minimum(self._all_moves(number, [parallel], shares)[0, 0], 0).sum(axis=1)
        ways = [Way(Engine.EVENTS, 1, share=share) for share in shares]
        return min(self._core(number, way, parallel).cells + float(more)
                   for way, more in zip(ways, moved, strict=True) if way.divides(parallel))

    def _shares(self, number: int) -> tuple[int | None, ...]:
        if not self._units or units_problem(self._network, number):
            return (None,)
        # With all of them at once, only the steps of a sample are beside the next one's events.
        at_once = (1,) if self._blocks.direct(number) and self._network.timesteps > 1 else ()
        return (None, *at_once, *SHARES)

    def main(self, number: int, producer: int | None, own: int, choices: Choices,
             engine: Engine | None) -> OptionTable:
        """The layer's own synapses, and everything else of the layer."""
        network, layer = self._network, self._network.layers[number]
        widths: Sequence[int | None] = choices[producer] if producer is not None else (None,)
        shares = self._shares(number)
        ways = self._ways(number, producer, widths, engine, shares)
        costs = np.zeros((RESOURCES, len(widths), len(choices[own]), len(ways[0])))
        cycles = np.full(costs.shape[1:], np.inf)
        laid_out: dict[Any, Geometry] = {}
        for at in np.ndindex(*cycles.shape):
            width, parallel, way = widths[at[0]], choices[own][at[1]], ways[at[0]][at[2]]
            if way is None or (producer == own and width != parallel) or not way.divides(parallel):
                continue
            whole = (*at[:2], at[2] - at[2] % len(shares))
            if whole != at:  # laid out as with all neurons at once
                if whole in laid_out:
                    laid_out[at] = laid_out[whole]
                continue
            counts = [1] * len(network.layers)
            if width is not None:
                counts[number - layer.back] = width
            counts[number] = parallel
            if find_engine(network, number, way.engine).lanes_problem(
                    network, number, way.lanes, counts):
                continue
            laid_out[at] = layer_layout(network, number, way.lanes, counts, way.engine,
                                        way.places)
        self._walk_together(number, laid_out.values())
        for at, geometry in laid_out.items():
            parallel, way = choices[own][at[1]], ways[at[0]][at[2]]
            assert way is not None
            cost = (self._core(number, way, parallel) + self._supply(number, None, geometry)
                    + self._weights(number, geometry))
            costs[(slice(None), *at)] = cost.row
            cycles[at] = self._cycles(number, None, geometry, way.units(parallel))
        return OptionTable((producer, own), number, True, ways, shares, costs,
                           self._all_moves(number, choices[own], shares), cycles)

    def _all_moves(self, number: int, widths: Sequence[int],
                   shares: Sequence[int | None]) -> np.ndarray:
        shape = self._network.layers[number].synapse.shape
        found = np.zeros((RESOURCES, len(widths), len(shares), len(STORES)))
        if self._moves is not None:
            for (at, width), (n, share) in product(enumerate(widths), enumerate(shares)):
                way = Way(Engine.EVENTS, 1, share=share)
                if way.divides(width):
                    found[:, at, n] = self._moves.of(number, Raster(shape, width), self._pipelined,
                                                     way.units(width))
        return found

    def _ways(self, number: int, producer: int | None, widths: Sequence[int | None],
              engine: Engine | None,
              shares: Sequence[int | None]) -> tuple[tuple[Way | None, ...], ...]:
        """Engines and lanes for each of the producer's widths, all as many."""
        network, found = self._network, []
        # At the input an engine that makes a port of another kind must be asked for.
        weighed = [engine] if engine else [Engine.EVENTS] if producer is None else [
            each for each in Engine if engine_problem(network, number, each) is None
            and find_engine(network, number, each).weighed]
        for width in widths:
            counts = [width or 1] * len(network.layers)
            counts[number] = most_parallel(network, number)  # with which lanes fit any groups
            ways: list[Way | None] = [
                Way(each, count, places, share) for each in weighed
                for kind in [find_engine(network, number, each)]
                for places in kind.place_choices(network, number)
                for count in kind.lane_choices(network, number, counts) for share in shares]
            found.append(ways)
        longest = max(map(len, found))
        return tuple((*ways, *[None] * (longest - len(ways))) for ways in found)

    def beside(self, number: int, index: int, shortcut: SynapseShortcut, producer: int, own: int,
               choices: Choices) -> OptionTable:
        """A shortcut's synapses: one lane."""
        network = self._network
        ways = ((Way(Engine.EVENTS, 1),),) * len(choices[producer])
        costs = np.zeros((RESOURCES, len(choices[producer]), len(choices[own]), 1))
        cycles = np.full(costs.shape[1:], np.inf)
        for a, width in enumerate(choices[producer]):
            for b, parallel in enumerate(choices[own]):
                if producer == own and width != parallel:
                    continue
                counts = [1] * len(network.layers)
                counts[number - shortcut.back], counts[number] = width, parallel
                source = source_raster(network, counts, 1, number, shortcut.back, shortcut.pool)
                geometry = geometry_of(shortcut.synapse, source, LayerPlan(1, parallel))
                block = self._synapses(number, index, geometry)
                cost = (self._family.cost(block.engine_parts())
                        + self._supply(number, index, geometry)
                        + self._family.cost(block.weight_parts()))
                costs[:, a, b, 0] = cost.row
                cycles[a, b, 0] = self._cycles(number, index, geometry)
        moves = np.zeros((RESOURCES, len(choices[own]), 1, len(STORES)))
        return OptionTable((producer, own), number, False, ways, (None,), costs, moves, cycles)

    def _core(self, number: int, way: Way, parallel: int) -> Cost:
        """Engine and neurons, which do not depend on the producer."""
        key = number, way, parallel
        if key not in self._cores:
            counts = [1] * len(self._network.layers)
            counts[number] = parallel
            engine, lanes, places, _ = way
            layer = self._network.layers[number]
            source = source_raster(self._network, counts, lanes, number, layer.back, layer.pool)
            geometry = geometry_of(layer.synapse, source,
                                   LayerPlan(lanes, parallel, engine=engine, places=places))
            block = self._synapses(number, None, geometry, held=way.share is not None)
            self._cores[key] = (self._family.cost(block.engine_parts())
                                + self._step(number, block, way.units(parallel)))
        return self._cores[key]

    def _step(self, number: int, block: Synapses, units: int | None) -> Cost:
        """Neurons and what is carried to them, or the scorer."""
        raster = block.geometry.raster
        key = number, raster.width, units
        if key not in self._steps:
            self._steps[key] = self._family.cost(self._step_parts(number, block, raster, units))
        return self._steps[key]

    def _step_parts(self, number: int, block: Synapses, raster: Raster,
                    units: int | None) -> Parts:
        layer, blocks = self._network.layers[number], self._blocks
        if not isinstance(layer, Hidden):
            return output_block(layer, blocks.readout_bounds, block).scorer.parts()
        parts = blocks.neurons(number, raster, self._memories, self._pipelined, units).parts()
        for shortcut, sums in zip(layer.shortcuts, blocks.hidden_bounds[number].shortcuts,
                                  strict=True):
            if not isinstance(shortcut, SynapseShortcut):
                margin = self._margin(number - shortcut.back)
                parts += blocks.carry(number, shortcut, raster, sums.width, margin=margin).parts()
        if layer.join is not None:
            margin = self._margin(number - layer.join.back)
            parts += blocks.join(number, raster.width, margin=margin).parts()
        return parts

    def _weights(self, number: int, geometry: Geometry) -> Cost:
        """The weight memory, and a gate, which has one of its own."""
        cost = self._family.cost(geometry.weight_parts(
            self._network.layers[number].synapse.weight_bits))
        gate = self._blocks.gate(number, geometry, self._pipelined)
        return cost if gate is None else cost + self._family.cost(gate.parts())

    def _synapses(self, number: int, index: int | None, geometry: Geometry,
                  held: bool = False) -> Synapses:
        """The engine of a layer or of its shortcut ``index``; ``held``, for units of its own."""
        blocks = self._blocks
        consumer: Hidden | Readout | SynapseShortcut = self._network.layers[number]
        sums = (blocks.hidden_bounds[number] if isinstance(consumer, Hidden)
                else blocks.readout_bounds).acc
        if index is not None:
            shortcut = self._network.hidden[number].shortcuts[index]
            assert isinstance(shortcut, SynapseShortcut)
            consumer, sums = shortcut, blocks.hidden_bounds[number].shortcuts[index]
        return blocks.synapses(number, consumer, geometry, sums.width, memories=self._memories,
                               pipelined=self._pipelined, held=held,
                               margin=self._margin(number - consumer.back),
                               summands=[(self._margin(number - each.back), "")
                                         for each in consumer.summands])

    def _margin(self, producer: int) -> int:
        """Words that may come late: the producer's lanes are not known here, and with two its words
        come as late as mostly."""
        if producer < 0:
            return 0
        layer = self._network.hidden[producer]
        return (USUAL_DELAY + self._pipelined + pooling_delay(layer)
                + neuron_delay(charge_delay(layer, self._pipelined)) + 1)

    def _supply(self, number: int, index: int | None, geometry: Geometry) -> Cost:
        key = (number, index, geometry.source_width, geometry.lanes, geometry.shared,
               geometry.event_folds > 1, type(geometry))
        if key not in self._supplies:
            block = self._synapses(number, index, geometry)
            self._supplies[key] = self._family.cost(block.source_parts())
        return self._supplies[key]

    def _cycles(self, number: int, index: int | None, geometry: Geometry,
                units: int | None = None) -> float:
        """Mean cycles per inference of one engine."""
        charges = self._charges(number, index, geometry)
        layer, timesteps = self._network.layers[number], self._network.timesteps
        rows = geometry.raster.rows
        if isinstance(layer, Hidden):
            neurons = self._blocks.neurons(number, geometry.raster, self._memories,
                                           self._pipelined, units)
            times = step_cycles(charges, timesteps, rows, neurons)
        else:
            output = output_block(layer, self._blocks.readout_bounds,
                                  self._synapses(number, index, geometry))
            times = score_cycles(charges, timesteps, rows, output.row_wait, layer.constant_gain)
        return float(times.sum(axis=1).mean())

    def _charges(self, number: int, index: int | None, geometry: Geometry) -> np.ndarray:
        """Cycles that an engine takes for its events, (N, marks); those of the geometry before are
        kept, as it comes with each share."""
        if self._charged is None or self._charged[0] is not geometry:
            self._walk_together(number, [geometry], index)
            charges = charged(
                geometry, self._feed(number, index),
                lambda geometry, feed: self._walks[self._walk_key(number, index, geometry, feed)],
                passes(self._network, number))
            if index is not None:
                charges = waited(self._synapses(number, index, geometry), charges)
            self._charged = geometry, charges
        return self._charged[1]

    def _walk_together(self, number: int, geometries: Iterable[Geometry],
                       index: int | None = None) -> None:
        """Find which positions events of each timestep cost engines that differ, as a port may
        count those with equal lanes at once."""
        geometries = list(geometries)
        for feed in self._feed(number, index).streams:
            self._walk_feed(number, geometries, index, feed)

    def _walk_feed(self, number: int, geometries: Iterable[Geometry], index: int | None,
                   feed: Feed) -> None:
        by_lanes: dict[int, dict[tuple[Any, ...], Geometry]] = {}
        for each in geometries:
            key = self._walk_key(number, index, each, feed)
            if key not in self._walks:
                by_lanes.setdefault(each.lanes, {}).setdefault(key, each)
        for fresh in by_lanes.values():
            kinds = list(fresh.values())
            walks = (self._port.walks(kinds, feed) if feed.port else
                     [each.walk(feed) for each in kinds])
            self._walks |= {key: walked.astype(float)
                            for key, walked in zip(fresh, walks, strict=True)}

    def _walk_key(self, number: int, index: int | None, geometry: Geometry,
                  feed: Feed) -> tuple[Any, ...]:
        return number, index, id(feed), *(self._port.walk_key(geometry) if feed.port else
                                          geometry.walk_key())

    def _feed(self, number: int, index: int | None) -> Feed:
        received = self._activity[number]
        feed = received.feed if index is None else received.shortcuts[index]
        assert feed is not None
        return feed


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
