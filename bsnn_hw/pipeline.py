"""The stages, in order: a trained file to RTL that is shown to compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bsnn_hw.emission.bundle import check_target, write_bundle
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Schedule
from bsnn_hw.lowering.lower import Lowered, PrecisionRequest, lower
from bsnn_hw.model.description import Model
from bsnn_hw.model.format import describe, read
from bsnn_hw.planning.activity import Activity, measure_activity
from bsnn_hw.planning.choice import default_schedule
from bsnn_hw.planning.schedule import engine_problems, make_schedule, most_lanes
from bsnn_hw.planning.words import fitting_lanes
from bsnn_hw.reference.network import run
from bsnn_hw.samples import Samples, affordable, dataset_of, find_samples, shape_of

__all__ = ["Built", "Request", "build"]

CALIBRATION_SAMPLES = 512


@dataclass(frozen=True)
class Request:
    """What a user asks for; None means that the program chooses.

    model : Path of the model file; out : Path of the folder to write
    vectors : int, test vectors in the bundle
    lanes, parallel : one count per layer, the readout last
    engines : an engine or None per layer, or a single one for all
    data, data_dir : see ``samples.find_samples``
    """

    model: Path
    out: Path
    force: bool = False
    precision: PrecisionRequest = field(default_factory=PrecisionRequest)
    lanes: Sequence[int] | None = None
    parallel: Sequence[int] | None = None
    engines: Sequence[Engine | None] | None = None
    vectors: int = 32
    data: str | None = None
    data_dir: Path | None = None
    top: str | None = None


@dataclass(frozen=True)
class Built:
    """Everything that the stages made; ``request`` is what was asked for."""

    request: Request
    model: Model
    samples: Samples
    lowered: Lowered
    activity: Activity
    design: Design


def build(request: Request) -> Built:
    """Turn a trained model into a bundle under ``request.out``.

    Raises
    ------
    BsnnError
        What the user can mend; nothing is left behind.
    """
    check_target(request.out, request.force)
    document = read(request.model)
    model = describe(document, str(request.model))
    trained_on = dataset_of(document)
    samples = find_samples(shape_of(model), trained_on, request.model.parent,
                           data=request.data, data_dir=request.data_dir)

    calibration = samples.calibration[:affordable(model, CALIBRATION_SAMPLES)]
    lowered = lower(model, calibration, request.precision)
    trace = run(lowered.network, calibration, potentials=False)
    activity = measure_activity(lowered.network, calibration, trace)
    schedule = plan(request, lowered, activity)
    design = write_bundle(lowered.network, schedule, samples.test[: request.vectors], request.out,
                          force=request.force, top=request.top,
                          trained_on=trained_on)
    return Built(request, model, samples, lowered, activity, design)


def plan(request: Request, lowered: Lowered, activity: Activity) -> Schedule:
    """The schedule that the request gives, completed by the default where it gives none."""
    network = lowered.network
    asked = asked_engines(network, request.engines)
    chosen = default_schedule(network, activity, engines=asked)
    if request.lanes is None and request.parallel is None:
        return chosen
    # Lanes that are asked for are of events, unless words are asked for too.
    engines = [engine or (layer.engine if request.lanes is None else Engine.EVENTS)
               for engine, layer in zip(asked, chosen.layers, strict=True)]
    defaults = [layer.parallel for layer in chosen.layers]
    parallel = request.parallel or defaults
    # Default lanes give way to the parallel neurons that are asked for.
    widths = [*parallel, *defaults[len(parallel):]]
    lanes = request.lanes or [
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
