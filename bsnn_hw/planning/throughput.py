"""Cycles from step to step of every layer, and of the whole pipeline with what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Schedule
from bsnn_hw.layout.blocks import Feedback, Layer, Neurons, Synapses
from bsnn_hw.layout.build import Layout, build_layout
from bsnn_hw.planning.activity import Activity, port_of
from bsnn_hw.planning.cycles import charged, passes, port_cycles, slowest, walk
from bsnn_hw.planning.pipeline import ends
from bsnn_hw.planning.stages import pipeline_stages

__all__ = ["Throughput", "layout_throughput", "score_cycles", "step_cycles", "throughput",
           "waited"]

WARM_UP = 0.1  # share of the samples that fills the pipeline and does not count


@dataclass(frozen=True)
class Throughput:
    """Mean cycles per inference, back to back: each layer's own, and those of the pipeline."""

    layers: tuple[float, ...]
    cycles: float


def step_cycles(charges: np.ndarray, timesteps: int, rows: int, neurons: Neurons) -> np.ndarray:
    """Cycles of each timestep of a spiking layer with its step, float64 (N, T).

    charges : cycles that events take before that, (N, marks), see `before_step`; a direct-coded
        sample comes once, and all its cycles count in the first timestep where its sums are held
    rows : int, that step
    """
    held, recovery = neurons.held, neurons.recovery
    if held is not None:
        return _spread(np.maximum(charges + rows, held.walks * held.pass_cycles), timesteps)
    found: np.ndarray = np.maximum(_spread(charges, timesteps) + rows, recovery)
    return found


def waited(synapses: Synapses, charges: np.ndarray) -> np.ndarray:
    """``charges`` of an engine, with what it waits for events of its own layer's step before."""
    if not isinstance(synapses.source, Feedback):
        return charges
    latency, rows = synapses.source.latency, synapses.geometry.raster.rows
    found: np.ndarray = np.maximum(latency, charges + max(0, latency - rows))
    return found


def score_cycles(charges: np.ndarray, timesteps: int, rows: int, row_wait: int,
                 constant_gain: bool) -> np.ndarray:
    """The same of the readout, whose rows wait for the scorer; ``row_wait`` : see `Output`."""
    times = _spread(charges, timesteps)
    # A row that left owns the scorer; the last one does not hold up events.
    held = (rows - 1) * row_wait + 1
    if constant_gain:
        times[:, -1] += held
        return times
    return times + held


def _spread(charges: np.ndarray, timesteps: int) -> np.ndarray:
    times = np.zeros((len(charges), timesteps))
    times[:, : charges.shape[1]] = charges
    return times


def throughput(network: Network, schedule: Schedule, activity: Activity) -> Throughput:
    """Cycles of the layers, and of the pipeline; see `layout_throughput`."""
    return layout_throughput(build_layout(network, schedule, port_of(activity)), activity)


def layout_throughput(layout: Layout, activity: Activity) -> Throughput:
    """Cycles of the layers, and of the pipeline: what all samples, one after the other, take to
    walk through it (planning/pipeline.py)."""
    network = layout.network
    times = []
    for number, (block, received) in enumerate(zip(layout.blocks, activity, strict=True)):
        count = passes(network, number)
        engines = [(block.synapses, received.feed)]
        if isinstance(block, Layer):
            engines += [(each, feed) for each, feed in
                        zip(block.shortcuts, received.shortcuts, strict=True)
                        if isinstance(each, Synapses) and feed is not None]
        charges = slowest([waited(each, charged(each.geometry, feed, walk, count))
                           for each, feed in engines])
        rows = block.synapses.geometry.raster.rows
        times.append(step_cycles(charges, network.timesteps, rows, block.neurons)
                     if isinstance(block, Layer) else
                     score_cycles(charges, network.timesteps, rows, block.row_wait,
                                  network.readout.constant_gain))
    output = layout.output
    least = max(float(output.scorer.passes * output.pass_cycles), port_cycles(network, activity))
    means = tuple(float(each.sum(axis=1).mean()) for each in times)
    ended = ends(pipeline_stages(layout, activity), network.timesteps, least)
    return Throughput(means, max(_period(ended), least))


def _period(ended: np.ndarray) -> float:
    """Mean cycles from the end of a sample to that of the next, once the pipeline is full."""
    first = int(WARM_UP * len(ended))
    if first >= len(ended) - 1:
        return float(ended[-1] / len(ended))
    return float((ended[-1] - ended[first]) / (len(ended) - 1 - first))
