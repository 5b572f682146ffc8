"""``python -m evidence.cycles``: cycles per inference against the event bound.

Inferences back to back through the Verilated model, for the default and other choices of lanes
and parallel neurons; and the latency of a single image.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder

__all__ = ["CHOICES", "main", "measure"]

# (lanes, parallel) per layer of the Fashion-MNIST example, readout last.
CHOICES = (
    ((1, 1, 1), (32, 24, 10)),
    ((2, 1, 1), (32, 12, 10)),
    ((4, 1, 1), (32, 24, 10)),
    ((8, 2, 1), (16, 12, 5)),
    ((12, 2, 1), (128, 24, 10)),
    ((16, 1, 1), (8, 96, 10)),
    ((3, 4, 2), (43, 7, 3)),
)
RATIO = 1.15


def measure(network, schedule, inputs, folder: Path):
    """Emit, build and run: (event bound, measured cycles per inference, latency)."""
    from bsnn_hw.emission.design import emit_verilog
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.cycles import event_bound
    from bsnn_hw.reference.network import run
    from bsnn_hw.verification.native import build_model, single_latency, verify_native

    (folder / "rtl").mkdir()
    design = emit_verilog(network, schedule, folder / "rtl")
    simulation = build_model(design, folder / "build", probes=False)
    outcome = verify_native(design, simulation, inputs, chunk=len(inputs))
    activity = measure_activity(network, inputs, run(network, inputs, potentials=False))
    return (event_bound(network, schedule, activity), outcome.cycles,
            single_latency(design, simulation, inputs[:8]))


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.lowering.lower import lower
    from bsnn_hw.model.format import describe, read
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.default import default_schedule
    from bsnn_hw.planning.schedule import make_schedule
    from bsnn_hw.reference.network import run
    from bsnn_hw.samples import dataset_of, find_samples, shape_of
    from bsnn_hw.text import table

    document = read(options.model)
    model = describe(document, str(options.model))
    samples = find_samples(shape_of(model), dataset_of(document),
                           options.model.parent, data=None, data_dir=None)
    network = lower(model, samples.calibration).network
    trace = run(network, samples.calibration, potentials=False)
    default = default_schedule(network, measure_activity(network, samples.calibration, trace))
    schedules = [default, *(make_schedule(network, *choice) for choice in CHOICES)]
    rows = [["lanes", "parallel", "event bound", "cycles/inference", "ratio", "latency"]]
    worst = 0.0
    for schedule in schedules:
        with scratch_folder() as scratch:
            bound, cycles, latency = measure(network, schedule, samples.test[: options.images],
                                             scratch)
        worst = max(worst, cycles / bound)
        rows.append([",".join(str(p.lanes) for p in schedule.layers),
                     ",".join(str(p.parallel) for p in schedule.layers), f"{bound:.1f}",
                     f"{cycles:.1f}", f"{cycles / bound:.3f}", f"{latency:.0f}"])
        print(table([rows[0], rows[-1]]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(rows))
    if worst > RATIO:
        raise BsnnError(f"cycles: must be at most {RATIO} of the event bound, not {worst:.3f}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.cycles",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?",
                        default=Path("examples/fashion_mnist_fc.pt"),
                        help="three-layer model file (default: examples/fashion_mnist_fc.pt)")
    parser.add_argument("--images", type=int, default=300, help="images (default: 300)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
