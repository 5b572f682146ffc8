"""The front of a study: points of a part that no other betters in everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bsnn_hw.exploration.study import OBJECTIVES
from bsnn_hw.text import percent

__all__ = ["cells_of", "front", "objectives_of"]

Row = Mapping[str, Any]


def front(rows: Iterable[Row], objectives: Sequence[str]) -> list[Row]:
    """Rows that fit and that no other row of the same part dominates, in the rows' order; of rows
    with equal objectives the first.

    A cell of one part is not one of another, so each part has a front of its own.
    """
    found: dict[str, dict[tuple[float, ...], Row]] = {}
    for row in rows:
        if row["status"] == "done" and row["fits"]:
            found.setdefault(row["part"], {}).setdefault(_losses(row, objectives), row)
    return [row for losses in found.values() for own, row in losses.items()
            if not any(_dominates(other, own) for other in losses)]


def objectives_of(rows: Sequence[Row], objectives: Sequence[str]) -> list[str]:
    """Those that every row has: accuracy needs labels."""
    return [name for name in objectives
            if all(row[name] is not None for row in rows if row["status"] == "done")]


def _losses(row: Row, objectives: Sequence[str]) -> tuple[float, ...]:
    """What is to be small."""
    return tuple(row[name] * (-1 if OBJECTIVES[name] == "max" else 1) for name in objectives)


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def cells_of(rows: Sequence[Row]) -> list[list[str]]:
    """A table of the rows for a person, by part and cells, the heading first."""
    lines = [["part", "network", "precision", "plan", "seed", "accuracy", "cells", "block RAMs",
              "cycles", "MHz", "inferences/s", "nJ"]]
    for row in sorted(rows, key=lambda row: (row["part"], row["cells"], row["cycles"])):
        lines.append([row["part"], row["network"], row["precision"], row["plan"],
                      "-" if row["seed"] is None else str(row["seed"]), percent(row["accuracy"]),
                      f"{row['cells']:,}", f"{row['blocks']:,}", f"{row['cycles']:,.1f}",
                      f"{row['clock']:.1f}", f"{row['rate']:,.0f}", f"{row['energy']:,.2f}"])
    return lines
