"""Curves of a training log, the .jsonl beside a model: a line of JSON for each epoch."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.reporting.charts import Curves, curves

__all__ = ["Training", "read_log"]


@dataclass(frozen=True)
class Training:
    """A plot by epoch."""

    title: str
    plot: Curves


def read_log(path: Path | None) -> tuple[Training, ...]:
    """Plots of what the log has; none where there is no log, or it is something else."""
    if path is None:
        return ()
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError):
        return ()
    epochs = [line for line in lines if isinstance(line, dict) and "epoch" in line]
    accuracies = {key.replace("_", " "): _column([each.get(key) for each in epochs])
                  for key in ("train_accuracy", "validation_accuracy")}
    shown = (("Accuracy", accuracies),
             ("Firing rate", _columns(epochs, "rates")),
             ("Weights whose sign changes", _columns(epochs, "flip_ratios")))
    return tuple(Training(title, curves(kept)) for title, named in shown
                 if (kept := {name: values for name, values in named.items() if len(values) > 1}))


def _columns(epochs: Sequence[Mapping[str, Any]], key: str) -> dict[str, list[float]]:
    """Per layer the values of all epochs."""
    tables = [each[key] for each in epochs if isinstance(each.get(key), dict)]
    return {str(name): _column([table.get(name) for table in tables]) for name in
            (tables[0] if tables else ())}


def _column(values: Sequence[Any]) -> list[float]:
    """``values`` if all of them can be drawn, else nothing."""
    good = all(isinstance(value, int | float) and 0 <= value <= sys.float_info.max
               for value in values)
    return [float(value) for value in values] if good else []
