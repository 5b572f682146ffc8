"""``python -m evidence.map_cycles``: cycles of convolutional networks against their bound.

Inferences back to back through the Verilated model, as in ``evidence.cycles``, for the default
plan of each example, a smaller one, and the same lanes and parallel neurons in all layers.
``predicted`` is the busiest layer's cycles as the lanes are loaded, and no waiting.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder

if TYPE_CHECKING:
    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule
    from bsnn_hw.planning.activity import Activity

__all__ = ["EXAMPLES", "UNIFORM", "main", "plans"]

EXAMPLES = (Path("examples/fashion_mnist_conv.pt"), Path("examples/fashion_mnist_residual.pt"))
# (lanes, parallel) of every layer, as far as the layer has so many.
UNIFORM = ((1, 4), (1, 32), (2, 8), (2, 64), (4, 16))
SMALLER = 32_000  # cycles per inference that the smaller plan aims at
RATIO = 1.2  # of the event bound, and of what is predicted
CALIBRATION = 128  # samples


def plans(network: Network, activity: Activity) -> Iterator[tuple[str, Schedule]]:
    """Plans by name; in a uniform one, joined layers have the same parallel neurons anyway."""
    from bsnn_hw.engines.registry import find_engine
    from bsnn_hw.ir.schedule import Engine
    from bsnn_hw.planning.default import default_schedule
    from bsnn_hw.planning.schedule import make_schedule, most_parallel

    yield "default", default_schedule(network, activity)
    yield "smaller", default_schedule(network, activity, SMALLER)
    numbers = range(len(network.layers))
    for lanes, parallel in UNIFORM:
        counts = [min(parallel, most_parallel(network, number)) for number in numbers]
        yield f"{lanes} x {parallel}", make_schedule(
            network, [find_engine(network, number, Engine.EVENTS).fitting_lanes(
                network, number, lanes, counts) for number in numbers], counts)


def _rows(path: Path, images: int) -> Iterator[tuple[list[str], list[str]]]:
    """A table's rows, and what is wrong with each."""
    from bsnn_hw.lowering.lower import lower
    from bsnn_hw.model.format import describe, read
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.cycles import predicted_cycles
    from bsnn_hw.reference.network import run
    from bsnn_hw.samples import dataset_of, find_samples, shape_of
    from evidence.cycles import measure

    document = read(path)
    model = describe(document, str(path))
    samples = find_samples(shape_of(model), dataset_of(document), path.parent, data=None,
                           data_dir=None)
    calibration = samples.calibration[:CALIBRATION]
    network = lower(model, calibration).network
    activity = measure_activity(network, calibration, run(network, calibration, potentials=False))
    inputs = samples.test[:images]
    seen = measure_activity(network, inputs, run(network, inputs, potentials=False))
    for name, schedule in plans(network, activity):
        predicted = max(float(c.mean()) for c in predicted_cycles(network, schedule, seen))
        with scratch_folder() as scratch:
            bound, cycles, latency = measure(network, schedule, inputs, scratch)
        yield [path.stem, name, ",".join(str(plan.lanes) for plan in schedule.layers),
               ",".join(str(plan.parallel) for plan in schedule.layers), f"{bound:,.1f}",
               f"{predicted:,.1f}", f"{cycles:,.1f}", f"{cycles / bound:.3f}",
               f"{latency:,.0f}"], [
            f"{path.stem}, {name}: must take at most {RATIO} of {what}, not {cycles / of:.3f}"
            for what, of in (("the event bound", bound), ("what is predicted", predicted))
            if cycles > RATIO * of]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table

    rows = [["model", "plan", "lanes", "parallel", "event bound", "predicted", "cycles/inference",
             "ratio", "latency"]]
    problems = []
    for path in options.models:
        for row, wrong in _rows(path, options.images):
            rows.append(row)
            problems += wrong
            print("  ".join(row), file=sys.stderr, flush=True)
    print(table(rows))
    if problems:
        raise BsnnError("\n".join(problems))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.map_cycles",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("models", type=Path, nargs="*", default=list(EXAMPLES),
                        help="model files (default: the convolutional and the residual example)")
    parser.add_argument("--images", type=int, default=40, help="images (default: 40)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
