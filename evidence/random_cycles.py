"""``python -m evidence.random_cycles``: forecast cycles against the Verilated RTL.

Random networks, every fourth with maps and joins, with random plans, every third's pipelined, on
the same samples: what planning/pipeline.py forecasts, and what the simulation takes, back to back.
"""

from __future__ import annotations

import sys

from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder
from evidence.random_networks import run_command

__all__ = ["check_one", "main"]

COUNT = 60
SAMPLES = 40  # of which the first tenth fills the pipeline, in the forecast as in the simulation
RATIO, CYCLES = 0.03, 4.0  # what a forecast may be wrong by, the larger of both


def check_one(seed: int, lint: bool = True) -> str:
    """Forecast and simulate the network of ``seed`` with its plan; return a line about it.

    Raises
    ------
    BsnnError
        The forecast is too far off.
    """
    from bsnn_hw.emission.design import emit_verilog
    from bsnn_hw.lowering.lower import lower
    from bsnn_hw.model import format as model_format
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.throughput import throughput
    from bsnn_hw.reference.network import run
    from bsnn_hw.summary import outline
    from bsnn_hw.verification.native import build_model, verify_native
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document, random_inputs
    from evidence.random_pipelined import pipelined_schedule
    from evidence.random_plans import random_schedule

    document = (random_map_document if seed % 4 == 3 else random_document)(seed)
    inputs = random_inputs(seed, document, SAMPLES)
    with scratch_folder() as folder:
        model_format.save(folder / "model.pt", document)
        network = lower(model_format.load(folder / "model.pt"), inputs).network
        schedule = (random_schedule if seed % 3 else pipelined_schedule)(seed, network)
        (folder / "rtl").mkdir()
        design = emit_verilog(network, schedule, folder / "rtl")
        model = build_model(design, folder / "build", probes=False, optimize="-O0")
        cycles = verify_native(design, model, inputs).cycles
    activity = measure_activity(network, inputs, run(network, inputs, potentials=False))
    forecast = throughput(network, schedule, activity).cycles
    line = (f"seed {seed}: {outline(network)}, T={network.timesteps}, forecast {forecast:,.1f}, "
            f"simulated {cycles:,.1f}, {forecast / cycles:.3f}")
    if abs(forecast - cycles) > max(RATIO * cycles, CYCLES):
        raise BsnnError(f"{line}; must be within {RATIO:.0%}, or {CYCLES:g} cycles")
    return line


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_cycles", __doc__ or "", check_one, "networks", argv, COUNT,
                       f"cycles as forecast, within {RATIO:.0%} or {CYCLES:g}")


if __name__ == "__main__":
    sys.exit(main())
