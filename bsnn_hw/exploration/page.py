"""A study as one HTML page: the front as a table, all points as plots, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup

from bsnn_hw import __version__
from bsnn_hw.devices.chips import find_chip
from bsnn_hw.exploration.front import Row, cells_of, front
from bsnn_hw.reporting.charts import Scatter, scatter
from bsnn_hw.sim.render import render

__all__ = ["Failures", "failures", "page_text"]

TEXT_COLUMNS = 4  # of the front's table: part, network, precision, plan


@dataclass(frozen=True)
class Failures:
    """Points that ended with the same words; ``first`` says which was the first."""

    count: int
    status: str
    error: str
    first: str


@dataclass(frozen=True)
class Plot:
    """A plot, its title and what its axes are."""

    title: str
    x_name: str
    y_name: str
    plot: Scatter


@dataclass(frozen=True)
class Part:
    """All points of one part."""

    name: str
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class Facts:
    """What templates/study.html.j2 reads."""

    generator: str
    name: str
    outline: str
    objectives: tuple[str, ...]
    columns: tuple[str, ...]
    text_columns: int
    front: tuple[tuple[str, ...], ...]
    parts: tuple[Part, ...]
    failures: tuple[Failures, ...]


def failures(rows: Sequence[Row]) -> list[Failures]:
    """What went wrong, by its words, the most frequent first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["status"] != "done":
            groups.setdefault((row["status"], row["error"]), []).append(row)
    found = [Failures(len(group), status, error, _words(group[0]))
             for (status, error), group in groups.items()]
    return sorted(found, key=lambda each: -each.count)


def page_text(name: str, rows: Sequence[Row], objectives: Sequence[str]) -> str:
    """The page as HTML.

    rows : all of the study; objectives : what the front is of
    """
    best = front(rows, objectives)
    done = [row for row in rows if row["status"] == "done"]
    columns, *cells = cells_of(best)
    parts = tuple(Part(part, tuple(_plots(part, [row for row in done if row["part"] == part],
                                          best)))
                  for part in dict.fromkeys(row["part"] for row in done))
    facts = Facts(f"bsnn-hw {__version__}", name,
                  f"{len(rows):,} points, {len(best):,} on the front", tuple(objectives),
                  tuple(columns), TEXT_COLUMNS, tuple(map(tuple, cells)), parts,
                  tuple(failures(rows)))
    style = files("bsnn_hw.templates").joinpath("report.css").read_text(encoding="utf-8")
    return render("study.html.j2", facts=facts, style=Markup(style))


def _plots(part: str, rows: Sequence[Row], best: Sequence[Row]) -> Iterator[Plot]:
    unit = find_chip(part).words(find_chip(part).family.logic)
    yield Plot("Size and speed", unit, "inferences/s",
               scatter([_point(row, best, row["rate"]) for row in rows]))
    if all(row["accuracy"] is not None for row in rows):
        yield Plot("Size and errors", unit, "wrong classes of 1,000", scatter(
            [_point(row, best, max(1.0, 1000 * (1 - row["accuracy"]))) for row in rows]))


def _point(row: Row, best: Sequence[Row], y: float) -> tuple[float, float, str, bool, bool]:
    return (max(row["cells"], 1.0), y, f"{_words(row)}: {row['rate']:,.0f} inferences/s, "
            f"{row['cells']:,} cells", any(row is each for each in best), bool(row["fits"]))


def _words(row: Row) -> str:
    seed = "" if row["seed"] is None else f", seed {row['seed']}"
    return f"{row['network']}, {row['precision']}, {row['plan']}, {row['part']}{seed}"
