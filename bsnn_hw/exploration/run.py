"""A study to its end: courses of points, their steps on workers, their rows in the store.

One process, this one, knows of everything and writes.  Workers do single steps and keep them in the
cache; when one dies its step is done again elsewhere, and when this process is stopped what is lost
is the steps in work.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsnn_hw.cluster import Workers, WorkersGoneError, outcome
from bsnn_hw.errors import BsnnError
from bsnn_hw.exploration.choosing import Chooser
from bsnn_hw.exploration.course import Course, course, point_key
from bsnn_hw.exploration.points import Point, digest
from bsnn_hw.exploration.sources import Sources
from bsnn_hw.exploration.steps import Done, Step, code_version, known, perform
from bsnn_hw.exploration.store import Store
from bsnn_hw.exploration.study import Study

__all__ = ["Runner"]

AHEAD = 2  # steps that are sent for every one that can run, so that none waits for this process
STATUS = {1: "refused", 4: "different"}  # by exit code; anything else may go well another time


@dataclass
class _Running:
    """A point under way; ``steps`` are the keys of those that it took so far."""

    point: Point
    key: str
    course: Course
    rank: int
    steps: list[str] = field(default_factory=list)


class Runner:
    """Runs a study.

    Parameters
    ----------
    folder : Path, of the store and the cache
    report : called with a line for a person where a point has no result
    counted : called with the number of points that have ended
    again : whether points that were refused, or are not exact, are tried again
    """

    def __init__(self, study: Study, workers: Workers, store: Store, folder: Path,
                 report: Callable[[str], None] = lambda line: None,
                 counted: Callable[[int], None] = lambda count: None, again: bool = False):
        self._final = {"done"} if again else {"done", *STATUS.values()}
        self._study, self._workers, self._store, self._report = study, workers, store, report
        self._cache = (folder / "cache").resolve()
        self._cache.mkdir(exist_ok=True)
        self._sources, self._code = Sources(study.path.parent), code_version()
        self._results: dict[str, Done | Exception] = {}
        self._waiting: dict[str, list[_Running]] = {}  # by the key of the step
        self._ready: list[tuple[tuple[int, int], int, Step]] = []
        self._sent: dict[Future[Done], Step] = {}
        self._order = itertools.count()
        self._counted, self._live, self._ended = counted, 0, 0  # points under way, and behind

    def run(self, chooser: Chooser) -> list[str]:
        """Every point that the chooser gives; their keys, in its order."""
        keys: list[str] = []
        more = True
        while more or self._waiting:
            while more and self._live < chooser.ahead(self._workers.count()):
                point = chooser.ask()
                more = point is not None
                if point is not None:
                    keys.append(self._start(point, len(keys), chooser))
            self._send()
            if self._sent:
                finished, _ = wait(self._sent, return_when=FIRST_COMPLETED)
                for future in finished:
                    self._take(future, chooser)
        return list(dict.fromkeys(keys))

    def _start(self, point: Point, rank: int, chooser: Chooser) -> str:
        """Begin a point that has no row that stays; its key."""
        steps = course(self._study, point, self._sources, self._cache, self._code)
        running = _Running(point, digest(point.choices), steps, rank)
        self._live += 1
        try:
            running.key = point_key(self._study, point, self._sources, self._code)
        except BsnnError as error:  # its files cannot be read
            self._end(running, _failure(error), chooser)
            return running.key
        kept = self._store.point(running.key)
        if kept is not None and kept["status"] in self._final:
            self._count()
            chooser.tell(point, kept)
        else:
            self._advance(running, None, chooser)
        return running.key

    def _advance(self, running: _Running, done: Done | None, chooser: Chooser) -> None:
        """Go on with a point until it waits for a step, or ends."""
        try:
            while True:
                step = running.course.send(done) if done else next(running.course)
                running.steps.append(step.key)
                found = self._result(step)
                if found is None:
                    self._wait_for(step, running)
                    return
                if isinstance(found, Exception):
                    self._end(running, _failure(found, step.kind), chooser)
                    return
                done = found
        except StopIteration as end:
            self._end(running, {"status": "done", **end.value}, chooser)
        except Exception as error:
            self._end(running, _failure(error), chooser)

    def _result(self, step: Step) -> Done | Exception | None:
        """What is known of the step."""
        if step.key not in self._results and (found := known(step, self._cache)):
            self._results[step.key] = found
            self._store.add_step(step, found)
        return self._results.get(step.key)

    def _wait_for(self, step: Step, running: _Running) -> None:
        if step.key not in self._waiting:
            # The nearest to its end first, so that rows appear early.
            heapq.heappush(self._ready, ((-len(running.steps), running.rank), next(self._order),
                                         step))
        self._waiting.setdefault(step.key, []).append(running)

    def _send(self) -> None:
        most = AHEAD * max(1, self._workers.count())
        while self._ready and len(self._sent) < most:
            *_, step = heapq.heappop(self._ready)
            self._sent[self._workers.executor.submit(perform, step, self._cache)] = step

    def _take(self, future: Future[Done], chooser: Chooser) -> None:
        step = self._sent.pop(future)
        try:
            done = outcome(future)
        except WorkersGoneError:
            raise
        except Exception as error:
            self._results[step.key] = error
            for running in self._waiting.pop(step.key):
                self._end(running, _failure(error, step.kind), chooser)
        else:
            self._results[step.key] = done
            self._store.add_step(step, done)
            for running in self._waiting.pop(step.key):
                self._advance(running, done, chooser)

    def _end(self, running: _Running, row: dict[str, Any], chooser: Chooser) -> None:
        point = running.point
        whole = {**point.words, "part": point.part, "seed": point.seed, **row}
        self._store.add_point(running.key, point.choices, whole, running.steps)
        chooser.tell(point, whole)
        if row["status"] != "done":
            words = ", ".join(f"{whole[name]}" for name in ("network", "precision", "plan", "part"))
            self._report(f"{row['status']}: {words}: {row['error']}")
        self._count()

    def _count(self) -> None:
        self._live, self._ended = self._live - 1, self._ended + 1
        self._counted(self._ended)


def _failure(error: Exception, kind: str = "") -> dict[str, Any]:
    """Columns of a point that has no result."""
    own = isinstance(error, BsnnError)
    code = error.exit_code if isinstance(error, BsnnError) else None
    words = str(error) if own else f"{type(error).__name__}: {error}"
    return {"status": STATUS.get(code or 0, "failed"), "code": code,
            "error": f"{kind}: {words}" if kind else words}
