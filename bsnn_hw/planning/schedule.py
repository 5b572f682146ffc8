"""Lanes and parallel neurons of every layer: given and checked, or chosen by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Hidden, Network, Readout
from bsnn_hw.ir.schedule import LayerGeometry, LayerPlan, Schedule, network_geometries
from bsnn_hw.reference.network import Trace

__all__ = ["Activity", "default_schedule", "event_bound", "layer_bounds", "make_schedule",
           "measure_activity", "predicted_cycles"]

# Cycles per inference that the default aims at; 240,000 inferences a second at 120 MHz.
CYCLE_GOAL = 500
LANE_CHOICES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
# Rough logic cells: of a neuron, of a lane at a neuron, of a bank's queue, and of a lane.
NEURON_CELLS, LANE_NEURON_CELLS, BANK_CELLS, LANE_CELLS = 110, 8, 120, 25
SLACK = 0.9
OVERSIZED = 6000  # cells of one layer that the default does not exceed
BLOCK_RAM_BITS = 16 * 1024

Activity = tuple[np.ndarray, ...]


def measure_activity(network: Network, inputs: np.ndarray, trace: Trace) -> Activity:
    """What each layer receives: per layer bool (N, marks, inputs), the readout last.

    Marks are timesteps; a direct-coded sample comes once, its array is (N, 1, inputs).
    """
    events = inputs > 0
    first = events[:, None] if network.input.coding is Coding.DIRECT else events
    return (first, *(layer.fired for layer in trace.hidden))


def layer_bounds(network: Network, schedule: Schedule, activity: Activity) -> list[np.ndarray]:
    """Cycles that each layer needs at least for each sample: per layer float64 (N,).

    ``sum over t of ceil(events[t] / lanes) * folds``, and ``folds`` per neuron pass: T of them,
    one in a readout with constant gains.
    """
    return [(-(-events.sum(axis=2) // geometry.lanes)).sum(axis=1) * float(geometry.folds)
            + _passes(network, index) * geometry.folds
            for index, (geometry, events) in enumerate(
                zip(network_geometries(network, schedule), activity, strict=True))]


def predicted_cycles(network: Network, schedule: Schedule,
                     activity: Activity) -> list[np.ndarray]:
    """Cycles of each layer per sample, like ``layer_bounds`` with the lanes' uneven load."""
    return [(_groups(geometry, events) + _passes(network, index)) * float(geometry.folds)
            for index, (geometry, events) in enumerate(
                zip(network_geometries(network, schedule), activity, strict=True))]


def _passes(network: Network, index: int) -> int:
    last = index == len(network.hidden)
    return 1 if last and network.readout.constant_gain else network.timesteps


def _groups(geometry: LayerGeometry, events: np.ndarray) -> np.ndarray:
    """Groups of events per sample, (N,), as the lanes get them."""
    if geometry.banks == 1:
        return (-(-events.sum(axis=2) // geometry.lanes)).sum(axis=1)
    bank, _ = geometry.lane_row(np.arange(geometry.inputs))
    loads = [events[:, :, bank == lane].sum(axis=2) for lane in range(geometry.banks)]
    return np.max(loads, axis=0).sum(axis=1)


def event_bound(network: Network, schedule: Schedule, activity: Activity) -> float:
    """Mean cycles per inference that no order of work can beat, inferences back to back.

    The busiest layer's, or the output port's one beat per class.
    """
    busiest = max(float(c.mean()) for c in layer_bounds(network, schedule, activity))
    return max(busiest, float(network.readout.synapse.neurons))


def make_schedule(network: Network, lanes: Sequence[int], parallel: Sequence[int]) -> Schedule:
    """The schedule that the user asks for.

    Raises
    ------
    InputError
        A count is missing or is one that its layer cannot have; all of them are named.
    """
    layers: tuple[Hidden | Readout, ...] = (*network.hidden, network.readout)
    problems = [f"{what}: must have one number per layer, {len(layers)} "
                f"({', '.join(layer.name for layer in layers)}), not {len(numbers)}"
                for what, numbers in (("lanes", lanes), ("parallel", parallel))
                if len(numbers) != len(layers)]
    if problems:
        raise InputError("\n".join(problems))
    width, source = network.input.size, "inputs"
    for layer, lane_count, neurons in zip(layers, lanes, parallel, strict=True):
        if not 1 <= lane_count <= width:
            problems.append(f"layer '{layer.name}': lanes must be 1..{width}, the {source}, "
                            f"not {lane_count}")
        if not 1 <= neurons <= layer.synapse.neurons:
            problems.append(f"layer '{layer.name}': parallel must be 1..{layer.synapse.neurons}, "
                            f"its neurons, not {neurons}")
        width, source = max(1, neurons), f"parallel neurons of '{layer.name}'"
    if problems:
        raise InputError("\n".join(problems))
    plans: list[LayerPlan] = []
    for layer, lane_count, neurons in zip(layers, lanes, parallel, strict=True):
        width = plans[-1].parallel if plans else 0
        plans.append(_layout(layer, width, lane_count, neurons).plan)
    return Schedule(tuple(plans))


def _layout(layer: Hidden | Readout, width: int, lanes: int, parallel: int) -> LayerGeometry:
    """The layer's geometry; ``width`` is the parallel of the layer before, 0 for the first.

    Lanes are shared where the copies of the weights fit a block RAM each and one encoder keeps up.
    """
    neurons, inputs = layer.synapse.weights.shape
    shared = LayerGeometry.flat(inputs, width or lanes, neurons, lanes, parallel, True)
    if (width and 1 < lanes <= shared.folds
            and shared.depth * parallel <= BLOCK_RAM_BITS):
        return shared
    return replace(shared, shared=False)


def default_schedule(network: Network, activity: Activity,
                     goal: float = CYCLE_GOAL) -> Schedule:
    """Per layer the fewest cells that stay within ``goal`` cycles per inference.

    The goal doubles until every layer has a plan within it that is not oversized.

    activity : of calibration samples
    """
    while (plans := _cheapest(network, activity, goal)) is None:
        goal *= 2
    return Schedule(plans)


def _cheapest(network: Network, activity: Activity, goal: float) -> tuple[LayerPlan, ...] | None:
    """The cheapest plan within ``goal`` of each layer; None if one has none."""
    plans: list[LayerPlan] = []
    layers: tuple[Hidden | Readout, ...] = (*network.hidden, network.readout)
    for index, layer in enumerate(layers):
        width = plans[-1].parallel if plans else 0
        # Later layers get some slack: two that are equally busy wait for each other.
        limit = SLACK * goal if width else goal
        options = []
        for lanes in (n for n in LANE_CHOICES if n <= (width or network.input.size)):
            groups: dict[int, float] = {}  # by banks: it does not depend on the parallel neurons
            for parallel in _fold_sizes(layer.synapse.neurons):
                geometry = _layout(layer, width, lanes, parallel)
                if geometry.banks not in groups:
                    groups[geometry.banks] = float(_groups(geometry, activity[index]).mean())
                cycles = (groups[geometry.banks] + _passes(network, index)) * geometry.folds
                cells = _cells(geometry, first=not width)
                if cycles <= limit and (cells <= OVERSIZED or lanes == parallel == 1):
                    options.append((cells, cycles, geometry.plan))
        if not options:
            return None
        plans.append(min(options, key=lambda option: option[:2])[2])
    return tuple(plans)


def _cells(geometry: LayerGeometry, *, first: bool) -> int:
    """Rough logic cells, to compare plans of one layer."""
    queues = 0 if first else geometry.banks
    return (geometry.parallel * (NEURON_CELLS + LANE_NEURON_CELLS * geometry.lanes)
            + queues * BANK_CELLS + geometry.lanes * LANE_CELLS)


def _fold_sizes(neurons: int) -> list[int]:
    """Parallel counts that waste the least: the smallest for each number of folds, up to 64."""
    return sorted({-(-neurons // folds) for folds in range(1, neurons + 1)
                   if -(-neurons // folds) <= 64})
