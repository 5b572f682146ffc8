"""The plan of a network for a part: chosen among all, or looked at as it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bsnn_hw.devices.chips import CHIPS, Chip, Excess
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Rows, Schedule
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.cycles import least_bound
from bsnn_hw.planning.forecast import Forecast, forecast
from bsnn_hw.planning.goal import Goal, Objective
from bsnn_hw.planning.plan_file import plan_toml
from bsnn_hw.planning.search import Candidate, Search
from bsnn_hw.planning.throughput import throughput

__all__ = ["Alternative", "Plan", "choose", "engine_notes", "largest_taker", "look_at"]

SHOWN = 4  # alternatives of each kind, faster and slower ones
ATTEMPTS = 6  # to meet a rate that waiting misses
# The most per second is sought from the fewest cycles on, in so many steps: no clock falls by more.
FINER, SLOWER = 1.1, 10
WALKED = 4  # of these through the pipeline
DIFFERENT = 1.4  # times the cycles from one alternative that is shown to the next, at least


@dataclass(frozen=True)
class Alternative:
    """A plan that was weighed; ``excess`` is empty where it fits.

    clock : MHz that it counts on
    """

    schedule: Schedule
    forecast: Forecast
    excess: tuple[Excess, ...]
    clock: float

    @property
    def speed(self) -> float:
        """Inferences per second."""
        return self.forecast.speed(self.clock)


@dataclass(frozen=True)
class Plan:
    """A schedule, and for which part, to what end and with what forecast it was made.

    chip, forecast : None where no part was named
    clock : MHz; None where no part was named
    goal : None where the schedule was given
    notes : what the other engine would take, a line for each layer that could have it; of a plan
        that was searched for
    alternatives : ascending in cycles, the chosen one among them
    """

    schedule: Schedule
    chip: Chip | None = None
    goal: Goal | None = None
    clock: float | None = None
    forecast: Forecast | None = None
    alternatives: tuple[Alternative, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def excess(self) -> list[Excess]:
        """What the part has too little of."""
        if self.chip is None or self.forecast is None:
            return []
        return self.chip.excess(self.forecast.cost)

    def toml(self, network: Network) -> str:
        """As a file, the forecast in comments."""
        notes: tuple[str, ...] = ()
        if self.chip and self.forecast and self.clock:
            used = ", ".join(f"{round(used):,} {words}" for words, used, _, _ in
                             self.chip.resources(self.forecast.cost))
            notes = (f"forecast: {used}",
                     f"forecast: {self.forecast.cycles:,.1f} cycles per inference, "
                     f"{self.forecast.speed(self.clock):,.0f} inferences per second")
        return plan_toml(network, self.schedule, target=self.chip.name if self.chip else None,
                         goal=self.goal, clock=self.clock, notes=notes)


def look_at(network: Network, schedule: Schedule, activity: Activity, chip: Chip,
            clock: float | None) -> Plan:
    """A schedule that is given, with its forecast; it need not fit."""
    seen = forecast(network, schedule, activity, chip.family)
    counted = clock or chip.counted_clock(seen.cost, schedule.all_pipelined)
    return Plan(schedule, chip, None, counted, seen)


def choose(network: Network, activity: Activity, chip: Chip, goal: Goal,
           clock: float | None = None, rows: Rows | None = None,
           engines: Sequence[Engine | None] = (), units: bool = False) -> Plan:
    """The best plan for ``goal`` that fits ``chip``.

    rows : from which on memories are in block RAM; None where each is weighed
    engines : one per layer, or None where all are weighed
    units : bool, whether neurons may have units of their own

    Raises
    ------
    InputError
        None does; says by how much, what the problem is, and which part would do.
    """
    search = Search(network, activity, chip, rows, engines, units)
    found = _find(search, goal, clock)
    if found is None:
        raise InputError(_refusal(search, goal, clock))
    chosen = _look(search, found, clock)
    weighed = sorted([*_alternatives(search, found, clock), chosen],
                     key=lambda each: (each.forecast.cycles, each.forecast.cost.cells))
    return Plan(found.schedule, chip, goal, chosen.clock, chosen.forecast, tuple(weighed),
                tuple(engine_notes(search, found)))


def _look(search: Search, candidate: Candidate, asked: float | None) -> Alternative:
    chip = search.chip
    seen = forecast(search.network, candidate.schedule, search.activity, chip.family)
    return Alternative(candidate.schedule, seen, tuple(chip.excess(seen.cost)),
                       asked or chip.counted_clock(seen.cost))


def _find(search: Search, goal: Goal, asked: float | None) -> Candidate | None:
    """asked : MHz, None where each plan counts on its own"""
    if goal.objective is Objective.SMALLEST:
        return search.fitting(float("inf"))
    if goal.objective is Objective.FASTEST:
        return _fastest(search, asked)
    limit = (asked or search.chip.clock) * 1e6 / goal.rate
    for _ in range(ATTEMPTS):
        found = search.fitting(limit)
        if found is None:
            break
        # The search counts on single layers, and not on what their size does to the clock.
        short = goal.rate / _speed(search, found, asked)
        if short <= 1:
            return found
        limit *= min(0.98, 1 / short)
    fastest = _fastest(search, asked)
    if fastest is None or _speed(search, fastest, asked) < goal.rate:
        return None
    return fastest


def _fastest(search: Search, asked: float | None) -> Candidate | None:
    """Of the plans that fit the one with the most inferences per second, at its likely clock where
    none is asked for; a few of the best are walked through the pipeline."""
    fastest = search.fastest()
    if fastest is None:
        return None
    limits = fastest.cycles * FINER ** np.arange(SLOWER)
    found = {each.schedule: each for limit in limits
             for each in [search.fitting(float(limit) * (1 + 1e-9))] if each is not None}

    def speed(cycles: float, candidate: Candidate) -> float:
        return (asked or search.chip.likely_clock(candidate.cost)) / cycles

    best = sorted(found.values(), key=lambda each: -speed(each.cycles, each))[:WALKED]
    return max(best, key=lambda each: speed(_cycles(search, each), each))


def _speed(search: Search, candidate: Candidate, asked: float | None) -> float:
    """Inferences per second."""
    clock = asked or search.chip.counted_clock(candidate.cost)
    return clock * 1e6 / _cycles(search, candidate)


def _cycles(search: Search, candidate: Candidate) -> float:
    """Of the whole pipeline, on all samples."""
    return throughput(search.network, candidate.schedule, search.activity).cycles


def _alternatives(search: Search, chosen: Candidate,
                  asked: float | None) -> Iterator[Alternative]:
    """A few faster and a few slower plans, each with the fewest cells for its cycles."""
    front = [each for each in search.front() if each.schedule != chosen.schedule]
    slower = [each for each in front if each.cycles > chosen.cycles]
    faster = [each for each in front if each.cycles < chosen.cycles][::-1]
    for side in (faster, slower):
        for each in _spaced(side, chosen):
            yield _look(search, each, asked)


def _spaced(side: list[Candidate], chosen: Candidate) -> list[Candidate]:
    kept: list[Candidate] = []
    last = chosen
    for each in side:
        apart = max(each.cycles / last.cycles, last.cycles / each.cycles)
        if apart >= DIFFERENT and len(kept) < SHOWN:
            kept.append(each)
            last = each
    return kept


def engine_notes(search: Search, chosen: Candidate) -> Iterator[str]:
    """Per layer that could have another engine, why it has what it has."""
    network, unit = search.network, search.chip.words(search.chip.family.logic)
    for number, (own, others) in search.rivals(chosen).items():
        name, plan = network.layers[number].name, chosen.schedule.layers[number]
        lines = [f"layer {name} takes {plan.engine.value}, {own[1]:,.1f} cycles and "
                 f"{own[0]:,.0f} {unit}"]
        for kind, other in others.items():
            lines.append(f"{kind.value} within {chosen.cycles:,.1f} cycles would take "
                         f"{other[1]:,.1f} and {other[0]:,.0f}" if other else
                         f"{kind.value} would take more cycles than {chosen.cycles:,.1f}")
        yield "; ".join(lines)


def _refusal(search: Search, goal: Goal, asked: float | None) -> str:
    """asked : MHz, None where every part has its own"""
    chip = search.chip
    bound = least_bound(search.network, search.activity)
    other = next((each for each in _larger(chip)
                  if _would_do(search, each, goal, asked, bound)), None)
    advice = (f"take `target` {other.name}, the smallest of the listed parts that would do" if other
              else "no listed part would do")
    best = _fastest(search, asked)
    if goal.objective is Objective.RATE and best is not None:
        seen = forecast(search.network, best.schedule, search.activity, chip.family)
        clock = asked or chip.counted_clock(seen.cost)
        slowest = max(range(len(seen.layers)), key=lambda number: seen.layer_cycles[number])
        return (f"`goal`: {goal} must be reached on {chip.name} at {clock:g} MHz, but the fastest "
                f"plan that fits makes {seen.speed(clock):,.0f} inferences per second, "
                f"{seen.cycles:,.1f} cycles each; layer "
                f"'{search.network.layers[slowest].name}' takes the most; {advice}")
    least = search.least_excess()
    seen = forecast(search.network, least.schedule, search.activity, chip.family)
    excess = chip.excess(seen.cost) or chip.excess(least.cost)
    worst = max(excess, key=lambda each: each.needed / max(1, each.there))
    return (f"{chip.name}: a plan must fit, and none does; the one that comes nearest needs "
            f"{' and '.join(map(str, excess))}; "
            f"{largest_taker(search.network, chip, seen, worst.words)}; {advice}")


def largest_taker(network: Network, chip: Chip, seen: Forecast, words: str) -> str:
    """Which layer takes the most of a resource, and how much."""
    shares = [next((used for each, used, _, _ in chip.resources(cost) if each == words), 0.0)
              for cost in seen.layers]
    layer = max(range(len(shares)), key=shares.__getitem__)
    return (f"layer '{network.layers[layer].name}' takes the most {words}, "
            f"{round(shares[layer]):,}")


def _larger(chip: Chip) -> list[Chip]:
    """Other parts, those of the same family first, the smallest first."""
    others = [each for each in CHIPS if each != chip]
    return sorted(others, key=lambda each: (each.family is not chip.family,
                                            each.capacity(each.family.logic)))


def _would_do(search: Search, other: Chip, goal: Goal, asked: float | None,
              bound: float) -> bool:
    if goal.objective is Objective.RATE and (asked or other.clock) * 1e6 / goal.rate < bound:
        return False  # on no part, which needs no search
    known = search.space if other.family is search.chip.family else None
    elsewhere = Search(search.network, search.activity, other, search.rows, search.engines,
                       search.units, known)
    return _find(elsewhere, goal, asked) is not None
