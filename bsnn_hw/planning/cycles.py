"""Cycles of every layer: the event bound, and what the lanes' uneven load makes of it.

An event that reaches ``reach`` positions costs ``reach * folds`` cycles of its engine, and so does
a group of up to ``lanes`` events that are taken together; a fully connected layer is one position.
A layer that takes words needs ``folds`` cycles for each that has a spike.  The neurons' pass takes
a cycle per row.  docs/engine.md says how nothing is lost beyond that.  A port of bytes takes one a
cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed
from bsnn_hw.engines.registry import (
    engine_problem,
    find_engine,
    network_geometries,
    shortcut_geometries,
)
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule
from bsnn_hw.planning.activity import Activity, port_of
from bsnn_hw.planning.schedule import make_schedule, most_parallel
from bsnn_hw.ports.registry import PORTS

__all__ = ["before_step", "charged", "event_bound", "layer_bounds", "least_bound", "less_passes",
           "most_cycles", "passes", "pause_cycles", "port_cycles", "predicted_cycles", "slowest",
           "walk", "watchdog"]

LEAST_WATCHDOG = 100_000
STEP = 32  # cycles in which a layer's pipeline and the encoder behind it pass a timestep on


def event_bound(network: Network, schedule: Schedule, activity: Activity) -> float:
    """Mean cycles per inference that no order of work can beat, inferences back to back.

    The busiest layer's, or a port's.
    """
    busiest = max(float(c.mean()) for c in layer_bounds(network, schedule, activity))
    return max(busiest, port_cycles(network, activity))


def least_bound(network: Network, activity: Activity) -> float:
    """What ``event_bound`` is at least, of whatever schedule: with all neurons side by side, as
    many lanes as there may be, and of each layer the better engine."""
    numbers = range(len(network.layers))
    parallel = [most_parallel(network, number) for number in numbers]
    found = []
    for wanted in Engine:
        engines = [Engine.EVENTS if engine_problem(network, number, wanted) else wanted
                   for number in numbers]
        lanes = [find_engine(network, number, engine).fitting_lanes(
            network, number, network.features(number - network.layers[number].back).size, parallel)
            for number, engine in enumerate(engines)]
        bounds = layer_bounds(network, make_schedule(network, lanes, parallel, engines), activity)
        found.append([float(cycles.mean()) for cycles in bounds])
    busiest: float = max(min(either) for either in zip(*found, strict=True))
    return max(busiest, port_cycles(network, activity))


def port_cycles(network: Network, activity: Activity) -> float:
    """Cycles that the ports need for an inference."""
    return PORTS[port_of(activity)].cycles(network)


def layer_bounds(network: Network, schedule: Schedule, activity: Activity) -> list[np.ndarray]:
    """Cycles that each layer needs at least for each sample: per layer float64 (N,).

    Of its engines, the busiest one's::

        fully connected   sum over t of             ceil(events[t] / lanes) * folds
        convolution       sum over t, positions of  ceil(events[t, position] / lanes) * reach
                                                    * folds
        words             sum over t of             words with a spike[t] * folds

    where events of different positions never share a cycle, as they reach other rows, nor those of
    different layers; a position is one behind the pooling.  And a cycle per row and neuron pass: T
    of them, one in a readout with constant gains.  In a fully connected layer a timestep's last
    events and the pass behind them are one walk.  Where sums are held, a pass over them ends each
    timestep, or a direct-coded sample, and the neurons' passes go on beside the events.
    """
    return [np.maximum(np.max([walked.sum(axis=1) for walked in walks], axis=0) + rest, steps)
            for walks, rest, steps in _engines(network, schedule, activity,
                                               lambda geometry, feed: geometry.even_walk(feed))]


def predicted_cycles(network: Network, schedule: Schedule,
                     activity: Activity) -> list[np.ndarray]:
    """Cycles of each layer per sample, like ``layer_bounds`` with the lanes' uneven load.

    Lanes with a bank of their own never take events of two words of a map together.  The engines
    of a layer wait for each other at the end of every timestep.
    """
    return [np.maximum(slowest(walks).sum(axis=1) + rest, steps)
            for walks, rest, steps in _engines(network, schedule, activity, walk)]


def slowest(walks: Sequence[np.ndarray]) -> np.ndarray:
    """The most cycles of several engines at each mark; a direct-coded sample has one mark, before
    the first step, and a recurrence beside it one for each."""
    found = np.zeros((len(walks[0]), max(each.shape[1] for each in walks)))
    for each in walks:
        marks = found[:, :each.shape[1]]
        np.maximum(marks, each, out=marks)
    return found


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
    rows = sum(geometry.raster.rows + (0 if plan.units is None else _unit_rows(geometry, plan))
               for geometry, plan in zip(geometries, schedule.layers, strict=True))
    samples = len(activity[0].feed.events)
    walks = sum(float(cycles.sum()) for cycles in predicted_cycles(network, schedule, activity))
    events = sum(layer.events for layer in activity) * samples
    each = (rows + STEP * len(geometries)) * (network.timesteps + 1)
    each += _peak_cycles(network, geometries[-1])
    each += rows + STEP if network.stateful else 0  # its state may be reset
    return int(walks + events + samples * (each + port_cycles(network, activity))) + beats + rows


def _peak_cycles(network: Network, geometry: Geometry) -> int:
    """Cycles in which the rows of a readout with a peak wait for each other at most: a class a
    cycle, and `STEP` for the pipeline that a row must have left."""
    if network.readout.peak is None:
        return 0
    rows = geometry.raster.rows
    return network.timesteps * rows * (geometry.parallel + STEP)


def pause_cycles(beats: int, pause: float) -> int:
    """Cycles that pauses before ``beats`` beats of a port may add; random, so four times the mean.

    pause : float, 0..1, probability of one more cycle's pause
    """
    return int(4 * beats * pause / (1 - pause)) + 1000 if pause else 0


def _engines(network: Network, schedule: Schedule, activity: Activity,
             measure: Callable[[Geometry, Feed], np.ndarray],
             ) -> Iterator[tuple[list[np.ndarray], int, int]]:
    """Per layer the cycles of each engine, float64 (N, marks), those of its passes, and those that
    its neurons take beside that, 0 where they have no units of their own."""
    shortcuts = (*shortcut_geometries(network, schedule), ())
    for number, (geometry, others, received) in enumerate(zip(
            network_geometries(network, schedule), shortcuts, activity, strict=True)):
        engines = [(geometry, received.feed)]
        engines += [(other, feed) for other, feed in zip(others, received.shortcuts, strict=True)
                    if other is not None and feed is not None]
        count, plan = passes(network, number), schedule.layers[number]
        walks = [charged(each, feed, measure, count) for each, feed in engines]
        if plan.units is None:
            yield walks, count * geometry.raster.rows, 0
        else:
            yield (walks, walks[0].shape[1] * geometry.raster.rows,
                   count * _unit_rows(geometry, plan))


def _unit_rows(geometry: Geometry, plan: LayerPlan) -> int:
    """Steps of a layer's units in a timestep."""
    return Raster(geometry.raster.shape, plan.units or plan.parallel).rows


def charged(geometry: Geometry, feed: Feed, measure: Callable[[Geometry, Feed], np.ndarray],
            passes: int) -> np.ndarray:
    """Cycles that an engine takes for its events, but for those that are a pass too, float64
    (N, marks); see `before_step`.

    measure : positions that groups of the events of one layer walk over, (N, marks)
    """
    *before, last = (measure(geometry, each) * float(geometry.event_folds) for each in feed.streams)
    return sum(before, before_step(geometry, feed, last, passes))


def passes(network: Network, number: int) -> int:
    """How often per inference the neurons of layer ``number`` step."""
    last = number == len(network.hidden)
    return 1 if last and network.readout.constant_gain else network.timesteps


def before_step(geometry: Geometry, feed: Feed, charges: np.ndarray, passes: int) -> np.ndarray:
    """Cycles of ``charges`` (N, marks) that are no pass of the neurons too, float64 (N, marks).

    passes : that an inference has, one at each of its last marks at least
    """
    marked = (charges > 0 if feed.port is None or not geometry.whole_walks else
              PORTS[feed.port].marked_events(geometry, feed))
    return less_passes(geometry, charges, marked, passes)


def less_passes(geometry: Geometry, charges: np.ndarray, marked: np.ndarray,
                passes: int) -> np.ndarray:
    """``charges`` (N, marks) but for the last walks, where these are ``marked`` and so passes."""
    if not geometry.whole_walks:
        return charges
    shared = np.zeros(charges.shape)
    shared[:, -passes:] = geometry.raster.rows * marked[:, -passes:]
    left: np.ndarray = charges - shared
    return left


def walk(geometry: Geometry, feed: Feed) -> np.ndarray:
    """Positions that groups of events walk over, (N, marks), as the lanes get them.

    Behind a port that is slower than the engine these are no whole numbers: what an engine waits
    for is in them.
    """
    return geometry.walk(feed) if feed.port is None else PORTS[feed.port].walks([geometry], feed)[0]
