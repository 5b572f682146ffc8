"""The stages, in order: a trained file to RTL that is shown to compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bsnn_hw.emission.bundle import check_target, write_bundle
from bsnn_hw.emission.design import Design
from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.schedule import BLOCK_ROWS, Schedule
from bsnn_hw.lowering.lower import Lowered, PrecisionRequest, lower
from bsnn_hw.model.description import Model
from bsnn_hw.model.format import describe, read
from bsnn_hw.planning.activity import Activity, measure_activity
from bsnn_hw.planning.choice import default_schedule
from bsnn_hw.planning.schedule import make_schedule, most_lanes
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
    vectors: int = 32
    data: str | None = None
    data_dir: Path | None = None
    top: str | None = None
    port: Port = Port.EVENTS
    block_rows: Sequence[int] = (BLOCK_ROWS, BLOCK_ROWS)


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
    state, constants = request.block_rows
    schedule = replace(plan(request, lowered, activity), block_rows=state,
                       constant_rows=constants)
    design = write_bundle(lowered.network, schedule, samples.test[: request.vectors], request.out,
                          force=request.force, top=request.top,
                          trained_on=trained_on, port=request.port)
    return Built(request, model, samples, lowered, activity, design)


def plan(request: Request, lowered: Lowered, activity: Activity) -> Schedule:
    """The schedule that the request gives, completed by the default where it gives none."""
    chosen = default_schedule(lowered.network, activity)
    if request.lanes is None and request.parallel is None:
        return chosen
    defaults = [layer.parallel for layer in chosen.layers]
    parallel = request.parallel or defaults
    # Default lanes give way to the parallel neurons that are asked for.
    widths = [*parallel, *defaults[len(parallel):]]
    lanes = request.lanes or [min(layer.lanes, most_lanes(lowered.network, number, widths)[0])
                              for number, layer in enumerate(chosen.layers)]
    return make_schedule(lowered.network, lanes, parallel)
