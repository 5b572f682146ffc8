"""Which of a layer's memories lie in block RAM: each by what it takes there and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsnn_hw.devices.chips import Chip
from bsnn_hw.devices.families import Cost, Family
from bsnn_hw.engines.registry import network_geometries, takes_events
from bsnn_hw.ir.network import Hidden, Network, Synapse, SynapseShortcut
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Port, Schedule, Store, Stores
from bsnn_hw.layout.blocks import StateRows, accumulator_parts
from bsnn_hw.layout.build import Builder
from bsnn_hw.layout.timing import recovery, synaptic_recovery
from bsnn_hw.planning.forecast import LayerCosts

__all__ = ["BLOCK_PRICES", "RESOURCES", "STORES", "Moves", "chosen_stores", "filled", "prices",
           "with_memories"]

RESOURCES = 4  # cells, registers, blocks, multipliers
STORES = tuple(Store)
# What a block RAM counts as, in shares of the part: 0 where only logic matters.
BLOCK_PRICES = (0.0, 0.3, 1.0, 3.0)
LEAST_PRICE = 1e-3  # of what is not counted, so that of equal plans the one with less is taken


def prices(chip: Chip, blocks: float, multipliers: float) -> np.ndarray:
    """What each resource is worth in logic cells, float64 (RESOURCES,).

    blocks, multipliers : of one, in shares of the part
    """
    family, logic = chip.family, chip.capacity(chip.family.logic)
    return np.array([1, LEAST_PRICE, *(
        max(LEAST_PRICE, price) * logic / max(1, chip.capacity(bel))
        for price, bel in ((blocks, family.blocks), (multipliers, family.multipliers)))])


def chosen_stores(moved: np.ndarray) -> Stores:
    """Those that are worth moving, ``moved`` (STORES,) being what that adds in cells."""
    return Stores(frozenset(store for store, more in zip(STORES, moved, strict=True) if more < 0))


def filled(chosen: Sequence[Stores], moves: Sequence[np.ndarray], free: float) -> list[Stores]:
    """``chosen`` of each layer and as many more memories as ``free`` block RAMs hold, those first
    that save the most cells for each block RAM: one price for all leaves some over.

    moves : (RESOURCES, STORES) of each layer
    """
    found = [set(stores.names) for stores in chosen]
    left = [(-float(cells), float(blocks), number, at)
            for number, (cells, _, blocks, _) in enumerate(moves)
            for at, (cells, blocks) in enumerate(zip(cells, blocks, strict=True))
            if cells < 0 and STORES[at] not in found[number]]
    for _, blocks, number, at in sorted(left, key=lambda each: -each[0] / max(each[1], 1e-3)):
        if blocks <= free:
            free -= blocks
            found[number].add(STORES[at])
    return [Stores(frozenset(names)) for names in found]


class Moves:
    """What each memory takes more in block RAM than elsewhere, on parts of ``family``."""

    def __init__(self, blocks: Builder, family: Family):
        self._blocks, self._family = blocks, family
        self._known: dict[tuple[int, int, bool, int | None], np.ndarray] = {}

    def of(self, number: int, raster: Raster, pipelined: bool,
           units: int | None = None) -> np.ndarray:
        """Of layer ``number``: float64 (RESOURCES, STORES), 0 for what it does not have or may not
        move.

        raster : of its sums
        """
        key = number, raster.width, pipelined, units
        if key not in self._known:
            self._known[key] = np.array([self._move(number, raster, store, pipelined, units)
                                         for store in STORES]).T
        return self._known[key]

    def _move(self, number: int, raster: Raster, store: Store, pipelined: bool,
              units: int | None) -> tuple[float, ...]:
        layer = self._blocks.network.layers[number]
        if store is Store.SUMS:
            there, here = (self._sums(number, raster, block and raster.rows > 1, pipelined)
                           for block in (True, False))
        elif not isinstance(layer, Hidden) or self._waits(number, layer, raster, store,
                                                          pipelined, units):
            return (0.0,) * RESOURCES
        else:
            there, here = (self._family.cost(self._blocks.neurons(
                number, raster, where, pipelined, units).parts())
                           for where in (Stores(frozenset({store})), Stores()))
        return tuple(more - less for more, less in zip(there.row, here.row, strict=True))

    def _waits(self, number: int, layer: Hidden, raster: Raster, store: Store,
               pipelined: bool, units: int | None) -> bool:
        """Whether a state of the neurons has so few rows that they would wait for each other."""
        recoveries = {Store.POTENTIALS: recovery, Store.SYNAPTIC: synaptic_recovery}
        if store not in recoveries:
            return False
        rows = self._blocks.neurons(number, raster, Stores(), units=units).raster.rows
        return rows < recoveries[store](layer.neuron, block=True, pipelined=pipelined)

    def _sums(self, number: int, raster: Raster, block: bool, pipelined: bool) -> Cost:
        """The accumulators of all engines of the layer, and what is around them."""
        network, blocks = self._blocks.network, self._blocks
        layer = network.layers[number]
        if not isinstance(layer, Hidden):
            summed: list[tuple[Synapse, int]] = [(layer.synapse, blocks.readout_bounds.acc.width)]
        else:
            bounds = blocks.hidden_bounds[number]
            summed = [(layer.synapse, bounds.acc.width), *(
                (each.synapse, sums.width)
                for each, sums in zip(layer.shortcuts, bounds.shortcuts, strict=True)
                if isinstance(each, SynapseShortcut))]
        return sum((self._family.cost(accumulator_parts(
            raster, StateRows(raster.rows, raster.width * width, block, pipelined),
            takes_events(synapse).folds_reached(synapse, raster.width)))
            for synapse, width in summed), Cost())


def with_memories(network: Network, schedule: Schedule, chip: Chip, port: Port) -> Schedule:
    """The schedule with each memory where it takes the least of what fits ``chip``."""
    blocks, costs = Builder(network, port), LayerCosts(network, chip.family, port)
    moves = Moves(blocks, chip.family)
    rasters = [geometry.raster for geometry in network_geometries(network, schedule)]

    def placed(stores: Sequence[Stores]) -> tuple[Schedule, Cost]:
        found = schedule.placed(*stores)
        return found, sum(costs.of(found), Cost())

    weighed, there = [], chip.capacity(chip.family.blocks)
    of_layers = [moves.of(number, raster, plan.pipelined, plan.units) for number, (raster, plan)
                 in enumerate(zip(rasters, schedule.layers, strict=True))]
    for price in BLOCK_PRICES:
        chosen = [chosen_stores(prices(chip, price, 0) @ each) for each in of_layers]
        weighed.append(placed(chosen))
        weighed.append(placed(filled(chosen, of_layers, there - weighed[-1][1].blocks)))
    fitting = [each for each in weighed if not chip.excess(each[1])]
    if fitting:
        return min(fitting, key=lambda each: each[1].cells)[0]
    return min(weighed, key=lambda each: chip.fill(each[1]))[0]
