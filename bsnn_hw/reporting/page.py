"""The page of a bundle: one file that needs no network, and in it the circuit, running."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from importlib.resources import files
from math import isqrt
from pathlib import Path

import numpy as np
from markupsafe import Markup

from bsnn_hw.emission.design import Design
from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.emission.results import write_results
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.progress import step
from bsnn_hw.reference.network import run
from bsnn_hw.reporting.circuit import build_circuit, compiler_missing
from bsnn_hw.reporting.facts import Facts, as_script, gather
from bsnn_hw.reporting.stored import page_data
from bsnn_hw.samples import affordable
from bsnn_hw.scratch import removed_after
from bsnn_hw.sim.render import render
from bsnn_hw.verification.run import bundle_samples

__all__ = ["CircuitFacts", "Request", "page_text", "write_page"]

MOST_VALUES = 1 << 23  # spikes of all layers and timesteps of the samples in a page


@dataclass(frozen=True)
class Request:
    """What a page is asked for.

    out : Path of the page; None for report/report.html in the bundle
    model : model file, beside which samples and a training log are looked for, or None
    samples : int, stored samples at most
    circuit : bool, whether the circuit is to run in the page
    edited : bool, whether files of the bundle may be other than they were written
    """

    folder: Path
    out: Path | None = None
    model: Path | None = None
    data: str | None = None
    data_dir: Path | None = None
    samples: int = 64
    circuit: bool = True
    edited: bool = False


@dataclass(frozen=True)
class CircuitFacts:
    """The running circuit: ``data`` for the script, or why it is ``missing``."""

    data: Markup | None
    cells: str = ""
    drawing: str = ""
    missing: str = ""


def write_page(request: Request) -> Path:
    """Write the page; give where it is.

    Raises
    ------
    InputError
        The folder is no bundle, files of it were edited, or the page cannot be written.
    ToolError
        A compiler failed.
    """
    design = open_bundle(request.folder)
    check_edits(request.folder, request.edited)
    inputs, labels, source = bundle_samples(design, request.folder, request.model, request.data,
                                            request.data_dir)
    count = affordable(design.network, min(request.samples, len(inputs)), MOST_VALUES)
    inputs, labels = inputs[:count], None if labels is None else labels[:count]
    log = request.model.with_suffix(".jsonl") if request.model else None
    with step("reference run and plans weighed"):
        facts = gather(request.folder, design, inputs, source, log)
    content = page_text(facts, _circuit(request, design, inputs, labels)).encode()
    if request.out is None:
        write_results(request.folder / "report", {"report.html": content})
        return request.folder / "report" / "report.html"
    _write(request.out, content)
    return request.out


def page_text(facts: Facts, circuit: CircuitFacts) -> str:
    """The page as HTML."""
    script = _text("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render("report.html.j2", facts=facts, circuit=circuit, script=Markup(script),
                  style=Markup(_text("report.css")), script_hash=digest)


def _text(name: str) -> str:
    return files("bsnn_hw.templates").joinpath(name).read_text(encoding="utf-8")


def _circuit(request: Request, design: Design, inputs: np.ndarray,
             labels: np.ndarray | None) -> CircuitFacts:
    missing = compiler_missing() if request.circuit else "it was not asked for"
    if design.network.stateful:
        missing = "its samples are windows of a stream, and a page gives them one by one"
    if missing:
        return CircuitFacts(None, missing=missing)
    with step("circuit compiled to WebAssembly, once"):
        circuit = build_circuit(design)
    if isinstance(circuit, str):
        return CircuitFacts(None, missing=circuit)
    with step("reference's answers stored"):
        trace = run(design.network, inputs)
        data = page_data(design, circuit, inputs, trace,
                         None if labels is None else labels.tolist())
    return CircuitFacts(Markup(as_script(data)), f"{circuit.cells:,}", _drawing(design.network))


def _drawing(network: Network) -> str:
    """What the page says beside the paper; it can be drawn on where a sample is one grey image."""
    used = network.input.used
    shape = network.input.features if used is None else used.shape
    image = shape.positions > 1 or isqrt(shape.channels)**2 == shape.channels
    if network.input.coding is Coding.DIRECT and image:
        return "Draw here, or pick a sample below."
    return ""


def _write(path: Path, content: bytes) -> None:
    try:
        with removed_after(path.with_name(f".{path.name[:40]}.{os.getpid()}")) as draft:
            draft.write_bytes(content)
            draft.replace(path)
    except OSError as error:
        raise InputError(f"{path}: must be a file that can be written, {error.strerror}; give "
                         "another `out`") from None
