"""The stages, in order: a trained file to RTL that is shown to compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bsnn_hw.emission.bundle import check_target, write_bundle
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import InputError
from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Schedule
from bsnn_hw.lowering.lower import Lowered, PrecisionRequest, lower
from bsnn_hw.model.description import Model
from bsnn_hw.model.format import describe, read
from bsnn_hw.planning.activity import Activity, measure_activity
from bsnn_hw.planning.chips import Chip, find_chip
from bsnn_hw.planning.choice import default_schedule
from bsnn_hw.planning.goal import Aim, Goal
from bsnn_hw.planning.parts import Rows
from bsnn_hw.planning.plan import Plan, choose, look_at
from bsnn_hw.planning.plan_file import PlanFile, read_plan
from bsnn_hw.planning.schedule import engine_problems, make_schedule, most_lanes
from bsnn_hw.planning.words import fitting_lanes
from bsnn_hw.reference.network import run
from bsnn_hw.samples import Samples, affordable, dataset_of, find_samples, shape_of

__all__ = ["Built", "Planned", "Request", "build", "prepare"]

CALIBRATION_SAMPLES = 512


@dataclass(frozen=True)
class Request:
    """What a user asks for; None means that the program chooses.

    model : Path of the model file; out : Path of the folder to write
    vectors : int, test vectors in the bundle
    lanes, parallel : one count per layer, the readout last
    target : part to plan for; goal : what the plan is to be good at; clock : MHz
    plan : Path of a plan file, which lanes, parallel and goal cannot go with
    engines : an engine or None per layer, or a single one for all
    data, data_dir : see ``samples.find_samples``
    port : Port, of the top level
    block_rows : ``block_rows`` and ``constant_rows`` of ``Schedule``
    """

    model: Path
    out: Path
    force: bool = False
    precision: PrecisionRequest = field(default_factory=PrecisionRequest)
    lanes: Sequence[int] | None = None
    parallel: Sequence[int] | None = None
    target: str | None = None
    goal: Goal | None = None
    clock: float | None = None
    plan: Path | None = None
    engines: Sequence[Engine | None] | None = None
    vectors: int = 32
    data: str | None = None
    data_dir: Path | None = None
    top: str | None = None
    port: Port = Port.EVENTS
    block_rows: Sequence[int] | None = None


@dataclass(frozen=True)
class Planned:
    """What the stages before the Verilog made; ``request`` is what was asked for."""

    request: Request
    model: Model
    trained_on: str | None
    samples: Samples
    lowered: Lowered
    activity: Activity
    plan: Plan


@dataclass(frozen=True)
class Built:
    """Everything that the stages made."""

    planned: Planned
    design: Design

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.planned.request


def build(request: Request) -> Built:
    """Turn a trained model into a bundle under ``request.out``.

    Raises
    ------
    BsnnError
        What the user can mend; nothing is left behind.
    """
    check_target(request.out, request.force)
    planned = prepare(request)
    network = planned.lowered.network
    design = write_bundle(network, planned.plan.schedule,
                          planned.samples.test[: request.vectors], request.out,
                          force=request.force, top=request.top, trained_on=planned.trained_on,
                          plan=planned.plan.toml(network), port=request.port)
    return Built(planned, design)


def prepare(request: Request) -> Planned:
    """Everything up to the plan; nothing is written.

    Raises
    ------
    BsnnError
        What the user can mend.
    """
    wanted = wish(request)
    document = read(request.model)
    model = describe(document, str(request.model))
    trained_on = dataset_of(document)
    samples = find_samples(shape_of(model), trained_on, request.model.parent,
                           data=request.data, data_dir=request.data_dir)

    calibration = samples.calibration[:affordable(model, CALIBRATION_SAMPLES)]
    lowered = lower(model, calibration, request.precision)
    trace = run(lowered.network, calibration, potentials=False)
    activity = measure_activity(lowered.network, calibration, trace, request.port)
    return Planned(request, model, trained_on, samples, lowered, activity,
                   plan(wanted, lowered.network, activity))


@dataclass(frozen=True)
class Wish:
    """What a request and its plan file say together.

    chip, goal, clock : None where nothing is said
    file : PlanFile, where it gives the layers
    rows : of ``Schedule``, from which on memories are in block RAM
    engines : an engine or None per layer, or one for all
    """

    chip: Chip | None
    goal: Goal | None
    clock: float | None
    rows: Rows | None
    engines: Sequence[Engine | None] | None
    file: PlanFile | None
    lanes: Sequence[int] | None
    parallel: Sequence[int] | None


def wish(request: Request) -> Wish:
    """Options before what the plan file says.

    Raises
    ------
    InputError
        The file cannot be read, a name is not known, or options contradict each other.
    """
    file = read_plan(request.plan) if request.plan else None
    given = file is not None and bool(file.layers)
    counts = request.lanes is not None or request.parallel is not None
    target = request.target or (file.target if file else None)
    goal = request.goal or (file.goal if file and not given else None)
    clock = request.clock or (file.clock if file else None)
    if request.plan and counts:
        raise InputError(f"--plan: must stand without --lanes and --parallel; write them into "
                         f"{request.plan}")
    if request.engines and given:
        raise InputError(f"--engine: must stand without a plan, but {request.plan} gives one")
    if request.goal and (given or counts):
        what = f"{request.plan} gives" if given else "--lanes and --parallel give"
        raise InputError(f"--goal: must stand without a plan, but {what} one")
    for name, value in (("--goal", goal), ("--clock", clock)):
        if value is not None and target is None:
            raise InputError(f"{name}: must come with --target, the part to plan for")
    rows = Rows(*request.block_rows) if request.block_rows else (file.rows if file else None)
    return Wish(find_chip(target) if target else None, goal, clock, rows, request.engines,
                file if given else None, request.lanes, request.parallel)


def plan(wanted: Wish, network: Network, activity: Activity) -> Plan:
    """The plan that is given, or the best for the part, or where none is named the default."""
    chip = wanted.chip
    if wanted.file is not None:
        schedule = wanted.file.schedule(network)
    elif wanted.lanes is None and wanted.parallel is None and chip is not None:
        return choose(network, activity, chip, wanted.goal or Goal(Aim.SMALLEST), wanted.clock,
                      wanted.rows, asked_engines(network, wanted.engines))
    else:
        schedule = _completed(wanted, network, activity)
    rows = wanted.rows or (chip.family.rows[0] if chip else Rows())
    schedule = replace(schedule, block_rows=rows.state, constant_rows=rows.constants)
    return look_at(network, schedule, activity, chip, wanted.clock) if chip else Plan(schedule)


def _completed(wanted: Wish, network: Network, activity: Activity) -> Schedule:
    """The schedule that the options give, completed by the default where they give none."""
    asked = asked_engines(network, wanted.engines)
    chosen = default_schedule(network, activity, engines=asked)
    if wanted.lanes is None and wanted.parallel is None:
        return chosen
    # Lanes that are asked for are of events, unless words are asked for too.
    engines = [engine or (layer.engine if wanted.lanes is None else Engine.EVENTS)
               for engine, layer in zip(asked, chosen.layers, strict=True)]
    defaults = [layer.parallel for layer in chosen.layers]
    parallel = wanted.parallel or defaults
    # Default lanes give way to the parallel neurons that are asked for.
    widths = [*parallel, *defaults[len(parallel):]]
    lanes = wanted.lanes or [
        fitting_lanes(network, number, layer.lanes, widths) if engines[number] is Engine.WORDS
        else min(layer.lanes, most_lanes(network, number, widths)[0])
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
