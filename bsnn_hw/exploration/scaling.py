"""How long a study would take with other workers: its graph of tasks with measured times."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bsnn_hw.exploration.store import Store

__all__ = ["Task", "critical_path", "makespan", "tasks_of"]


@dataclass(frozen=True)
class Task:
    """A step: ``seconds`` of work after the steps whose numbers are ``after``, all before it."""

    seconds: float
    after: tuple[int, ...] = ()
    rank: tuple[int, int] = (0, 0)


def tasks_of(store: Store, points: Iterable[str]) -> list[Task]:
    """The steps of the points with these keys, each once, ranked as `run.Runner` ranks them."""
    numbers: dict[str, int] = {}
    tasks: list[Task] = []
    for rank, point in enumerate(points):
        before: tuple[int, ...] = ()
        for place, (key, _, seconds) in enumerate(store.tasks(point)):
            if key not in numbers:
                numbers[key] = len(tasks)
                tasks.append(Task(seconds, before, (-place, rank)))
            before = (numbers[key],)
    return tasks


def makespan(tasks: Sequence[Task], workers: int, overhead: float = 0.0) -> float:
    """Seconds until all are done, the ready task with the least rank first.

    overhead : seconds of the one process that hands out steps, for each of them
    """
    waiting = [len(task.after) for task in tasks]
    behind: list[list[int]] = [[] for _ in tasks]
    for number, task in enumerate(tasks):
        for before in task.after:
            behind[before].append(number)
    ready = [(task.rank, number) for number, task in enumerate(tasks) if not task.after]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now, hands_free = 0.0, 0.0
    while ready or running:
        while ready and len(running) < workers:
            _, number = heapq.heappop(ready)
            hands_free = max(now, hands_free) + overhead
            heapq.heappush(running, (hands_free + tasks[number].seconds, number))
        now, number = heapq.heappop(running)
        for after in behind[number]:
            waiting[after] -= 1
            if not waiting[after]:
                heapq.heappush(ready, (tasks[after].rank, after))
    return now


def critical_path(tasks: Sequence[Task]) -> float:
    """Seconds of the longest chain: no number of workers is faster."""
    ends: list[float] = []
    for task in tasks:
        ends.append(task.seconds + max((ends[before] for before in task.after), default=0.0))
    return max(ends, default=0.0)
