"""What a person reads: the network, its layout, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.ir.network import Hidden, Network, Readout
from bsnn_hw.model.description import Model
from bsnn_hw.model.real import run as run_real
from bsnn_hw.pipeline import Built
from bsnn_hw.planning.schedule import event_bound, predicted_cycles
from bsnn_hw.reference.network import run

__all__ = ["Agreement", "compare_with_real", "percent", "summary", "table"]


@dataclass(frozen=True)
class Agreement:
    """The real-valued network against the integer network on the same samples.

    real, integer : accuracy, share of 1; None without labels
    predictions : share of samples whose class differs
    spikes : per spiking layer, spikes of only one of them relative to the real-valued ones
    """

    samples: int
    real: float | None
    integer: float | None
    predictions: float
    spikes: tuple[float, ...]


def compare_with_real(model: Model, network: Network, inputs: np.ndarray,
                      labels: np.ndarray | None, chunk: int = 1000) -> Agreement:
    """Run both networks on ``inputs``."""
    different, emitted = np.zeros(len(network.hidden)), np.zeros(len(network.hidden))
    real_classes, classes = [], []
    for start in range(0, len(inputs), chunk):
        part = inputs[start:start + chunk]
        real = run_real(model, part, keep=("spikes",))
        trace = run(network, part, potentials=False)
        assert real.spikes is not None
        for index, (wanted, seen) in enumerate(zip(real.spikes, trace.hidden, strict=True)):
            different[index] += (wanted != seen.fired).sum()
            emitted[index] += wanted.sum()
        real_classes.append(real.classes)
        classes.append(trace.classes)
    real_answers, answers = np.concatenate(real_classes), np.concatenate(classes)
    real_accuracy, accuracy = (None if labels is None else float((a == labels).mean())
                               for a in (real_answers, answers))
    return Agreement(len(inputs), real_accuracy, accuracy,
                     float((real_answers != answers).mean()),
                     tuple(different / np.maximum(emitted, 1)))


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows of cells as aligned text, the first row the heading; the first column left."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
                     .rstrip() for row in cells)


def percent(share: float | None) -> str:
    """A share of 1 as text."""
    return "-" if share is None else f"{100 * share:.2f} %"


def summary(built: Built, out: Path) -> str:
    """What ``generate`` prints about the network, its integers and its layout."""
    design, network = built.design, built.design.network
    layers: tuple[Hidden | Readout, ...] = (*network.hidden, network.readout)
    sizes = "-".join(str(n) for n in (network.input.size,
                                      *(layer.synapse.neurons for layer in layers)))
    weights = sum(layer.synapse.weights.size for layer in layers)
    agreement = compare_with_real(built.model, network, built.samples.test,
                                  built.samples.labels)
    bound = event_bound(network, design.schedule, built.activity)
    return "\n".join([
        f"network   {network.name}: {sizes}, {weights:,} binary weights, "
        f"{network.timesteps} timestep(s), {network.input.coding.value} coding of "
        f"{network.input.bits} bit",
        f"samples   {built.samples.source}",
        "",
        table(_layer_rows(built)),
        "",
        f"integers  {_agreement_line(network, agreement)}",
        *_notes(built),
        f"cycles    {bound:,.1f} per inference by the event bound, at the samples' activity",
        f"written   {out}/ (top level {design.verilog.top}, "
        f"{len(design.verilog.paths)} Verilog files)",
    ])


def _notes(built):
    """What lowering did that a user may not expect, a line each."""
    for layer, precision in zip(built.design.network.hidden, built.lowered.precision, strict=False):
        if precision.mismatch is not None and precision.mismatch > built.tolerance:
            yield (f"note      layer {layer.name}: integers change {percent(precision.mismatch)} "
                   "of its calibration spikes, more than the tolerance of "
                   f"{percent(built.tolerance)}")
        silent = int((~layer.synapse.connected).sum())
        if silent:
            yield (f"note      layer {layer.name}: {silent} neuron(s) spike alike whatever comes "
                   "in (docs/ir.md, disconnected); their weights are not used")


def _agreement_line(network, agreement):
    spikes = ", ".join(f"{layer.name} {percent(share)}"
                       for layer, share in zip(network.hidden, agreement.spikes, strict=True))
    accuracy = ("" if agreement.real is None else
                f"accuracy {percent(agreement.integer)}, real-valued {percent(agreement.real)}; ")
    return (f"{accuracy}on {agreement.samples:,} samples {percent(agreement.predictions)} of the "
            f"classes differ" + (f", of the spikes {spikes}" if spikes else ""))


def _layer_rows(built):
    design, network = built.design, built.design.network
    cycles = predicted_cycles(network, design.schedule, built.activity)
    rows = [["layer", "inputs", "neurons", "lanes", "parallel", "folds", "fraction bits",
             "leak bits", "sum bits", "membrane bits", "events/inf.", "cycles/inf."]]
    for index, layer in enumerate((*network.hidden, network.readout)):
        geometry, precision = design.geometries[index], built.lowered.precision[index]
        hidden = index < len(network.hidden)
        bounds = design.hidden_bounds[index] if hidden else design.readout_bounds
        state = bounds.charged if hidden else bounds.score
        rows.append([
            layer.name, geometry.inputs, geometry.neurons, geometry.lanes, geometry.parallel,
            geometry.folds, precision.fraction_bits,
            "-" if precision.leak_bits is None else precision.leak_bits, bounds.acc.width,
            state.width, f"{built.activity[index].sum(axis=(1, 2)).mean():.1f}",
            f"{cycles[index].mean():.1f}",
        ])
    return rows
