"""``python -m bsnn_hw.precision MODEL``: what fraction bits cost, as a Markdown table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.progress import step

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.lowering.lower import Lowered, PrecisionRequest
    from bsnn_hw.model.description import Model
    from bsnn_hw.model.real import RealTrace
    from bsnn_hw.samples import Samples

__all__ = ["Row", "main", "measure", "table"]

FRACTION_BITS = (0, 1, 2, 4, 6, 8)
LEAST_LEAK_BITS = 8  # so that the rows differ by their fractions, not by the leak


@dataclass(frozen=True)
class Row:
    """One precision against the real-valued network.

    label : what it is; accuracy : share of 1, None without labels
    predictions : share of samples whose class differs from the real-valued network's
    spikes : per spiking layer, spikes that only one of both emits, relative to the real-valued
    widths : per spiking layer, bits of the charged potential H
    """

    label: str
    accuracy: float | None
    predictions: float
    spikes: tuple[float, ...]
    widths: tuple[int, ...]


def measure(model: Model, calibration: np.ndarray, inputs: np.ndarray,
            labels: np.ndarray | None) -> tuple[float | None, Iterator[Row]]:
    """Accuracy of the real-valued network, and a row per uniform precision, the chosen one last.

    calibration, inputs : samples as the network takes them; labels : int64 (N,) or None
    """
    from bsnn_hw.lowering.lower import PrecisionRequest
    from bsnn_hw.model import real

    with step("real-valued network run"):
        wanted = real.run(model, inputs, keep=("spikes",))
    requests = {f"F = {bits}": PrecisionRequest(fraction_bits=bits,
                                                leak_bits=max(bits, LEAST_LEAK_BITS))
                for bits in FRACTION_BITS}
    requests["chosen"] = PrecisionRequest()
    return _accuracy(wanted.classes, labels), (
        _row(label, model, request, wanted, calibration, inputs, labels)
        for label, request in requests.items())


def _row(label: str, model: Model, request: PrecisionRequest, wanted: RealTrace,
         calibration: np.ndarray, inputs: np.ndarray, labels: np.ndarray | None) -> Row:
    from bsnn_hw.ir.bounds import network_bounds
    from bsnn_hw.lowering.lower import lower
    from bsnn_hw.reference.network import run

    with step(f"integers chosen and run, {label}"):
        lowered = lower(model, calibration, request)
        trace = run(lowered.network, inputs, potentials=False)
    assert wanted.spikes is not None
    different = tuple(float((some != layer.fired).sum() / max(1, some.sum()))
                      for some, layer in zip(wanted.spikes, trace.hidden, strict=True))
    widths = tuple(bounds.charged.width for bounds in network_bounds(lowered.network)[0])
    if label == "chosen":
        label = f"chosen: {_chosen(lowered)}"
    return Row(label, _accuracy(trace.classes, labels),
               float((wanted.classes != trace.classes).mean()), different, widths)


def _chosen(lowered: Lowered) -> str:
    names = [layer.name for layer in lowered.network.hidden] + [lowered.network.readout.name]
    return ", ".join(f"{name} {each.fraction_bits}" + ("" if each.leak_bits is None else
                                                       f" (leak {each.leak_bits})")
                     for name, each in zip(names, lowered.precision, strict=True))


def _accuracy(classes: np.ndarray, labels: np.ndarray | None) -> float | None:
    return None if labels is None else float((classes == labels).mean())


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    head = ("fraction bits", "accuracy", "predictions that differ", "spikes that differ, by layer",
            "bits of H, by layer")
    cells = [(row.label, _percent(row.accuracy), _percent(row.predictions),
              " / ".join(map(_percent, row.spikes)) or "-",
              " / ".join(map(str, row.widths)) or "-") for row in rows]
    return "\n".join(f"| {' | '.join(line)} |"
                     for line in (head, ("---",) * len(head), *cells))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _samples(options: argparse.Namespace, model: Model, dataset: str | None
             ) -> tuple[Samples, Samples]:
    """Samples to calibrate on, the ones that ``generate`` takes, and to measure on."""
    from bsnn_hw.samples import find_samples, shape_of, whole_data_set

    shape, where = shape_of(model), {"data": options.data, "data_dir": options.data_dir}
    found = find_samples(shape, dataset, options.model.parent, **where)
    return found, whole_data_set(shape, dataset, **where) or found


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.model.format import describe, read
    from bsnn_hw.pipeline import CALIBRATION_SAMPLES
    from bsnn_hw.samples import dataset_of

    with step("model and samples read"):
        document = read(options.model)
        model = describe(document, str(options.model))
        near, whole = _samples(options, model, dataset_of(document))
    accuracy, rows = measure(model, near.calibration[:CALIBRATION_SAMPLES], whole.test,
                             whole.labels)
    print(f"{model.name}: {len(whole.test):,} samples of {whole.source}, real-valued accuracy "
          f"{_percent(accuracy)}\n")
    print(table(list(rows)))


def main(argv: list[str] | None = None) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bsnn_hw.precision", description="The integer network against the "
        "real-valued one, for uniform fraction bits and for those chosen per layer.")
    add = parser.add_argument
    add("model", type=Path, help="model file, .pt or .safetensors (docs/model.md)")
    add("--data", help="data set (digits, fashion-mnist, mnist, cifar-10, cifar-100) or .npz file "
                       "(default: what the model was trained on, else its sample file beside "
                       "the model)")
    add("--data-dir", type=Path, help="folder of the data set's files or archive")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
