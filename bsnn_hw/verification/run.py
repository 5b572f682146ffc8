"""A bundle's two checks: the cocotb bench, and whole data sets at native speed.

Bench and driver are this program's own; nothing that lies in the bundle is run.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

from bsnn_hw.cluster import Workers
from bsnn_hw.emission.bundle import bench_text
from bsnn_hw.emission.opened import check_edits, open_bundle, read_manifest
from bsnn_hw.emission.vectors import check_vectors, read_inputs
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.model.description import Model
from bsnn_hw.model.format import describe, read
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound
from bsnn_hw.progress import counted, step
from bsnn_hw.reference.network import run
from bsnn_hw.samples import find_samples, shape_of, whole_data_set
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.sim.cocotb_run import run_cocotb
from bsnn_hw.text import percent
from bsnn_hw.verification.agreement import compare_with_real
from bsnn_hw.verification.native import build_model, single_latency, verify_native
from bsnn_hw.verification.record import Check, Real, mismatch_recorded, record
from bsnn_hw.verification.shared import verify_shared

__all__ = ["bundle_samples", "of_edited", "verify_all", "verify_bench"]

LATENCY_SAMPLES = 8
BRIEF = 25_000  # cycles of a pattern, below which a bench is built in less time than it would save
PATTERNS = ("none", "input", "output", "both")  # of pauses, as sim/bench.py has them


def verify_bench(folder: Path, *, edited: bool = False) -> None:
    """Run the bench on the bundle's vectors and print what it showed.

    edited : whether files of the bundle may be other than they were written

    Raises
    ------
    MismatchError
        Names the first difference.
    """
    started = time.monotonic()
    design = open_bundle(folder)
    vectors = read_manifest(folder)["vectors"]
    check_vectors(design, folder / "vectors", vectors)
    edits = check_edits(folder, edited)
    _say_foreign_bench(folder)
    check = Check("bench", _command(folder), vectors["inferences"], "the bundle's vectors",
                  edits=edits)
    with scratch_folder() as scratch, mismatch_recorded(folder, check):
        place = scratch / "bench"
        _lay_out_bench(folder, place)
        with step("bench compiled and run"):
            result = run_cocotb(design.verilog.paths, design.verilog.top, "bench", place,
                                scratch / "build", brief=vectors["cycles"] < BRIEF)
    wanted = {f"matches_the_reference/pauses={pattern}" for pattern in PATTERNS}
    if set(result.tests) != wanted:
        raise ToolError(f"bench: must run under {len(wanted)} patterns of pauses, but ran "
                        f"{', '.join(result.tests)}; reinstall cocotb")
    print(f"bench     {len(result.tests)} patterns of pauses: every spike, membrane potential and "
          f"score equal{of_edited(edits)} ({time.monotonic() - started:.0f} s)", flush=True)
    record(folder, check)


def _say_foreign_bench(folder):
    """Print a line where the bundle's bench is not the one that is run."""
    try:
        same = (folder / "bench.py").read_bytes() == bench_text().encode()
    except OSError:
        same = False
    if not same:
        print(f"note      {folder}/bench.py is not the bench of this version; it is not run",
              flush=True)


def _lay_out_bench(folder, place):
    """Our bench beside the bundle's manifest and vectors, and nothing else that could be
    imported."""
    place.mkdir()
    (place / "bench.py").write_text(bench_text(), encoding="utf-8")
    for name in ("manifest.json", "vectors"):
        (place / name).symlink_to((folder / name).resolve())


def of_edited(edits: str | None) -> str:
    """What a verdict says of files that were edited, nothing if none was."""
    return f"; files of the bundle are not as they were written, {edits}" if edits else ""


def verify_all(folder: Path, model_path: Path | None, *, data: str | None,
               data_dir: Path | None, edited: bool = False,
               workers: Workers | None = None) -> None:
    """Drive every sample that is found through the Verilated model and print what it showed.

    model_path : of the model file, for the comparison with the real-valued network, or None
    edited : whether files of the bundle may be other than they were written
    workers : that share the samples; None for this process alone

    Raises
    ------
    MismatchError
        Names the first difference.
    """
    design = open_bundle(folder)
    edits = check_edits(folder, edited)
    inputs, labels, source = bundle_samples(design, folder, model_path, data, data_dir)
    if workers is not None and design.network.stateful:
        raise InputError(f"{folder}: must be verified without `workers` and `scheduler`, as each "
                         "inference starts from the state that the one before left")
    check = Check("data", _command(folder, "--all", model_path), len(inputs), source, edits=edits)
    if model_path is not None:
        check = replace(check, real=_compare_with_real(model_path, design.network, inputs, labels,
                                                       source))

    with scratch_folder() as build, mismatch_recorded(folder, check):
        started = time.monotonic()
        with step("simulation compiled"):
            simulation = build_model(design, build, optimize="-O2")
        built = time.monotonic()
        with step(f"{len(inputs):,} inferences simulated and compared"):
            done = counted(len(inputs), "inferences")
            outcome = (verify_native(design, simulation, inputs, progress=done) if workers is None
                       else verify_shared(workers, folder, simulation, inputs, done))
            latency = single_latency(design, simulation, inputs[:LATENCY_SAMPLES])
    accuracy = None if labels is None else float((outcome.classes == labels).mean())
    print(f"RTL       {outcome.inferences:,} inferences: every spike, membrane potential and score "
          f"equal{'' if accuracy is None else f', accuracy {percent(accuracy)}'} "
          f"({built - started:.0f} s to build, {time.monotonic() - built:.0f} s to run)")
    with step("event bound measured"):
        trace = run(design.network, inputs[:1000], potentials=False)
        bound = event_bound(design.network, design.schedule,
                            measure_activity(design.network, inputs[:1000], trace, design.port))
    print(f"cycles    {outcome.cycles:,.1f} per inference back to back, "
          f"{outcome.cycles / bound:.3f} of the event bound {bound:,.1f}; "
          f"{latency:,.0f} for a single image")
    print(f"verdict   exact: the RTL computes what the reference computes{of_edited(edits)}")
    record(folder, replace(check, accuracy=accuracy, cycles=outcome.cycles, latency=latency))


def _command(folder, flag=None, model_path=None):
    """The verb's command line, for people who do not have this folder where it is."""
    words = ["python -m bsnn_hw.verify", folder.resolve().name, flag,
             model_path and f"--model {model_path.name}"]
    return " ".join(filter(None, words))


def _compare_with_real(model_path, network, inputs, labels, source):
    """Print and give how the real-valued network of the model file and the integer one agree."""
    model = describe(read(model_path), str(model_path))
    if _outline(model) != _outline(network):
        raise InputError(f"{model_path}: must be the model that the bundle was made of, "
                         f"{_outline(network)}, not {_outline(model)}")
    with step("real-valued network run"):
        agreement = compare_with_real(model, network, inputs, labels)
    spikes = ", ".join(f"{layer.name} {percent(share)}" for layer, share in
                       zip(network.hidden, agreement.spikes, strict=True))
    accuracy = "" if agreement.real is None else \
        f"accuracy {percent(agreement.real)}, integers {percent(agreement.integer)} "
    print(f"real      {accuracy}on {agreement.samples:,} of {source}; spikes that differ: "
          f"{spikes or '-'}; classes: {percent(agreement.predictions)}", flush=True)
    return Real(agreement.samples, agreement.real, agreement.integer, agreement.predictions,
                {layer.name: float(share) for layer, share in
                 zip(network.hidden, agreement.spikes, strict=True)})


def _outline(network: Model | Network) -> str:
    """What two networks must share to run on the same samples and be compared spike by spike."""
    if isinstance(network, Model):
        counts = [layer.shape.size for layer in network.layers]
    else:
        counts = [layer.shape.size for layer in network.hidden]
        counts.append(network.readout.synapse.neurons)
    shape = shape_of(network)
    # Lowering takes one timestep of a direct-coded readout without hidden layers.
    still = shape.coding is Coding.DIRECT and len(counts) == 1
    return (f"{'-'.join(map(str, (shape.size, *counts)))} neurons, "
            f"{'any' if still else shape.timesteps} timestep(s), {shape.coding.value} coding of "
            f"{shape.bits} bit")


@step("samples read")
def bundle_samples(design, folder, model_path, data, data_dir):
    """Inputs, labels or None, and where they are from, of a bundle.

    A whole data set where there is one, else the sample file beside the model, else the vectors.
    """
    shape = shape_of(design.network)
    trained_on = read_manifest(folder)["network"].get("trained_on")
    if trained_on and not re.fullmatch(r"[\w-]+", trained_on):
        trained_on = None  # no name of a data set, and a stranger's manifest may name any file
    found = whole_data_set(shape, trained_on, data=data, data_dir=data_dir)
    if found is None and model_path is not None and trained_on:
        found = find_samples(shape, trained_on, model_path.parent, data=None, data_dir=None)
    if found is not None:
        return found.test, found.labels, found.source
    return read_inputs(design, folder / "vectors"), None, "the bundle's vectors"
