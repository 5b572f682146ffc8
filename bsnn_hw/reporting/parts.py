"""Size and speed on the parts: the forecast for each, what synthesis placed, and other plans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.devices.chips import CHIPS, Chip, find_chip
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.inventory import changes, read_inventory
from bsnn_hw.errors import InputError
from bsnn_hw.plan_report import plan_counts
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.forecast import Forecast, forecast
from bsnn_hw.planning.goal import Goal, Objective
from bsnn_hw.planning.plan import Plan, choose
from bsnn_hw.planning.plan_file import read_plan
from bsnn_hw.reporting.charts import Scatter, scatter
from bsnn_hw.synthesis.report import FORMAT, VERSION, sources_digest
from bsnn_hw.text import percent

__all__ = ["Front", "Part", "Placed", "front", "parts", "placed"]

LARGEST = "ecp5-85k"  # plans are compared on it where the bundle's was made for no part


@dataclass(frozen=True)
class Part:
    """This circuit on a part by the forecast; ``fill`` is the share of its scarcest resource."""

    name: str
    words: str
    used: str
    fill: str
    fits: bool
    megahertz: float
    speed: float


@dataclass(frozen=True)
class Placed:
    """What `bsnn_hw.synth` found on a part."""

    name: str
    words: str
    used: str
    megahertz: float
    cycles: float
    speed: float
    simulated: int


@dataclass(frozen=True)
class Front:
    """Plans for a part, cells against inferences per second."""

    part: str
    unit: str
    plot: Scatter


def parts(design: Design, activity: Activity) -> tuple[Part, ...]:
    """The circuit on every part that is known, at a clock that it may count on there."""
    by_family: dict[int, Forecast] = {}
    found = []
    for chip in CHIPS:
        key = id(chip.family)
        if key not in by_family:
            by_family[key] = forecast(design.network, design.schedule, activity, chip.family)
        seen = by_family[key]
        clock = chip.counted_clock(seen.cost)
        fill = max(used / capacity if capacity else float(used > 0)
                   for _, used, capacity, _ in chip.resources(seen.cost))
        found.append(Part(chip.name, chip.target.part, _used(chip, seen), percent(fill),
                          not chip.excess(seen.cost), clock, seen.speed(clock)))
    return tuple(found)


def _used(chip: Chip, seen: Forecast) -> str:
    return ", ".join(f"{round(used):,} {words}" for words, used, _, _ in chip.resources(seen.cost))


def placed(folder: Path, design: Design) -> tuple[Placed, ...]:
    """Of every part that the bundle has results of: as `bsnn_hw.synth` wrote them, of this very
    circuit."""
    results = folder / "synth"
    try:
        files = read_inventory(json.loads((results / "files.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return ()
    names = [name for name in sorted(files) if name.endswith(".json")
             and not changes(results, files, [name])]
    found = (_placed(results / name, sources_digest(design.verilog.paths)) for name in names)
    return tuple(each for each in found if each is not None)


def _placed(path: Path, sources: str) -> Placed | None:
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if (facts["format"], facts["version"], facts["sources_sha256"]) != (FORMAT, VERSION,
                                                                            sources):
            return None
        used = ", ".join(f"{resource['used']:,} {bel}" for bel, resource in
                         facts["resources"].items() if resource["used"])
        return Placed(str(facts["target"]), str(facts["part"]), used, float(facts["megahertz"]),
                      float(facts["cycles_per_inference"]), float(facts["inferences_per_second"]),
                      int(facts["netlist_simulated"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def front(folder: Path, design: Design, activity: Activity) -> Front | None:
    """The plans that were weighed for the part of the bundle's plan, and the bundle's own; None
    where nothing fits that part."""
    try:
        chip = find_chip(read_plan(folder / "plan.toml").target or LARGEST)
    except InputError:
        chip = find_chip(LARGEST)
    own = forecast(design.network, design.schedule, activity, chip.family)
    try:
        goals = (Goal(Objective.SMALLEST), Goal(Objective.FASTEST))
        plans = [choose(design.network, activity, chip, goal) for goal in goals]
    except InputError:
        return None
    points = [(*_place(chip, own), _words(chip, plan_counts(design.schedule), own), True,
               not chip.excess(own.cost)), *_weighed(chip, plans)]
    return Front(chip.name, chip.words(chip.family.logic), scatter(points))


def _weighed(chip: Chip, plans: Sequence[Plan]):
    seen = set()
    for plan in plans:
        for each in plan.alternatives:
            if each.schedule not in seen:
                seen.add(each.schedule)
                yield (*_place(chip, each.forecast),
                       _words(chip, plan_counts(each.schedule), each.forecast), False,
                       not each.excess)


def _place(chip: Chip, seen: Forecast) -> tuple[float, float]:
    return max(seen.cost.cells, 1.0), seen.speed(chip.counted_clock(seen.cost))


def _words(chip: Chip, counts: str, seen: Forecast) -> str:
    clock = chip.counted_clock(seen.cost)
    return (f"{counts}: {seen.speed(clock):,.0f} inferences/s at {clock:g} MHz, "
            f"{_used(chip, seen)}")
