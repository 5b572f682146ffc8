"""Who says which point comes next: the grid, or Optuna."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.exploration.points import Point, digest, grid, picked
from bsnn_hw.exploration.study import OBJECTIVES, Optuna, Study

__all__ = ["Chooser", "Grid", "Guided", "chooser_of"]


class Chooser(Protocol):
    """Gives points, ``total`` of them, and is told what became of them."""

    total: int

    def ask(self) -> Point | None:
        """The next point, None if there is none."""

    def tell(self, point: Point, row: Mapping[str, Any] | None) -> None:
        """The row of a point that was asked for."""

    def ahead(self, workers: int) -> int:
        """How many points may be under way at a time."""


class Grid:
    """Every point."""

    MOST = 10_000

    def __init__(self, study: Study):
        points = list(grid(study))
        self.total, self._points = len(points), iter(points)

    def ask(self) -> Point | None:
        """The next point of the grid."""
        return next(self._points, None)

    def tell(self, point: Point, row: Mapping[str, Any] | None) -> None:
        """The grid does not look at it."""

    def ahead(self, workers: int) -> int:
        """So many that shared steps are seen as such."""
        return self.MOST


class Guided:
    """Optuna's tree-structured Parzen estimator, on all objectives of the study at once.

    A study that goes on is chosen from its beginning, and rows of the store answer at once. With
    one worker its points are the same; with several they depend on which row comes first.
    """

    def __init__(self, study: Study, optuna: Optuna):
        try:
            import optuna as library
        except ImportError:
            raise ToolError("optuna: must be installed to choose points by it, none was found; "
                            "pip install 'bsnn-hw[explore]'") from None
        library.logging.set_verbosity(library.logging.WARNING)
        self._library, self._study = library, study
        self.total = self._left = optuna.trials
        directions = [f"{OBJECTIVES[name]}imize" for name in study.objectives]
        self._trials = library.create_study(
            directions=directions,
            sampler=library.samplers.TPESampler(seed=optuna.seed, n_startup_trials=10))
        self._asked: dict[str, list[Any]] = {}

    def ask(self) -> Point | None:
        """A point that Optuna suggests."""
        if not self._left:
            return None
        self._left -= 1
        trial = self._trials.ask()
        point = picked(self._study, lambda question, count: trial.suggest_categorical(
            question, list(range(count))))
        self._asked.setdefault(digest(point.choices), []).append(trial)
        return point

    def tell(self, point: Point, row: Mapping[str, Any] | None) -> None:
        """A point without a result, or which does not fit, is a failed trial.

        Raises
        ------
        InputError
            A result lacks an objective: Optuna would learn nothing from any of its kind.
        """
        trial = self._asked[digest(point.choices)].pop(0)
        if row is None or row["status"] != "done":
            self._trials.tell(trial, state=self._library.trial.TrialState.FAIL)
            return
        values = {name: row[name] for name in self._study.objectives}
        if missing := [name for name, value in values.items() if value is None]:
            raise InputError(f"{self._study.path}: objectives must be what every point has where "
                             f"Optuna chooses by them, and {row['network']} has no {missing[0]}, "
                             "as its samples have no labels; give labels, or objectives without "
                             "it")
        if row["fits"] and all(math.isfinite(value) for value in values.values()):
            self._trials.tell(trial, list(values.values()))
        else:
            self._trials.tell(trial, state=self._library.trial.TrialState.FAIL)

    def ahead(self, workers: int) -> int:
        """One for every worker: a suggestion knows what was told before it."""
        return max(1, workers)


def chooser_of(study: Study) -> Chooser:
    """The study's own.

    Raises
    ------
    ToolError
        It asks for Optuna, which is not installed.
    """
    return Guided(study, study.optuna) if study.optuna else Grid(study)
