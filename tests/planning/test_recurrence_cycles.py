"""What a layer waits for its own spikes: the forecast is the simulation's, cycle for cycle."""

import numpy as np
import torch

from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.ir.schedule import Rows
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.throughput import throughput
from bsnn_hw.reference.network import run
from bsnn_hw.verification.native import build_model, verify_native
from tests.for_each import for_each, quick


def silent(neurons, weight_bits):
    """A recurrent layer in which nothing fires, so that it only waits."""
    back = torch.full((neurons, neurons), 1, dtype=torch.int8 if weight_bits > 1 else torch.float)
    document = {
        "format": "bsnn-hw/model", "version": 1, "name": "silent", "timesteps": 6,
        "input": {"coding": "events", "shape": [4]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight": torch.ones(neurons, 4),
             "shortcuts": [{"kind": "recurrent", "weight": back, "weight_bits": weight_bits}],
             "neuron": {"type": "lif", "leak": 0.5, "threshold": 1e6, "reset": "soft",
                        "comparison": ">"}},
            {"name": "out", "type": "linear", "weight": torch.ones(2, neurons),
             "neuron": {"type": "readout"}}]}
    return lower(describe(document), None, PrecisionRequest(fraction_bits=2, leak_bits=3)).network


@quick(0, wide=2)
@for_each("neurons, parallel, weight_bits, rows", [
    (4, 4, 1, 33), (40, 1, 1, 2), (8, 1, 3, 2), (9, 2, 4, 33), (12, 3, 1, 2)])
def test_a_silent_layer_waits_as_long_as_it_is_forecast(neurons, parallel, weight_bits, rows,
                                                        tmp_path):
    network = silent(neurons, weight_bits)
    schedule = make_schedule(network, (1, 1), (parallel, 2)).placed(Rows(rows), Rows(rows))
    inputs = np.zeros((12, 6, 4), np.uint8)
    design = emit_verilog(network, schedule, tmp_path)
    model = build_model(design, tmp_path / "build", probes=False, optimize="-O0")
    activity = measure_activity(network, inputs, run(network, inputs))
    assert throughput(network, schedule, activity).cycles == verify_native(
        design, model, inputs, chunk=len(inputs)).cycles
