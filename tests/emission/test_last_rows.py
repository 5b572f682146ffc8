"""Rows at the end of a map that no window of the next layer has step behind the last score."""

import pytest

from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.sim.cocotb_run import run_cocotb
from evidence.random_models import random_inputs
from evidence.random_plans import random_schedule
from evidence.random_second_order import random_second_order

SEED = 5008  # its last line of windows ends before the map does


@pytest.mark.slow
def test_the_bench_waits_for_them(tmp_path):
    document = random_second_order(SEED)
    inputs = random_inputs(SEED, document, 24)
    network = lower(describe(document), inputs, PrecisionRequest(fraction_bits=2)).network
    design = write_bundle(network, random_schedule(SEED, network), inputs[-2:], tmp_path / "out")
    result = run_cocotb(design.verilog.paths, design.verilog.top, "bench", tmp_path / "out",
                        tmp_path / "build", brief=True)
    assert len(result.tests) == 4
