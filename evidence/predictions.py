"""``python -m evidence.predictions``: what plans were to take, against what was placed.

Plans of the examples for several families, each generated, synthesized, placed and simulated on
test images that the plan has not seen.  Logic cells must be within 15 % of the forecast, block RAMs
and multipliers exact, cycles within 5 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError

if TYPE_CHECKING:
    from bsnn_hw.pipeline import Built
    from bsnn_hw.synthesis.report import Figures

__all__ = ["PLANS", "Compared", "compare", "main"]

# Example, part, goal, and port where it is not of event slots.
PLANS = (
    ("digits_fc", "ecp5-25k", "smallest"),
    ("digits_fc", "ecp5-25k", "fps=100000"),
    ("digits_fc", "ecp5-25k", "fps=400000"),
    ("fashion_mnist_fc", "ecp5-25k", "fps=20000"),
    ("fashion_mnist_fc", "ecp5-25k", "fps=200000"),
    ("fashion_mnist_fc", "ecp5-45k", "fps=400000"),
    ("digits_fc", "ice40-hx8k", "smallest"),
    ("digits_fc", "ice40-hx8k", "fps=30000"),
    ("digits_fc", "ice40-hx8k", "fps=60000"),
    ("digits_fc", "ice40-hx8k", "fastest"),
    ("fashion_mnist_up5k", "ice40-up5k", "fps=5000", "bytes"),
    ("digits_fc", "gatemate-a1", "smallest"),
    ("digits_fc", "gatemate-a1", "fps=15000"),
    ("digits_fc", "gatemate-a1", "fps=30000"),
    ("fashion_mnist_fc", "gatemate-a1", "fps=10000"),
)
IMAGES = 256
CELLS, CYCLES = 0.15, 0.05  # what a forecast may be wrong by


@dataclass(frozen=True)
class Compared:
    """A resource or the cycles: the forecast, what it came to, and the share it may be wrong by."""

    words: str
    forecast: float
    found: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """Forecast over found; 1 where both are 0."""
        return self.forecast / self.found if self.found else 1.0 + self.forecast

    @property
    def right(self) -> bool:
        """Within its tolerance."""
        return abs(self.ratio - 1) <= self.tolerance


def compare(built: Built, figures: Figures) -> Iterator[Compared]:
    """Forecast and measurement of a bundle; flip-flops are shown, and not bounded."""
    plan = built.planned.plan
    assert plan.chip is not None and plan.forecast is not None
    used = {resource.words: figures.used(resource) for resource in figures.target.resources}
    family = plan.chip.family
    tolerances = {family.logic: CELLS, family.registers: float("inf")}
    for bel, (words, needed, _, _) in zip(
            [bel for bel in (family.logic, family.registers, family.blocks, family.multipliers)
             if bel], plan.chip.resources(plan.forecast.cost), strict=True):
        yield Compared(words, round(needed), used[words], tolerances.get(bel, 0.0))
    yield Compared("cycles/inf.", plan.forecast.cycles, figures.cycles, CYCLES)


def _measured(model: Path, target: str, goal: str, port: str,
              folder: Path) -> tuple[Built, Figures]:
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.ir.schedule import Port
    from bsnn_hw.pipeline import Request, build
    from bsnn_hw.planning.goal import parse_goal
    from bsnn_hw.synthesis.flow import Request as Synthesis
    from bsnn_hw.synthesis.flow import measure

    built = build(Request(model, folder / "bundle", target=target, goal=parse_goal(goal),
                          vectors=IMAGES, port=Port(port)))
    return built, measure(Synthesis(built.request.out, find_target(target)))


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.devices.chips import CHIPS
    from bsnn_hw.text import table

    names = [chip.name for chip in CHIPS]
    plans = [plan for plan in PLANS if plan[1] in names
             and (options.target is None or plan[1].startswith(options.target))]
    rows = [["example", "part", "goal", "lanes", "parallel", "resource", "forecast", "found",
             "ratio", "MHz"]]
    wrong = []
    for example, target, goal, *other in plans:
        port = other[0] if other else "events"
        with tempfile.TemporaryDirectory(prefix="bsnn_hw_") as scratch:
            built, figures = _measured(options.examples / f"{example}.pt", target, goal,
                                       port, Path(scratch))
        layers = built.planned.plan.schedule.layers
        for each in compare(built, figures):
            rows.append([example, target, " ".join((goal, *other)),
                         ",".join(str(layer.lanes) for layer in layers),
                         ",".join(str(layer.parallel) for layer in layers), each.words,
                         f"{each.forecast:,.1f}", f"{each.found:,.1f}", f"{each.ratio:.3f}",
                         f"{figures.best.megahertz:.1f}"])
            wrong += [] if each.right else [f"{example} on {target}, {goal}: {each.words}"]
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if wrong:
        raise BsnnError(f"forecasts: must be within {CELLS:.0%} in logic cells, {CYCLES:.0%} in "
                        f"cycles and exact in the rest, but are not for {'; '.join(wrong)}")
    print(f"{len(plans)} plans of {len({plan[1].split('-')[0] for plan in plans})} families "
          f"as forecast")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.predictions",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--examples", type=Path, default=Path("examples"),
                        help="folder of the examples (default: examples)")
    parser.add_argument("--target", metavar="PREFIX", help="only parts that begin so")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
