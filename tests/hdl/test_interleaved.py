"""Groups of joined currents that interleave: Verilog, compiled, against the reference, with both
ports stalling too."""

import numpy as np

from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.verification.native import build_model, verify_native
from tests.for_each import for_each, quick
from tests.lowering.interleaved import interleaved


@quick(0, wide=1)
@for_each("seed", range(12))
def test_every_spike_potential_and_score(seed, tmp_path):
    rng = np.random.default_rng(seed)
    model = interleaved(seed)
    samples = rng.integers(0, 2, (16, model.timesteps, 3), np.uint8)
    network = lower(model, samples, PrecisionRequest()).network
    parallel = int(rng.integers(1, 4))  # layers whose rows meet are equally parallel
    schedule = make_schedule(network, [1] * len(network.layers),
                             [parallel] * len(network.hidden) + [1])
    for folder in ("rtl", "sim"):
        (tmp_path / folder).mkdir()
    design = emit_verilog(network, schedule, tmp_path / "rtl")
    simulation = build_model(design, tmp_path / "sim", optimize="-O0")
    verify_native(design, simulation, samples)
    verify_native(design, simulation, samples, seed=seed, pause_in=.3, pause_out=.5)
