"""Training logs side by side: a panel per quantity, a line per run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.errors import InputError
from bsnn_hw.pictures.picture import COLORS, Picture, brief, drawing, figure

__all__ = ["Log", "read_log", "training"]

_PANELS = (("train_accuracy", "training accuracy"), ("validation_accuracy", "validation accuracy"),
           ("rates", "firing rate, mean of the layers"),
           ("flip_ratio", "weights whose sign changes"))
_STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Log:
    """A run: its name, a dictionary per epoch, and the test's results, empty where it has none."""

    name: str
    epochs: tuple[dict[str, Any], ...]
    test: dict[str, Any]

    def column(self, key: str) -> list[tuple[int, float]]:
        """(epoch, value) of the epochs that have it; of a value per layer the mean."""
        found = ((number, _number(epoch.get(key))) for number, epoch in enumerate(self.epochs, 1))
        return [(number, value) for number, value in found if value is not None]

    def last(self, key: str) -> float | None:
        """The value of the last epoch that has it."""
        column = self.column(key)
        return column[-1][1] if column else None


def read_log(path: Path) -> Log:
    """The log that `bsnn_hw.train` writes beside a model.

    Raises
    ------
    InputError
        It cannot be read, or has no epoch.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
                 if line.strip()]
    except OSError as error:
        raise InputError(f"{path}: must be a training log that can be read, {error.strerror}; "
                         "give a .jsonl of python -m bsnn_hw.train") from None
    except (ValueError, RecursionError):
        lines = []
    lines = [line for line in lines if isinstance(line, dict)]
    epochs = tuple(line for line in lines if "epoch" in line)
    if not epochs:
        raise InputError(f"{path}: must be a training log, lines of JSON of which some have an "
                         "epoch, and is not; give a .jsonl of python -m bsnn_hw.train")
    tests = [line["test"] for line in lines if isinstance(line.get("test"), dict)]
    return Log(path.stem, epochs, tests[-1] if tests else {})


def training(logs: Sequence[Log]) -> Picture:
    """Accuracy, firing rate and sign flips by epoch, of all ``logs``.

    Raises
    ------
    ToolError
        There is no matplotlib.
    """
    with drawing():
        drawn = figure(8, 6)
        panels = drawn.subplots(2, 2)
        for axes, (key, title) in zip(panels.ravel(), _PANELS, strict=True):
            for number, log in enumerate(logs):
                axes.plot(*zip(*log.column(key), strict=True) if log.column(key) else ([], []),
                          color=COLORS[number % len(COLORS)], label=brief(log.name),
                          linestyle=_STYLES[number // len(COLORS) % len(_STYLES)])
            axes.set_title(title, loc="left")
            axes.set_xlabel("epoch")
            if not any(log.column(key) for log in logs):
                axes.text(0.5, 0.5, "not in these logs", transform=axes.transAxes, ha="center")
        drawn.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center",
                     ncols=min(4, len(logs)), frameon=False)
    return Picture(drawn)


def _number(value: Any) -> float | None:
    if isinstance(value, dict) and value:
        values = [_number(each) for each in value.values()]
        known = [each for each in values if each is not None]
        return sum(known) / len(known) if known else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of hundreds of digits
        return None
