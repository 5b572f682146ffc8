"""Cycles of every layer: the event bound, and what the lanes' uneven load makes of it.

An event that reaches ``reach`` places costs ``reach * folds`` cycles of its engine, and so does a
group of up to ``lanes`` events that are taken together; a fully connected layer is one place.  A
layer that takes words needs ``folds`` cycles for each that has a spike.  The neurons' pass takes a
cycle per row.  docs/engine.md says how nothing is lost beyond that.  A port of bytes takes one a
cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from bsnn_hw.ir.byte_port import QUEUED_GROUPS, Port, byte_port
from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import (
    Geometry,
    Schedule,
    has_register,
    network_geometries,
    shortcut_geometries,
)
from bsnn_hw.ir.words import WordGeometry
from bsnn_hw.planning.activity import Activity, Feed, pool_places
from bsnn_hw.planning.words import word_walk

__all__ = ["byte_walks", "even_walk", "event_bound", "layer_bounds", "most_cycles", "passes",
           "pause_cycles", "port_cycles", "predicted_cycles", "walk", "watchdog"]

LEAST_WATCHDOG = 100_000
STEP = 32  # cycles in which a layer's pipeline and the encoder behind it pass a timestep on


def event_bound(network: Network, schedule: Schedule, activity: Activity) -> float:
    """Mean cycles per inference that no order of work can beat, inferences back to back.

    The busiest layer's, or a port's.
    """
    busiest = max(float(c.mean()) for c in layer_bounds(network, schedule, activity))
    return max(busiest, port_cycles(network, activity))


def port_cycles(network: Network, activity: Activity) -> float:
    """Cycles that a port needs for an inference: a beat per class; or a byte per value, or of each
    class its bytes and a cycle to take them, and the answer's."""
    if activity[0].feed.port is not Port.BYTES:
        return float(network.readout.synapse.neurons)
    port = byte_port(network)
    return float(max(port.step * port.timesteps, port.output + port.classes))


def layer_bounds(network: Network, schedule: Schedule, activity: Activity) -> list[np.ndarray]:
    """Cycles that each layer needs at least for each sample: per layer float64 (N,).

    Of its engines, the busiest one's::

        fully connected   sum over t of          ceil(events[t] / lanes) * folds
        convolution       sum over t, places of  ceil(events[t, place] / lanes) * reach * folds
        words             sum over t of          words with a spike[t] * folds

    where events of different places never share a cycle, as they reach other rows; a place is one
    behind the pooling.  And a cycle per row and neuron pass: T of them, one in a readout with
    constant gains.
    """
    return [np.max([walked.sum(axis=1) for walked in walks], axis=0) + rest
            for walks, rest in _engines(network, schedule, activity, even_walk)]


def predicted_cycles(network: Network, schedule: Schedule,
                     activity: Activity) -> list[np.ndarray]:
    """Cycles of each layer per sample, like ``layer_bounds`` with the lanes' uneven load.

    Lanes with a bank of their own never take events of two words of a map together.  The engines
    of a layer wait for each other at the end of every timestep.
    """
    return [np.max(walks, axis=0).sum(axis=1) + rest
            for walks, rest in _engines(network, schedule, activity, walk)]


def watchdog(network: Network, schedule: Schedule, activity: Activity) -> int:
    """Cycles without a beat on either port after which a run of these samples hangs: many times
    what the slowest takes if all layers work one after the other."""
    cycles = np.sum(predicted_cycles(network, schedule, activity), axis=0)
    return max(LEAST_WATCHDOG, 10 * int(cycles.max()))


def most_cycles(network: Network, schedule: Schedule, activity: Activity, beats: int) -> int:
    """Cycles after reset in which a run of these samples must have given its last beat, if neither
    port pauses; an RTL that needs more is not the one that was planned.

    Everything is counted one after the other, though it overlaps: of every sample all layers'
    cycles, a cycle for each event that an encoder gives and each row that it looks at, `STEP` per
    layer and timestep; every beat in and out; and the clearing of all state.

    beats : int, of the stimulus
    """
    geometries = network_geometries(network, schedule)
    rows = sum(geometry.raster.rows for geometry in geometries)
    samples = len(activity[0].feed.events)
    walks = sum(float(cycles.sum()) for cycles in predicted_cycles(network, schedule, activity))
    events = sum(layer.events for layer in activity) * samples
    each = (rows + STEP * len(geometries)) * (network.timesteps + 1)
    return int(walks + events + samples * (each + port_cycles(network, activity))) + beats + rows


def pause_cycles(beats: int, pause: float) -> int:
    """Cycles that pauses before ``beats`` beats of a port may add; random, so four times the mean.

    pause : float, 0..1, probability of one more cycle's pause
    """
    return int(4 * beats * pause / (1 - pause)) + 1000 if pause else 0


def _engines(network: Network, schedule: Schedule, activity: Activity,
             measure: Callable[[Geometry, Feed], np.ndarray]):
    """Per layer the cycles of each engine, float64 (N, marks), and those of its passes."""
    shortcuts = (*shortcut_geometries(network, schedule), ())
    for number, (geometry, others, received) in enumerate(zip(
            network_geometries(network, schedule), shortcuts, activity, strict=True)):
        walks = [measure(geometry, received.feed) * float(geometry.folds)]
        walks += [measure(other, feed) * float(other.folds)
                  for other, feed in zip(others, received.shortcuts, strict=True)
                  if other is not None and feed is not None]
        yield walks, passes(network, number) * geometry.raster.rows


def passes(network: Network, number: int) -> int:
    """How often per inference the neurons of layer ``number`` step."""
    last = number == len(network.hidden)
    return 1 if last and network.readout.constant_gain else network.timesteps


def even_walk(geometry: Geometry, feed: Feed) -> np.ndarray:
    """Places that groups of events walk over, (N, marks), if every group is as full as can be."""
    if isinstance(geometry, ConvGeometry):
        counts = pool_places(feed.totals, feed.window)
        groups = -(-counts // geometry.lanes)
        return np.einsum("nmyx,yx->nm", groups, geometry.reach)
    if isinstance(geometry, WordGeometry):
        return word_walk(geometry, feed)
    return -(-feed.counts.sum(axis=2) // geometry.lanes)


def walk(geometry: Geometry, feed: Feed) -> np.ndarray:
    """Places that groups of events walk over, (N, marks), as the lanes get them.

    Behind a port of bytes these are no whole numbers: what an engine waits for is in them.
    """
    if feed.port is Port.BYTES:
        return byte_walks([geometry], feed)[0]
    if isinstance(geometry, ConvGeometry):
        if geometry.shared:
            return _shared_walk(geometry, feed)
        groups = pool_places(_word_groups(geometry, feed), feed.window)
        return np.einsum("nmyx,yx->nm", groups, geometry.reach)
    if isinstance(geometry, WordGeometry) or geometry.banks == 1:
        return even_walk(geometry, feed)
    bank, _ = geometry.lane_row(np.arange(geometry.inputs))
    lanes = (bank[:, None] == np.arange(geometry.banks)).astype(np.float32)
    return (feed.counts.astype(np.float32) @ lanes).max(axis=2).astype(np.int64)


def _shared_walk(geometry: ConvGeometry, feed: Feed) -> np.ndarray:
    """Where lanes take any event, of all words of a place that come one after the other: of a line
    of what a sum makes one place.  The encoder gives an event a cycle."""
    counts = pool_places(feed.totals, (1, feed.window[1]))
    reach = np.repeat(geometry.reach, feed.window[0], axis=0)
    groups = -(-counts // geometry.lanes)
    return np.maximum(groups * reach, counts / geometry.folds).sum(axis=(2, 3))


def _word_groups(geometry: ConvGeometry, feed: Feed) -> np.ndarray:
    """Groups at each place before the pooling, int32 (N, marks, height, width): of every word as
    many as its fullest lane has events."""
    events, lanes, width = feed.map, geometry.lanes, geometry.source_width
    if lanes == 1:
        return feed.totals
    if feed.port is not None:
        width = events.shape[2]
    groups = np.zeros((*events.shape[:2], *events.shape[3:]), np.int32)
    for first in range(0, events.shape[2], width):
        word = events[:, :, first:first + width]
        groups += np.max([word[:, :, lane::lanes].sum(axis=2, dtype=np.int32)
                          for lane in range(min(lanes, word.shape[2]))], axis=0)
    return groups


def byte_walks(geometries: Sequence[Geometry], feed: Feed) -> list[np.ndarray]:
    """``walk`` of engines with equal lanes, behind a port of bytes: float64 (N, marks) each.

    Bytes come one a cycle, whatever is in them; a group is complete with the last of its lanes'.
    One without an event costs nothing more.  Of others as many wait as hdl/byte_port.py holds, and
    one where hdl/network.py has a register; bytes wait where there are more.  While the neurons
    step, bytes go on, from one sample to the next.
    """
    groups, sizes = _byte_groups(geometries[0], feed)
    folds = np.array([float(geometry.folds) for geometry in geometries])
    passes = np.array([float(feed.passes * geometry.raster.rows) for geometry in geometries])
    register = np.array([has_register(geometry) for geometry in geometries])
    walked = np.zeros((*feed.events.shape[:2], len(geometries)))
    before = [np.zeros((len(walked), len(geometries))) - passes] * (QUEUED_GROUPS + 2)
    for _ in range(2):  # the second time, a sample begins with what the one before left behind
        reader, *ends = before
        for mark in range(walked.shape[1]):
            costs = groups[:, :, mark, None] * folds
            reader, engine, ends = _take_bytes(costs, sizes, register, reader, ends)
            walked[:, mark] = end = np.maximum(reader, engine)
            reader, *ends = (time - end - passes for time in (reader, *ends))
        before = [np.roll(time, 1, axis=0) for time in (reader, *ends)]
    return list(np.moveaxis(walked / folds, -1, 0))


def _take_bytes(costs, sizes, register, reader, ends):
    """Times when the last byte is taken and the engine is done, and at which the last groups left
    the queue, the engine free at 0.

    costs : (groups, samples, geometries); sizes : (groups,), of all
    register : bool (geometries,), one more group can wait
    reader, ends : times likewise, of what was before
    """
    engine = np.zeros_like(reader)
    for cost, size in zip(costs, sizes, strict=True):
        some = cost > 0
        arrival = reader + size
        room = np.where(register, ends[0], ends[1])
        reader = np.where(some, np.maximum(arrival, room), arrival)
        engine = np.where(some, np.maximum(reader, engine) + cost, engine)
        ends = [np.where(some, late, soon) for soon, late in pairwise([*ends, engine])]
    return reader, engine, ends


def _byte_groups(geometry: Geometry, feed: Feed) -> tuple[np.ndarray, list[int]]:
    """Places that each group of values walks over, (groups, N, marks) in the order of the port,
    0 without an event; and the groups' bytes."""
    lanes, places = geometry.lanes, 1
    values, reach = feed.events, np.ones(1)
    if isinstance(geometry, ConvGeometry):
        places, reach = feed.shape.positions, geometry.reach.ravel()
        values = np.moveaxis(feed.map, 2, -1)
    channels = values.size // (values.shape[0] * values.shape[1] * places)
    firsts = np.arange(0, channels, lanes)
    some = np.logical_or.reduceat(values.reshape(*feed.events.shape[:2], places, channels), firsts,
                                  axis=-1)
    walked = (some * reach[:, None]).reshape(*values.shape[:2], -1)
    return np.moveaxis(walked, -1, 0), np.diff([*firsts, channels]).tolist() * places
