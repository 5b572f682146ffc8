"""Which plan is asked for: what options and a plan file say together, and the plan that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.devices.chips import NOMINAL, Chip, find_chip
from bsnn_hw.engines.registry import find_engine
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Rows, Schedule, Stores
from bsnn_hw.planning.activity import Activity, port_of
from bsnn_hw.planning.default import default_plan, default_schedule
from bsnn_hw.planning.goal import Goal, Objective, parse_goal
from bsnn_hw.planning.plan import Plan, choose, look_at
from bsnn_hw.planning.plan_file import PlanFile, read_plan
from bsnn_hw.planning.schedule import engine_problems, make_schedule
from bsnn_hw.planning.stores import with_memories

__all__ = ["PlanOptions", "PlanRequest", "asked_engines", "make_plan", "reconcile"]


@dataclass(frozen=True)
class PlanOptions:
    """What a user says of the plan; None where the program chooses.

    target : part to plan for
    goal : what the plan is to be good at, a Goal or ``"smallest"``, ``"fastest"``, ``"fps=N"``;
        with ``target``
    clock : MHz that it counts on, with ``target``
    plan : Path of a plan file, without ``lanes`` and ``parallel``
    lanes, parallel : one count per layer, the readout last
    engine : an engine or None per layer, or a single one for all
    block_rows : from how many rows on memories lie in block RAM
    units : bool, neurons may step in units of their own where the program chooses the plan
    """

    target: str | None = None
    goal: Goal | str | None = None
    clock: float | None = None
    plan: Path | None = None
    lanes: Sequence[int] | None = None
    parallel: Sequence[int] | None = None
    engine: Sequence[Engine | None] | None = None
    block_rows: Rows | None = None
    units: bool = False


@dataclass(frozen=True)
class PlanRequest:
    """Options and plan file together, without contradiction.

    chip, goal, clock, rows : None where nothing is said
    file : PlanFile, where it gives the layers
    """

    chip: Chip | None = None
    goal: Goal | None = None
    clock: float | None = None
    rows: Rows | None = None
    engines: Sequence[Engine | None] | None = None
    file: PlanFile | None = None
    lanes: Sequence[int] | None = None
    parallel: Sequence[int] | None = None
    units: bool = False


def reconcile(options: PlanOptions) -> PlanRequest:
    """Options before what their plan file says.

    Raises
    ------
    InputError
        The file cannot be read, a name is not known, or options contradict each other.
    """
    file = read_plan(options.plan) if options.plan else None
    given = file is not None and bool(file.layers)
    counts = options.lanes is not None or options.parallel is not None
    target = options.target or (file.target if file else None)
    asked = parse_goal(options.goal) if isinstance(options.goal, str) else options.goal
    goal = asked or (file.goal if file and not given else None)
    clock = options.clock or (file.clock if file else None)
    if options.plan and counts:
        raise InputError(f"`plan`: must stand without `lanes` and `parallel`; write them into "
                         f"{options.plan}")
    if options.engine and given:
        raise InputError(f"`engine`: must stand without a plan, but {options.plan} gives one")
    if options.units and (given or counts):
        what = f"{options.plan} gives one" if given else "`lanes` and `parallel` give one"
        raise InputError(f"`units`: must stand without a plan, but {what}; write units of a layer "
                         "into a plan file")
    if options.goal and (given or counts):
        what = f"{options.plan} gives" if given else "`lanes` and `parallel` give"
        raise InputError(f"`goal`: must stand without a plan, but {what} one")
    for name, value in (("goal", goal), ("clock", clock)):
        if value is not None and target is None:
            raise InputError(f"`{name}`: must come with `target`, the part to plan for")
    return PlanRequest(find_chip(target) if target else None, goal, clock,
                       options.block_rows or (file.rows if file and not given else None),
                       options.engine,
                       file if given else None, options.lanes, options.parallel,
                       options.units)


def make_plan(network: Network, activity: Activity, request: PlanRequest) -> Plan:
    """The plan that is given, or the best for the part, or where none is named the default.

    Raises
    ------
    InputError
        The network cannot have what is given, or no plan fits the part.
    """
    chip = request.chip
    usual = (chip or NOMINAL).family.pipelined
    if request.file is not None:
        schedule = request.file.schedule(network, usual)
    elif request.lanes is None and request.parallel is None:
        engines = asked_engines(network, request.engines)
        if chip is None:
            return default_plan(network, activity, rows=request.rows, engines=engines,
                                units=request.units)
        return choose(network, activity, chip, request.goal or Goal(Objective.SMALLEST),
                      request.clock, request.rows, engines, request.units)
    else:
        schedule = _completed(request, network, activity).pipelined(usual)
    chosen = with_memories(network, schedule, chip or NOMINAL, port_of(activity))
    said: list[Rows | Stores | None] = (request.file.memories(network) if request.file else
                                        [None] * len(schedule.layers))
    schedule = schedule.placed(*(request.rows or each or plan.memories for each, plan in
                                 zip(said, chosen.layers, strict=True)))
    return look_at(network, schedule, activity, chip, request.clock) if chip else Plan(schedule)


def _completed(request: PlanRequest, network: Network, activity: Activity) -> Schedule:
    """The schedule that the options give, completed by the default where they give none."""
    asked = asked_engines(network, request.engines)
    if request.lanes is not None and request.parallel is not None:
        return make_schedule(network, request.lanes, request.parallel,
                             [engine or Engine.EVENTS for engine in asked])
    chosen = default_schedule(network, activity, engines=asked)
    # Lanes that are asked for are of events, unless words are asked for too.
    engines = [engine or (layer.engine if request.lanes is None else Engine.EVENTS)
               for engine, layer in zip(asked, chosen.layers, strict=True)]
    defaults = [layer.parallel for layer in chosen.layers]
    parallel = request.parallel or defaults
    # Default lanes give way to the parallel neurons that are asked for.
    widths = [*parallel, *defaults[len(parallel):]]
    lanes = request.lanes or [
        find_engine(network, number, engines[number]).fitting_lanes(network, number, layer.lanes,
                                                                    widths)
        for number, layer in enumerate(chosen.layers)]
    return make_schedule(network, lanes, parallel, engines)


def asked_engines(network: Network,
                  engines: Sequence[Engine | None] | None) -> tuple[Engine | None, ...]:
    """An engine or None for each layer.

    Raises
    ------
    InputError
        There are too few or too many, or a layer cannot have what it is given.
    """
    layers = network.layers
    asked = tuple(engines or (None,))
    if len(asked) == 1:
        asked *= len(layers)
    if len(asked) != len(layers):
        raise InputError(f"engine: must be one for all layers or one per layer, {len(layers)} "
                         f"({', '.join(layer.name for layer in layers)}), not {len(asked)}")
    if problems := list(engine_problems(network, asked)):
        raise InputError("\n".join(problems))
    return asked
