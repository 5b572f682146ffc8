"""When each layer ends each timestep, layers and timesteps one after the other.

A layer charges what comes, then steps all its rows; its step opens the timestep for those that
read it.  Queues have their room, and the way between two layers its cycles, so that a layer that is
slow for once costs what it costs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Carried", "Flow", "Stage", "ends"]


@dataclass(frozen=True)
class Flow:
    """What brings an engine the spikes of a layer.

    producer : int, number of the layer that sends
    way : int, cycles from an operation of its step to the event at the engine
    charges : float64 (steps,), cycles that the engine takes for a timestep's events, but for those
        that are its layer's step too
    eager : likewise, where the engine waited for the first of them, and takes what it then gets
    entries : int (steps,), of the queue between, that a timestep makes; empty where the queue never
        stops the producer
    room : int, entries that may wait before the producer's step pauses
    back : int, 1 where the engine takes them a timestep later
    """

    producer: int
    way: int
    charges: np.ndarray
    eager: np.ndarray
    entries: np.ndarray
    room: int = 0
    back: int = 0


@dataclass(frozen=True)
class Carried:
    """What comes past the engines: a step waits for all of its own timestep.

    way : int, cycles; held : int, timesteps that fit between
    """

    producer: int
    way: int
    held: int


@dataclass(frozen=True)
class Stage:
    """A layer.

    engines : per engine what it takes in a timestep, flow after flow; all engines charge at the
        same time, and step together
    charges : float64 (steps,), cycles of events at the network's input
    rows : float64 (steps,), cycles of each step
    recovery : int, cycles from the start of a step to that of the next, at least
    handed : float64 (steps,), cycles in which sums are handed over before a step that goes on
        beside the next events, 0 where it takes the sums of the step before; empty where the step
        is the engines' own
    """

    engines: tuple[tuple[Flow, ...], ...]
    charges: np.ndarray
    rows: np.ndarray
    recovery: int = 0
    carried: tuple[Carried, ...] = ()
    handed: np.ndarray = field(default_factory=lambda: np.zeros(0))


def ends(stages: Sequence[Stage], timesteps: int, least: float) -> np.ndarray:
    """Cycles from the start until the last layer is done with each sample, float64 (samples,).

    least : cycles that the output port takes for one
    """
    steps = len(stages[0].rows)
    walks = [_Walk(stage) for stage in stages]
    for number, walk in enumerate(walks):
        walk.connect(number, walks)
    last = walks[-1].done
    for step in range(steps):
        for walk in walks:
            walk.take(step)
        if step >= timesteps and step % timesteps == timesteps - 1:
            last[-1] = max(last[-1], last[step - timesteps] + least)
    return np.array(last[timesteps - 1::timesteps])


class _Walk:
    """A layer on its way through the timesteps.

    opened : when each of its steps began; done : when it ended; freed : when the last one's sums
        were handed over, and events are taken again
    """

    def __init__(self, stage: Stage):
        self.stage = stage
        self.opened: list[float] = []
        self.done: list[float] = []
        self.freed = 0.0
        self._handed: list[float] = stage.handed.tolist()
        self._charges: list[float] = stage.charges.tolist()
        self._rows: list[float] = stage.rows.tolist()
        self._inputs: list[list[_Input]] = []
        self._queues: list[_Input] = []  # that it fills
        self._passed: list[tuple[_Walk, int]] = []
        self._held: list[tuple[_Walk, int]] = []

    def connect(self, number: int, walks: Sequence[_Walk]) -> None:
        """Know the layers that it reads, and they it."""
        for engine in self.stage.engines:
            inputs = [_Input(flow, self, walks[flow.producer]) for flow in engine]
            self._inputs.append(inputs)
            for each in inputs:
                if len(each.flow.entries):
                    each.producer._queues.append(each)
        for carried in self.stage.carried:
            self._passed.append((walks[carried.producer], carried.way))
            walks[carried.producer]._held.append((self, carried.held))

    def take(self, step: int) -> None:
        """Walk through a timestep, which those that it reads have been walked through."""
        free = self.freed
        ready = free + self._charges[step]
        for inputs in self._inputs:
            at = free
            for each in inputs:
                at = each.take(step, at)
            ready = max(ready, at)
        for producer, way in self._passed:
            ready = max(ready, producer.done[step] + way)
        if self._handed:
            ready = self._hand_over(step, ready)
        if step:
            ready = max(ready, self.opened[-1] + self.stage.recovery)
        opened, done = ready, ready + self._rows[step]
        for queue in self._queues:
            opened = max(opened, queue.room_for(step, ready, first=True))
            done = max(done, queue.room_for(step, ready, first=False))
        for reader, held in self._held:
            if step >= held:
                done = max(done, reader.done[step - held])
        self.opened.append(opened)
        self.done.append(done)
        if not self._handed:
            self.freed = done

    def _hand_over(self, step: int, ready: float) -> float:
        """When a step begins whose sums are handed over from ``ready`` on, row by row behind the
        step before, or that takes those that are there."""
        before = self.done[-1] if step else 0.0
        if not self._handed[step]:
            return before
        self.freed = max(ready + self._handed[step], before)
        return max(ready, before)


class _Input:
    """A flow on its way through the timesteps: when its reader began and ended taking each."""

    def __init__(self, flow: Flow, reader: _Walk, producer: _Walk):
        self.flow, self.reader, self.producer = flow, reader, producer
        self._charges: list[float] = flow.charges.tolist()
        self._eager: list[float] = flow.eager.tolist()
        self._totals: list[int] = [0, *np.cumsum(flow.entries).tolist()]
        self._began: list[float] = []
        self._ended: list[float] = []

    def take(self, step: int, free: float) -> float:
        """When all of a timestep is charged, the engine being ``free`` for it."""
        came = step - self.flow.back
        if came < 0:
            return free
        way = self.flow.way
        opens, closes = self.producer.opened[came] + way, self.producer.done[came] + way - 1
        if opens > free:
            began, charges = opens, self._eager[step]
        else:
            began, charges = free, self._charges[step]
        ended = max(began + charges, closes)
        self._began.append(began)
        self._ended.append(ended)
        return ended

    def room_for(self, step: int, opened: float, *, first: bool) -> float:
        """When the first or the last entry of a timestep, which opens at ``opened``, has room."""
        number = (self._totals[step] if first else self._totals[step + 1] - 1) - self.flow.room
        if number < 0:
            return 0.0
        taken = bisect_left(self._totals, number + 1) - 1
        share = (number - self._totals[taken]) / (self._totals[taken + 1] - self._totals[taken])
        if taken < len(self._began):
            return self._began[taken] + share * (self._ended[taken] - self._began[taken])
        return max(opened + self.flow.way, self.reader.freed) + share * self._charges[taken]
