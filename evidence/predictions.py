"""``python -m evidence.predictions``: what plans were to take, against what was placed.

Plans of the examples for several families, each generated, synthesized, placed and simulated on
test images that the plan has not seen.  Logic cells must be within 15 % of the forecast, the clock
within 10 %, block RAMs and multipliers exact, cycles within 5 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder

if TYPE_CHECKING:
    from bsnn_hw.pipeline import Built
    from bsnn_hw.planning.plan import Plan
    from bsnn_hw.synthesis.report import Figures

__all__ = ["PLANS", "Case", "Compared", "Measured", "Memory", "compare", "main", "measured"]

IMAGES = 256
CELLS, CLOCK, CYCLES = 0.15, 0.10, 0.05  # what a forecast may be wrong by
# Shown, and not bounded: nextpnr adds cells on Gowin as it places, and on GateMate its clocks are
# scattered, whatever the size.
UNBOUNDED = {("gowin", "LUT4"), ("gatemate", "MHz")}


@dataclass(frozen=True)
class Case:
    """A plan to look at; ``pins`` is a file beside the examples, of parts that need one.

    clock : MHz that the plan counts on, so that it is the same whatever is likely
    """

    example: str
    target: str
    goal: str
    clock: float
    port: str = "events"
    pins: str = ""

    @property
    def words(self) -> list[str]:
        """For a table."""
        return [self.example, self.target, self.goal + (" bytes" if self.port == "bytes" else "")]


_LIFCL, _TANG = ("bytes", "crosslink_nx.pdc"), ("bytes", "tang_nano_9k.cst")
PLANS = (
    Case("digits_fc", "ecp5-25k", "smallest", 100),
    Case("digits_fc", "ecp5-25k", "fps=100000", 100),
    Case("digits_fc", "ecp5-25k", "fps=400000", 100),
    Case("fashion_mnist_fc", "ecp5-25k", "fps=20000", 100),
    Case("fashion_mnist_fc", "ecp5-25k", "fps=200000", 100),
    Case("fashion_mnist_fc", "ecp5-45k", "fps=400000", 100),
    Case("fashion_mnist_14x14", "ecp5-85k", "fps=400000", 100),
    Case("digits_fc", "ice40-hx8k", "smallest", 80),
    Case("digits_fc", "ice40-hx8k", "fps=30000", 80),
    Case("digits_fc", "ice40-hx8k", "fps=60000", 80),
    Case("digits_fc", "ice40-hx8k", "fastest", 80),
    Case("fashion_mnist_up5k", "ice40-up5k", "fps=5000", 24, "bytes"),
    Case("digits_fc", "gatemate-a1", "smallest", 50),
    Case("digits_fc", "gatemate-a1", "fps=15000", 50),
    Case("digits_fc", "gatemate-a1", "fps=30000", 50),
    Case("fashion_mnist_fc", "gatemate-a1", "fps=10000", 50),
    Case("digits_fc", "nexus-40", "smallest", 100, *_LIFCL),
    Case("digits_fc", "nexus-40", "fps=100000", 100, *_LIFCL),
    Case("fashion_mnist_fc", "nexus-40", "fps=50000", 100, *_LIFCL),
    Case("digits_fc", "gowin-9", "smallest", 80, *_TANG),
    Case("digits_fc", "gowin-9", "fps=100000", 80, *_TANG),
    Case("fashion_mnist_fc", "gowin-9", "fps=50000", 80, *_TANG),
)


@dataclass(frozen=True)
class Measured:
    """What a plan came to.

    sources : sha256 of its Verilog
    used : cells of each resource, by what it is for people
    """

    sources: str
    used: dict[str, int]
    megahertz: float
    cycles: float


@dataclass(frozen=True)
class Compared:
    """A resource, the cycles or the clock: the forecast, what it came to, and the share it may be
    wrong by."""

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


def compare(plan: Plan, found: Measured) -> Iterator[Compared]:
    """Forecast and measurement of a plan; flip-flops are shown, and not bounded."""
    assert plan.chip is not None and plan.forecast is not None
    family, brand = plan.chip.family, plan.chip.name.split("-")[0]

    def within(name: str | None, share: float) -> float:
        free = name == family.registers or (brand, name) in UNBOUNDED
        return float("inf") if free else share

    for bel, (words, needed, _, _) in zip(
            [bel for bel in (family.logic, family.registers, family.blocks, family.multipliers)
             if bel], plan.chip.resources(plan.forecast.cost), strict=True):
        share = within(bel, CELLS if bel == family.logic else 0.0)
        yield Compared(words, round(needed), found.used[words], share)
    yield Compared("cycles/inf.", plan.forecast.cycles, found.cycles, CYCLES)
    yield Compared("MHz", plan.chip.likely_clock(
        plan.forecast.cost, plan.schedule.all_pipelined), found.megahertz, within("MHz", CLOCK))


def _built(case: Case, examples: Path, folder: Path) -> Built:
    from bsnn_hw.ir.schedule import Port
    from bsnn_hw.pipeline import Request, build
    from bsnn_hw.planning.goal import parse_goal

    return build(Request(examples / f"{case.example}.pt", folder / "bundle", target=case.target,
                         goal=parse_goal(case.goal), clock=case.clock, vectors=IMAGES,
                         port=Port(case.port)))


def _measured(case: Case, built: Built, examples: Path) -> Measured:
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.synthesis.flow import Request, measure

    return measured(measure(Request(built.request.out, find_target(case.target),
                                    pins=examples / case.pins if case.pins else None)))


def measured(figures: Figures) -> Measured:
    """What of a synthesis is compared."""
    return Measured(figures.sources,
                    {each.words: figures.used(each) for each in figures.target.resources},
                    figures.best.megahertz, figures.cycles)


class Memory:
    """A file of what was measured, a line each; in none, nothing is remembered."""

    def __init__(self, path: Path | None):
        self._path, self._known = path, {}
        if path is not None and path.exists():
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            self._known = {Case(**each["case"]): Measured(**each["found"]) for each in lines}

    def of(self, case: Case, sources: str) -> Measured | None:
        """What was found of that very Verilog."""
        found: Measured | None = self._known.get(case)
        return found if found and found.sources == sources else None

    def keep(self, case: Case, found: Measured) -> None:
        """Remember it."""
        if self._path is not None:
            line: dict[str, Any] = {"case": asdict(case), "found": asdict(found)}
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def _found(case: Case, memory: Memory,
           options: argparse.Namespace) -> tuple[Plan, Measured | None]:
    """A plan and what it came to; None where that is not known and nothing is to be placed."""
    from bsnn_hw.synthesis.report import sources_digest

    with scratch_folder() as scratch:
        built = _built(case, options.examples, scratch)
        found = memory.of(case, sources_digest(built.design.verilog.paths))
        if found is None and not options.no_placing:
            found = _measured(case, built, options.examples)
            memory.keep(case, found)
    return built.planned.plan, found


def _row(case: Case, plan: Plan, each: Compared) -> list[str]:
    layers = plan.schedule.layers
    return [*case.words, ",".join(str(layer.lanes) for layer in layers),
            ",".join(str(layer.parallel) for layer in layers), each.words,
            f"{each.forecast:,.1f}", f"{each.found:,.1f}", f"{each.ratio:.3f}"]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table

    cases = [case for case in PLANS
             if options.target is None or case.target.startswith(options.target)]
    memory = Memory(options.measured)
    rows = [["example", "part", "goal", "lanes", "parallel", "resource", "forecast", "found",
             "ratio"]]
    wrong, placed = [], []
    for case in cases:
        plan, found = _found(case, memory, options)
        if found is None:
            continue
        placed.append(case)
        for each in compare(plan, found):
            rows.append(_row(case, plan, each))
            wrong += [] if each.right else [f"{' '.join(case.words)}: {each.words}"]
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if left_out := [" ".join(case.words) for case in cases if case not in placed]:
        print(f"not placed: {'; '.join(left_out)}")
    if wrong:
        raise BsnnError(f"forecasts: must be within {CELLS:.0%} in logic cells, {CLOCK:.0%} in the "
                        f"clock, {CYCLES:.0%} in cycles and exact in the rest, but are not for "
                        f"{'; '.join(wrong)}")
    print(f"{len(placed)} plans of {len({case.target.split('-')[0] for case in placed})} families "
          f"as forecast")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.predictions",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--examples", type=Path, default=Path("examples"),
                        help="folder of the examples (default: examples)")
    parser.add_argument("--target", metavar="PREFIX", help="only parts that begin so")
    parser.add_argument("--measured", metavar="FILE", type=Path,
                        help="lines of what was placed, read and added to: a run goes on where "
                             "another was cut off; other Verilog is placed again")
    parser.add_argument("--no-placing", action="store_true",
                        help="only plans that FILE has; how many are left out is said")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
