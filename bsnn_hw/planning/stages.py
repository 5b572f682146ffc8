"""What each layer does in every timestep of some samples, for the walk through the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bsnn_hw.engines.feed import Feed
from bsnn_hw.layout.blocks import Carry, Feedback, Layer, Link, Output, Synapses
from bsnn_hw.layout.build import Layout
from bsnn_hw.layout.supply import FEEDBACK_DELAY
from bsnn_hw.planning.activity import Activity, LayerActivity
from bsnn_hw.planning.cycles import charged, less_passes, passes, walk
from bsnn_hw.planning.pipeline import Carried, Flow, Stage

__all__ = ["pipeline_stages"]

QUEUE_REGISTERS = 2  # entries behind a queue: in its register, and in the encoder
CARRY_DELAY = 1  # cycles from a row's last to the count of whole timesteps


def pipeline_stages(layout: Layout, activity: Activity) -> list[Stage]:
    """Every layer, the readout last; steps are the timesteps of all samples one after the other."""
    return [_stage(layout, number, block, received)
            for number, (block, received) in enumerate(zip(layout.blocks, activity, strict=True))]


def _score_rows(output: Output, timesteps: int, constant_gain: bool) -> np.ndarray:
    """Cycles in which the readout's rows wait for the scorer, float64 (timesteps,)."""
    # A row that left owns the scorer; the last one does not hold up events.
    rows = output.synapses.geometry.raster.rows
    found = np.full(timesteps, (rows - 1.0) * output.row_wait + 1)
    if constant_gain:
        found[:-1] = 0
    return found


def _stage(layout: Layout, number: int, block: Layer | Output, received: LayerActivity) -> Stage:
    timesteps, count = layout.network.timesteps, passes(layout.network, number)
    samples = len(received.feed.events)
    first = np.zeros((samples, timesteps))
    engines = []
    for synapses, feed in _engines(block, received):
        if synapses.links:
            engines.append(tuple(_flows(synapses, feed, count)))
        else:
            charges = charged(synapses.geometry, feed, walk, count)
            marks = first[:, :charges.shape[1]]
            np.maximum(marks, charges, out=marks)
    if isinstance(block, Layer):
        rows = np.full(timesteps, float(block.synapses.geometry.raster.rows))
        recovery, carried = block.neurons.recovery, tuple(_carried(block))
    else:
        constant = layout.network.readout.constant_gain
        rows = _score_rows(block, timesteps, constant)
        recovery, carried = 0 if constant else block.pass_cycles, ()
    held = block.neurons.held if isinstance(block, Layer) else None
    if held is not None:
        handed = np.zeros(timesteps)
        handed[:timesteps // held.walks] = rows[0]
        return Stage(tuple(engines), first.ravel(), np.tile(np.full(
            timesteps, float(held.units.rows)), samples), recovery, carried,
            np.tile(handed, samples))
    return Stage(tuple(engines), first.ravel(), np.tile(rows, samples), recovery, carried)


def _engines(block: Layer | Output, received: LayerActivity) -> Iterator[tuple[Synapses, Feed]]:
    yield block.synapses, received.feed
    if isinstance(block, Layer):
        for each, feed in zip(block.shortcuts, received.shortcuts, strict=True):
            if isinstance(each, Synapses) and feed is not None:
                yield each, feed


def _flows(synapses: Synapses, feed: Feed, count: int) -> Iterator[Flow]:
    geometry, folds = synapses.geometry, float(synapses.geometry.event_folds)
    for link, each in zip(synapses.links, feed.streams, strict=True):
        charges, eager = geometry.walk(each) * folds, geometry.eager_walk(each) * folds
        if each is feed:  # only the last of them has the end of the timestep
            charges = less_passes(geometry, charges, geometry.marked(each), count)
            eager = less_passes(geometry, eager, geometry.marked(each, eager=True), count)
        back = isinstance(link, Feedback)
        yield Flow(link.producer, _way(link), charges.ravel(), eager.ravel(),
                   np.zeros(0, int) if back else geometry.queued(each).ravel(),
                   room=link.depth - link.kept_free + QUEUE_REGISTERS, back=int(back))


def _way(link: Link) -> int:
    return link.margin + FEEDBACK_DELAY + link.geometry.link_delay


def _carried(block: Layer) -> Iterator[Carried]:
    carries = [each for each in block.shortcuts if isinstance(each, Carry)]
    carries += [block.join.carry] if block.join is not None else []
    for each in carries:
        yield Carried(each.producer, each.margin + CARRY_DELAY, each.timesteps)
