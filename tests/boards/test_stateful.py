"""A network that keeps its state, behind a virtual board: a stream, and resets that the host asks
for."""

import numpy as np
import pytest
import torch

from bsnn_hw import board, pipeline
from bsnn_hw.driver import Device
from bsnn_hw.model.check import describe
from bsnn_hw.reference.network import run

NEURON = {"type": "lif", "leak": 0.9, "threshold": 2.5, "reset": "soft", "comparison": ">="}


def document():
    rng = np.random.default_rng(4)
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "ear", "timesteps": 2, "stateful": True,
        "input": {"coding": "events", "shape": [10]},
        "layers": [{"name": "fc", "type": "linear", "neuron": NEURON,
                    "weight": torch.from_numpy(rng.normal(size=(12, 10))),
                    "shortcuts": [{"kind": "recurrent",
                                   "weight": torch.from_numpy(rng.normal(size=(12, 12)))}]},
                   {"name": "out", "type": "linear", "neuron": {"type": "readout"},
                    "weight": torch.from_numpy(rng.normal(size=(3, 12)))}]}


@pytest.mark.slow
def test_scores_are_those_of_the_stream(tmp_path):
    lowered = pipeline.lower(describe(document()))
    plan = pipeline.plan(lowered, port="bytes")
    pipeline.emit(lowered, plan, tmp_path / "bundle", port="bytes")
    assert board.main([str(tmp_path / "bundle"), "--out", str(tmp_path / "board"), "--clock", "12",
                       "--baud", "3000000"]) == 0
    inputs = np.random.default_rng(5).integers(0, 2, (12, 2, 10)).astype(np.uint8)
    resets = np.arange(12) == 7
    wanted = run(lowered.network, inputs, resets=resets).scores
    assert not np.array_equal(wanted, run(lowered.network, inputs).scores)
    with Device.open(f"virtual:{tmp_path / 'board'}") as device:
        first = device.scores(inputs[:7])
        device.reset()
        rest = [scores for _, scores in device.stream(inputs[7:])]
    np.testing.assert_array_equal(np.concatenate([first, rest]), wanted)
