"""The stages, in order: a trained file to RTL that is shown to compute the same.

``load`` → Model, ``lower`` → Lowered, ``plan`` → Plan, ``layout`` → Layout, ``emit`` → Design,
``verify`` → Outcome;
``generate`` is all of them up to the folder.  These are the functions of ``import bsnn_hw``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import bsnn_hw.notebook  # noqa: F401, results show themselves as tables
from bsnn_hw.emission.bundle import check_target, write_bundle
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.memories import Memories
from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.emission.vectors import read_inputs, read_resets
from bsnn_hw.ir.schedule import Port
from bsnn_hw.layout.build import Layout, build_layout
from bsnn_hw.lowering import lower as lowering
from bsnn_hw.lowering.lower import Lowered, PrecisionRequest
from bsnn_hw.model.description import Model
from bsnn_hw.model.format import describe, read
from bsnn_hw.planning.activity import Activity, measure_activity
from bsnn_hw.planning.plan import Plan
from bsnn_hw.planning.request import PlanOptions, make_plan, reconcile
from bsnn_hw.progress import step
from bsnn_hw.reference.network import run
from bsnn_hw.request import Request
from bsnn_hw.samples import Samples, affordable, dataset_of, find_samples, fit, shape_of
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.verification.native import Outcome, build_model, verify_native

__all__ = ["Built", "Planned", "Request", "build", "emit", "generate", "layout", "load", "lower",
           "plan", "prepare", "verify"]

CALIBRATION_SAMPLES = 512


def load(path: Path | str, document: dict[str, Any] | None = None) -> Model:
    """The checked description of the network in a model file, ``.pt`` or ``.safetensors``.

    document : what the file says, where it is of another kind

    Raises
    ------
    InputError
        It cannot be read, or says something that cannot be matched; all problems are named.
    """
    path = Path(path)
    document = read(path) if document is None else document
    return replace(describe(document, str(path)), file=path, trained_on=dataset_of(document))


def samples_of(model: Model, *, data: str | None = None,
               data_dir: Path | None = None) -> Samples:
    """Samples to choose precision on and to test with: those of ``data``, else of what the model
    was trained on, else random ones; see ``samples.find_samples``."""
    return find_samples(shape_of(model), model.trained_on, (model.file or Path()).parent,
                        data=data, data_dir=data_dir)


def lower(model: Model, samples: Samples | np.ndarray | None = None,
          precision: PrecisionRequest | None = None) -> Lowered:
    """The integer network of ``model``, as precise as ``samples`` need.

    Parameters
    ----------
    samples : Samples, or integers of shape (N, size) for direct coding and (N, T, size) for events
        None for those that are found, see `samples_of`.

    Raises
    ------
    InputError
        Samples do not fit the model, or it cannot be said in integers of the asked precision.
    """
    if samples is None:
        samples = samples_of(model)
    calibration = samples if isinstance(samples, np.ndarray) else samples.calibration
    calibration = calibration[:affordable(model, CALIBRATION_SAMPLES)]
    return replace(lowering.lower(model, calibration, precision), model=model,
                   calibration=calibration)


def plan(lowered: Lowered, *, port: Port | str = Port.EVENTS, **options: Any) -> Plan:
    """Lanes, parallel neurons and engines of every layer, at the calibration samples' activity.

    Parameters
    ----------
    port : Port, of the top level
    options : see `PlanOptions`: ``target="ecp5-25k"``, ``goal="fps=50000"``, ``lanes=[4, 2, 1]`` …

    Raises
    ------
    InputError
        Options contradict each other, or no plan fits the part; says by how much.
    """
    return make_plan(lowered.network, _activity(lowered, Port(port)),
                     reconcile(PlanOptions(**options)))


def layout(lowered: Lowered, plan: Plan, *, port: Port | str = Port.EVENTS) -> Layout:
    """Every width, depth, delay and memory of the circuit; the ``layout.json`` of its bundle.

    Parameters
    ----------
    port : Port, the one that was planned with

    Raises
    ------
    ValueError
        The plan is of another network.
    """
    return build_layout(lowered.network, plan.schedule, Port(port))


def emit(lowered: Lowered, plan: Plan, folder: Path | str, samples: np.ndarray | None = None, *,
         vectors: int = 32, force: bool = False, top: str | None = None,
         port: Port | str = Port.EVENTS,
         memories: Memories | str = Memories.VERILOG) -> Design:
    """Write the bundle: Verilog, manifest, bench and test vectors.

    Parameters
    ----------
    folder : Path, appears complete or not at all
    samples : uint8, (N, size) or (N, T, size), inputs of the test vectors; None for those that
        precision was chosen on
    vectors : int, test vectors in the bundle at most
    force : bool, replace a bundle that is there
    top : str, name of the top-level module
    port : Port, the one that was planned with
    memories : Memories; "mem": the Verilog is there with files of words too

    Raises
    ------
    BsnnError
        What the user can mend; nothing is left behind.
    """
    inputs = lowered.calibration if samples is None else samples
    if inputs is None:
        raise TypeError("samples must be given where the network was lowered without any")
    return write_bundle(lowered.network, plan.schedule, inputs[:vectors], Path(folder),
                        force=force, top=top,
                        trained_on=lowered.model.trained_on if lowered.model else None,
                        plan=plan.toml(lowered.network), port=Port(port),
                        memories=Memories(memories))


def verify(folder: Path | str, samples: np.ndarray | None = None) -> Outcome:
    """Run samples through the Verilated RTL of a bundle and compare it with the reference.

    Parameters
    ----------
    samples : integers, (N, size) or (N, T, size); None for the bundle's test vectors

    Raises
    ------
    MismatchError
        Names the first spike, membrane potential or score that differs.
    """
    folder = Path(folder)
    design, resets = open_bundle(folder), None
    if samples is None:
        samples = read_inputs(design, folder / "vectors")
        resets = read_resets(design, folder / "vectors", len(samples))
    else:
        samples = fit(shape_of(design.network), np.asarray(samples), "samples")
    with scratch_folder() as scratch:
        return verify_native(design, build_model(design, scratch), samples, resets=resets)


@dataclass(frozen=True)
class Planned:
    """What the stages before the Verilog made; ``request`` is what was asked for."""

    request: Request
    model: Model
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


def prepare(request: Request) -> Planned:
    """Everything up to the plan; nothing is written.

    Raises
    ------
    BsnnError
        What the user can mend.
    """
    wanted = reconcile(request.plan_options)  # contradictions first, before any work
    with step("model and samples read"):
        model = load(request.model, request.document)
        samples = samples_of(model, data=request.data, data_dir=request.data_dir)
    with step("integers chosen"):
        lowered = lower(model, samples, request.precision)
    with step("plan made"):
        activity = _activity(lowered, request.port)
        found = make_plan(lowered.network, activity, wanted)
    return Planned(request, model, samples, lowered, activity, found)


def build(request: Request) -> Built:
    """Turn a trained model into a bundle under ``request.out``.

    Raises
    ------
    BsnnError
        What the user can mend; nothing is left behind.
    """
    check_target(request.out, request.force)
    planned = prepare(request)
    with step("Verilog and vectors written"):
        design = emit(planned.lowered, planned.plan, request.out, planned.samples.test,
                      vectors=request.vectors, force=request.force, top=request.top,
                      port=request.port, memories=request.memories)
    return Built(planned, design)


def generate(model: Path | str, out: Path | str | None = None, **options: Any) -> Built:
    """Turn a trained model into a bundle; ``options`` are those of `Request`.

    out : Path, the folder; None for the model's name with ``_hw`` in the current folder

    Raises
    ------
    BsnnError
        What the user can mend; nothing is left behind.
    """
    model = Path(model)
    return build(Request(model, Path(out or f"{model.stem}_hw"), **options))


def _activity(lowered: Lowered, port: Port) -> Activity:
    assert lowered.calibration is not None
    trace = run(lowered.network, lowered.calibration, potentials=False)
    return measure_activity(lowered.network, lowered.calibration, trace, port)
