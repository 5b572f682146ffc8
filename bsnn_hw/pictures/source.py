"""Pictures of a bundle, a model file or logs, as files; and the same in words, for a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.emission.results import write_results
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Network
from bsnn_hw.pictures.logs import Log, read_log, training
from bsnn_hw.pictures.picture import Picture, brief, drawing
from bsnn_hw.pictures.signals import membranes, spikes
from bsnn_hw.pictures.weights import weights
from bsnn_hw.progress import step
from bsnn_hw.reference.network import run
from bsnn_hw.samples import affordable
from bsnn_hw.scratch import removed_after
from bsnn_hw.text import percent, table
from bsnn_hw.verification.run import bundle_samples

__all__ = ["Request", "write_pictures"]


@dataclass(frozen=True)
class Request:
    """What is to be drawn.

    source : Path of a bundle or a model file, or None
    logs : of trainings
    kinds : of spikes, membranes, weights, those to draw of ``source``
    samples, first : int, how many samples, from which on
    out : Path of the folder; None for report/ in a bundle, else pictures/
    kind : png or svg
    """

    source: Path | None
    logs: tuple[Path, ...]
    kinds: tuple[str, ...]
    samples: int
    first: int
    data: str | None
    data_dir: Path | None
    out: Path | None
    kind: str
    edited: bool


def write_pictures(request: Request) -> Iterator[str]:
    """Draw everything, then write it; lines for a terminal.

    Raises
    ------
    InputError
        A source cannot be used, or the folder not be written.
    ToolError
        There is no matplotlib.
    """
    with drawing():  # before any work, where there is no matplotlib
        pass
    logs = [read_log(path) for path in request.logs]
    pictures: dict[str, Picture] = {}
    if request.source is not None:
        network, samples, source = _read(request, request.source)
        yield from _signal_lines(network, samples, source)
        with step("pictures drawn"):
            pictures |= _drawn(request, network, samples)
    if logs:
        pictures["training"] = training(logs)
        yield table(_log_rows(logs))
    files = {f"{name}.{request.kind}": each.content(request.kind)
             for name, each in pictures.items()}
    folder = _write(request, files)
    yield from (f"written   {folder / name}" for name in files)


def _read(request: Request, path: Path) -> tuple[Network, np.ndarray, str]:
    """The network, the samples that were asked for, and where they are from."""
    if path.is_dir():
        design = open_bundle(path)
        check_edits(path, request.edited)
        network = design.network
        samples, _, source = bundle_samples(design, path, None, request.data, request.data_dir)
    else:
        from bsnn_hw import pipeline

        with step("model and samples read"):
            model = pipeline.load(path)
            found = pipeline.samples_of(model, data=request.data, data_dir=request.data_dir)
        with step("integers chosen"):
            network = pipeline.lower(model, found).network
        samples, source = found.test, found.source
    if request.first >= len(samples):
        raise InputError(f"`first`: must be less than the {len(samples)} samples of {source}, not "
                         f"{request.first}")
    last = request.first + affordable(network, request.samples)
    return network, samples[request.first:last], source


def _drawn(request: Request, network: Network, samples: np.ndarray) -> dict[str, Picture]:
    draw = {"spikes": lambda: spikes(network, samples, request.first),
            "membranes": lambda: membranes(network, samples, request.first),
            "weights": lambda: weights(network)}
    return {kind: draw[kind]() for kind in dict.fromkeys(request.kinds)}


def _signal_lines(network: Network, samples: np.ndarray, source: str) -> Iterator[str]:
    trace = run(network, samples)
    yield f"samples   {len(samples)} of {source}"
    rows = [["layer", "neurons", "spikes/inf.", "firing rate", "potentials"]]
    for layer, seen in zip(network.hidden, trace.hidden, strict=True):
        rows.append([brief(layer.name, 24), f"{layer.shape.size:,}",
                     f"{seen.fired.sum(axis=(1, 2)).mean():,.1f}",
                     percent(float(seen.fired.mean())),
                     f"{seen.charged.min():,} to {seen.charged.max():,}"])
    yield table(rows)


def _log_rows(logs: list[Log]) -> list[list[str]]:
    return [["run", "epochs", "training", "validation", "test"],
            *([brief(log.name), f"{len(log.epochs)}", percent(log.last("train_accuracy")),
               percent(log.last("validation_accuracy")), percent(_tested(log))] for log in logs)]


def _tested(log: Log) -> float | None:
    value = log.test.get("accuracy")
    return value if isinstance(value, float) else None


def _write(request: Request, files: Mapping[str, bytes]) -> Path:
    if request.out is None and request.source is not None and request.source.is_dir():
        write_results(request.source / "report", files)
        return request.source / "report"
    folder = request.out or Path("pictures")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            for name, content in files.items():
                draft = stack.enter_context(removed_after(folder / f".{name}.{os.getpid()}"))
                draft.write_bytes(content)
                draft.replace(folder / name)
    except OSError as error:
        raise InputError(f"{folder}: must be a folder that can be written, {error.strerror}; give "
                         "another `out`") from None
    return folder
