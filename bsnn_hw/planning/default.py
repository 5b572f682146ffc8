"""The plan that is taken where the user names no part: few cells, all layers about equally busy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bsnn_hw.devices.chips import NOMINAL, nominal_chip
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Rows, Schedule
from bsnn_hw.planning.activity import Activity
from bsnn_hw.planning.plan import Plan, engine_notes
from bsnn_hw.planning.search import Candidate, Search

__all__ = ["CYCLE_GOAL", "default_plan", "default_schedule"]

# Cycles per inference that the default aims at; 240,000 inferences a second at 120 MHz.
CYCLE_GOAL = 500


def default_plan(network: Network, activity: Activity, goal: float = CYCLE_GOAL,
                 rows: Rows | None = None, engines: Sequence[Engine | None] = (),
                 units: bool = False) -> Plan:
    """The plan with the fewest cells within ``goal`` cycles per inference, on a nominal part.

    The goal doubles until a plan fits; where none does, the part becomes twice as large.

    activity : of calibration samples
    rows : from which on memories are in block RAM; None where each is weighed
    engines : one per layer, or None where all are weighed
    units : bool, whether neurons may have units of their own
    """
    search, scale = Search(network, activity, NOMINAL, rows, engines, units), 1
    while (found := _fitting(search, goal)) is None:
        scale *= 2
        search = replace(search, chip=nominal_chip(scale), known=search.space)
    return Plan(found.schedule, notes=tuple(engine_notes(search, found)))


def _fitting(search: Search, goal: float) -> Candidate | None:
    slowest = float(search.limits()[-1])
    while (found := search.fitting(goal)) is None and goal < slowest:
        goal *= 2
    return found


def default_schedule(network: Network, activity: Activity, goal: float = CYCLE_GOAL,
                     engines: Sequence[Engine | None] = ()) -> Schedule:
    """The schedule of ``default_plan``."""
    return default_plan(network, activity, goal, engines=engines).schedule
