"""Lanes and parallel neurons of every layer: given and checked, or chosen by default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.ir.schedule import LayerPlan, Schedule, network_geometries
from bsnn_hw.reference.network import Trace

__all__ = ["Activity", "default_schedule", "event_bound", "layer_cycles", "make_schedule",
           "measure_activity"]

# Cycles per inference that the default aims at; 240,000 inferences a second at 120 MHz.
CYCLE_GOAL = 500
LANE_CHOICES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
# Rough logic cells: of a neuron, of one more lane at a neuron, and of a lane.
NEURON_CELLS, LANE_NEURON_CELLS, LANE_CELLS = 120, 8, 60

Activity = tuple[np.ndarray, ...]


def measure_activity(network: Network, inputs: np.ndarray, trace: Trace) -> Activity:
    """Events that each layer receives, one int64 array (N, marks) per layer, readout last.

    Marks are timesteps, but a direct-coded sample comes once: its array is (N, 1).
    """
    entering = np.count_nonzero(inputs, axis=-1)
    first = entering[:, None] if network.input.coding is Coding.DIRECT else entering
    return (first.astype(np.int64), *(layer.fired.sum(axis=2) for layer in trace.hidden))


def layer_cycles(network: Network, schedule: Schedule, activity: Activity) -> list[np.ndarray]:
    """Cycles that each layer needs for each sample: per layer float64 (N,).

    ``sum over t of ceil(events[t] / lanes) * folds``, and ``folds`` per neuron pass: T of them,
    one in a readout with constant gains.
    """
    cycles = []
    for index, (geometry, events) in enumerate(zip(network_geometries(network, schedule),
                                                   activity, strict=True)):
        last = index == len(activity) - 1
        passes = 1 if last and network.readout.constant_gain else network.timesteps
        groups = -(-events // geometry.lanes)
        cycles.append((groups.sum(axis=1) + passes) * float(geometry.folds))
    return cycles


def event_bound(network: Network, schedule: Schedule, activity: Activity) -> float:
    """Mean cycles per inference that no order of work can beat, inferences back to back.

    The busiest layer's, or the output port's one beat per class.
    """
    busiest = max(float(c.mean()) for c in layer_cycles(network, schedule, activity))
    return max(busiest, float(network.readout.synapse.neurons))


def make_schedule(network: Network, lanes: Sequence[int], parallel: Sequence[int]) -> Schedule:
    """The schedule that the user asks for.

    Raises
    ------
    InputError
        A count is missing or is one that its layer cannot have; all of them are named.
    """
    layers = (*network.hidden, network.readout)
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
    return Schedule(tuple(LayerPlan(*pair) for pair in zip(lanes, parallel, strict=True)))


def default_schedule(network: Network, activity: Activity | None,
                     goal: float = CYCLE_GOAL) -> Schedule:
    """Per layer the fewest cells that stay within ``goal`` cycles per inference, else the fastest.

    activity : of calibration samples; None assumes a tenth of all neurons spike
    """
    layers = (*network.hidden, network.readout)
    if activity is None:
        activity = _assumed_activity(network)
    plans: list[LayerPlan] = []
    width = network.input.size
    for index, layer in enumerate(layers):
        events = activity[index]
        passes = 1 if index == len(layers) - 1 else network.timesteps
        options = []
        for lanes in (n for n in LANE_CHOICES if n <= width):
            for parallel in _fold_sizes(layer.synapse.neurons):
                folds = -(-layer.synapse.neurons // parallel)
                cycles = float((-(-events // lanes)).sum(axis=1).mean() + passes) * folds
                cells = (parallel * (NEURON_CELLS + LANE_NEURON_CELLS * lanes)
                         + lanes * LANE_CELLS)
                options.append((max(cycles, goal), cells, LayerPlan(lanes, parallel)))
        best = min(options, key=lambda option: option[:2])[2]
        plans.append(best)
        width = best.parallel
    return Schedule(tuple(plans))


def _fold_sizes(neurons: int) -> list[int]:
    """Parallel counts that waste the least: the smallest for each number of folds, up to 64."""
    return sorted({-(-neurons // folds) for folds in range(1, neurons + 1)
                   if -(-neurons // folds) <= 64})


def _assumed_activity(network):
    direct = network.input.coding is Coding.DIRECT
    first = np.full((1, 1 if direct else network.timesteps), -(-network.input.size // 2))
    rest = [np.full((1, network.timesteps), -(-layer.synapse.neurons // 10))
            for layer in network.hidden]
    return (first, *rest)
