"""``python -m evidence.operations_rtl``: what the RTL does for an inference, counted in it.

Samples of each example stream through the Verilated design, back to back, while its sequencers,
adders and memories of potentials are watched.  Synaptic operations, words of weights read for an
event, neuron steps, and bits that change from step to step in synaptic sums, charged membranes,
words of spikes and stored potentials must be what the reference counts.  A row of sums is read and
written for a group of events; the reference counts full groups, and an engine that is quicker than
what feeds it may take some that are not, so there it is a lower end.  What the adders' registers
change in every cycle is known of the RTL alone.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError, MismatchError

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.emission.design import Design
    from bsnn_hw.ir.network import Hidden, Readout
    from bsnn_hw.reference.network import Trace
    from evidence.watched_rtl import Tally

    # Of each layer (RTL, reference).
    Found = list[tuple[Hidden | Readout, tuple[Tally, Tally]]]

__all__ = ["check", "main", "reference_tallies"]

ROOT = Path(__file__).parents[1]
EXAMPLES = ("digits_fc", "fashion_mnist_fc", "fashion_mnist_conv")
MOST_ROWS = 1.05  # of the reference's


def reference_tallies(design: Design, inputs: np.ndarray, trace: Trace) -> list[Tally]:
    """Of every layer, the readout last."""
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.cycles import passes, walk
    from bsnn_hw.reporting.activity import count, engines, weight_words
    from bsnn_hw.reporting.toggles import toggled
    from evidence.watched_rtl import Tally

    network, samples = design.network, len(inputs)
    activity = measure_activity(network, inputs, trace, design.port)
    changes = toggled(design.layout, inputs, trace)
    found = []
    for number, counts in enumerate(count(design.layout, activity)):
        fed = list(engines(design.layout, activity, number))
        neurons = fed[0][0].geometry.raster.shape.size
        found.append(Tally(
            round(counts.operations * samples),
            round(sum(weight_words(*each) for each in fed) * samples),
            passes(network, number) * neurons * samples, changes[number],
            round(sum(float(walk(engine.geometry, feed).sum()) * engine.geometry.folds
                      for engine, feed in fed))))
    return found


def check(design: Design, inputs: np.ndarray, folder: Path) -> list[tuple[Tally, Tally]]:
    """(RTL, reference) of every layer.

    Raises
    ------
    MismatchError
        A count is not the reference's.
    """
    from bsnn_hw.reference.network import run
    from evidence.watched_rtl import count_rtl

    found = list(zip(count_rtl(design, inputs, folder),
                     reference_tallies(design, inputs, run(design.network, inputs)), strict=True))
    for layer, (rtl, reference) in zip(design.network.layers, found, strict=True):
        if rtl.exact != reference.exact:
            raise MismatchError(f"layer {layer.name}: RTL {rtl}, reference {reference}")
        if not reference.rows <= rtl.rows <= MOST_ROWS * reference.rows:
            raise MismatchError(f"layer {layer.name}: rows of sums must be {reference.rows:,} or "
                                f"up to {MOST_ROWS} times as many, not {rtl.rows:,} in RTL")
    return found


def _report(model: Path, count: int, folder: Path) -> list[str]:
    """Lines about one example."""
    from bsnn_hw import emit, load, lower, plan
    from bsnn_hw.text import table

    lowered = lower(load(model))
    design = emit(lowered, plan(lowered), folder / "bundle", vectors=1)
    assert lowered.calibration is not None  # an example has samples
    inputs = lowered.calibration[:count]
    found: Found = list(zip(design.network.layers, check(design, inputs, folder / "build"),
                            strict=True))
    return [f"{model.stem}: {count} samples, counted in RTL, per inference; what is left of | is "
            "the reference's", table(_operations(found, count)), "bits that change",
            table(_bits_changed(found, count))]


def _operations(found: Found, count: int) -> list[list[str]]:
    rows = [["layer", "operations", "weight words", "neuron steps", "|", "sum rows", "reference"]]
    return rows + [[layer.name, *(_mean(each, count) for each in
                                  (rtl.operations, rtl.words, rtl.steps)), "|",
                    _mean(rtl.rows, count), _mean(reference.rows, count)]
                   for layer, (rtl, reference) in found]


def _bits_changed(found: Found, count: int) -> list[list[str]]:
    """By neuron steps, and then by cycles."""
    from bsnn_hw.reporting.activity import CHANGE

    rows = [["layer", "sums", "membranes", "spikes", "potentials", "|", "sums, each cycle",
             "membranes, each cycle", "nJ (estimate)"]]
    return rows + [[layer.name, *(_mean(each, count) for each in astuple(rtl.toggles)), "|",
                    *(_mean(each, count) for each in rtl.every_cycle),
                    f"{sum(each or 0 for each in rtl.every_cycle) * CHANGE / 1e3 / count:.3f}"]
                   for layer, (rtl, _) in found]


def _mean(total: int | None, count: int) -> str:
    return "-" if total is None else f"{total / count:,.2f}"


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder

    if options.samples < 1:
        raise InputError(f"--samples: must be 1 or more, not {options.samples}")
    for model in options.model or [ROOT / f"examples/{name}.pt" for name in EXAMPLES]:
        with scratch_folder() as folder:
            print("\n".join(_report(model, options.samples, folder)), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.operations_rtl",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", type=Path, action="append", metavar="FILE",
                        help="model file, may be given again (default: the examples "
                             f"{', '.join(EXAMPLES)})")
    parser.add_argument("--samples", type=int, default=100, metavar="N",
                        help="of each (default: 100)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
