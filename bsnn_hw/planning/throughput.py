"""Cycles from step to step of every layer, and of the whole pipeline with what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Hidden, Network, Readout
from bsnn_hw.ir.schedule import (
    BLOCK_ROWS,
    Geometry,
    Schedule,
    network_geometries,
    shortcut_geometries,
)
from bsnn_hw.ir.words import WordGeometry
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.cycles import port_cycles, walk
from bsnn_hw.planning.structure import (
    engine_delay,
    layer_delay,
    leak_shift,
    output_margin,
)
from bsnn_hw.planning.supply import queue_rows

__all__ = ["Throughput", "recovery", "row_wait", "step_cycles", "throughput"]

WARM_UP = 0.1  # share of the samples that fills the pipeline and does not count


@dataclass(frozen=True)
class Throughput:
    """Mean cycles per inference, back to back: each layer's own, and those of the pipeline."""

    layers: tuple[float, ...]
    cycles: float


def recovery(layer: Hidden, rows: int, block_rows: int = BLOCK_ROWS) -> int:
    """Cycles from a row's step to its next, at least; as hdl/neuron.py has it."""
    return 3 + (not leak_shift(layer)) + 2 * (rows >= block_rows)


def row_wait(layer: Readout, geometry: Geometry) -> int:
    """Cycles from a row of the readout to the next: synapses, two registers, a class a cycle."""
    return geometry.parallel + engine_delay(geometry, layer.synapse.weight_bits) + 2


def step_cycles(network: Network, number: int, geometry: Geometry, charges: np.ndarray,
                block_rows: int = BLOCK_ROWS) -> np.ndarray:
    """Cycles of each timestep with its step, float64 (N, T).

    charges : cycles that events take, (N, marks); a direct-coded sample comes once
    """
    layer, rows, timesteps = network.layers[number], geometry.raster.rows, network.timesteps
    times = np.zeros((len(charges), timesteps))
    times[:, : charges.shape[1]] = charges
    if isinstance(layer, Hidden):
        return np.maximum(times + rows, recovery(layer, rows, block_rows))
    # A row that left owns the scorer; the last one does not hold up events.
    held = (rows - 1) * row_wait(layer, geometry) + 1
    if layer.constant_gain:
        times[:, -1] += held
        return times
    return times + held


def throughput(network: Network, schedule: Schedule, activity: Activity) -> Throughput:
    """Cycles of the layers, and of the pipeline.

    A layer's step of a timestep ends when it has charged what came and stepped all rows; not before
    its givers ended theirs, and not while the queue of a reader is full.
    """
    geometries = network_geometries(network, schedule)
    shortcuts = (*shortcut_geometries(network, schedule), ())
    times = []
    for number, (geometry, others, received) in enumerate(zip(geometries, shortcuts, activity,
                                                              strict=True)):
        walks = [walk(geometry, received.feed) * float(geometry.folds)]
        walks += [walk(other, feed) * float(other.folds)
                  for other, feed in zip(others, received.shortcuts, strict=True)
                  if other is not None and feed is not None]
        times.append(step_cycles(network, number, geometry, np.max(walks, axis=0),
                                 schedule.block_rows))
    least = max(_least_period(network, geometries[-1]), port_cycles(network, activity))
    held = _held(network, schedule, geometries, activity)
    means = tuple(float(each.sum(axis=1).mean()) for each in times)
    whole = _pipeline(network, held, geometries, [each.ravel() for each in times], least)
    return Throughput(means, max(whole, least))


def _least_period(network: Network, last: Geometry) -> float:
    """Cycles that the scorer needs for an inference, waiting between rows."""
    readout = network.readout
    wait = row_wait(readout, last) if last.raster.rows > 1 else last.parallel
    passes = 1 if readout.constant_gain else network.timesteps
    return float(passes * last.raster.rows * wait)


def _pipeline(network: Network, held: Sequence[Sequence[tuple[int, int]]],
              geometries: Sequence[Geometry], times: Sequence[np.ndarray], least: float) -> float:
    """Cycles per inference of all layers together, timestep by timestep."""
    steps, timesteps = len(times[0]), network.timesteps
    givers = [sorted({number - layer.back, *(number - each.back for each in
                                             getattr(layer, "shortcuts", ()))})
              for number, layer in enumerate(network.layers)]
    passes = [float(geometry.raster.rows) for geometry in geometries]
    passes[-1] = 0.0
    durations = [each.tolist() for each in times]
    done = [[0.0] * steps for _ in times]
    for step in range(steps):
        for number, before in enumerate(givers):
            own = done[number]
            end = (own[step - 1] if step else 0.0) + durations[number][step]
            for giver in before:
                if giver >= 0:
                    end = max(end, done[giver][step] + passes[number])
            for reader, most in held[number]:
                if step >= most:
                    end = max(end, done[reader][step - most])
            own[step] = end
        if step >= timesteps and step % timesteps == timesteps - 1:
            done[-1][step] = max(done[-1][step], done[-1][step - timesteps] + least)
    first = int(WARM_UP * steps / timesteps) * timesteps + timesteps - 1
    if first >= steps - 1:
        return done[-1][-1] / (steps / timesteps)
    return (done[-1][-1] - done[-1][first]) / ((steps - 1 - first) / timesteps)


def _held(network, schedule, geometries, activity):
    """Per layer (reader, timesteps that the queue between holds); words without a spike are not in
    it."""
    found: list[list[tuple[int, int]]] = [[] for _ in network.layers]
    shortcuts = shortcut_geometries(network, schedule)
    for number, (layer, geometry) in enumerate(zip(network.layers, geometries, strict=True)):
        giver = number - layer.back
        if giver >= 0:
            hidden = network.hidden[giver]
            margin = output_margin(hidden, layer_delay(hidden, geometries[giver],
                                                       shortcuts[giver]))
            rows = queue_rows(network, layer, geometry, margin)
            gathered = geometry.gathered if isinstance(geometry, WordGeometry) else 1
            events = activity[number].feed.events
            spikes = np.count_nonzero(events) / max(1, events.shape[0] * events.shape[1])
            words = max(1, int(min(geometry.source.rows // gathered, spikes + 1)))
            found[giver].append((number, max(1, (rows - margin * (gathered == 1)) // words)))
    return found
