"""manifest.json says every window with its stride and padding, as network.json does."""

import json

import numpy as np
import pytest
import torch

import bsnn_hw
from bsnn_hw.model.check import describe
from tests.model.test_current_pool import line


@pytest.mark.wide
def test_windows_that_do_not_lie_side_by_side(tmp_path):
    document = line("max")
    out = document["layers"][1]
    out["pool"] = {"kind": "max", "size": [1, 3], "stride": [1, 2], "padding": [0, 1]}
    out["weight"] = torch.tensor([[0.5] * 2, [-0.5] * 2])
    samples = np.array([[3, 2, 5, 1, 1, 2]], dtype=np.uint8)
    lowered = bsnn_hw.lower(describe(document), samples)
    bsnn_hw.emit(lowered, bsnn_hw.plan(lowered), tmp_path / "out")
    conv, readout = json.loads((tmp_path / "out" / "manifest.json").read_text())["layers"]
    network = json.loads((tmp_path / "out" / "network.json").read_text())
    assert conv["current_pool"] == {"kind": "max", "size": [1, 2]}
    assert (readout["pool"], conv["current_pool"]) == (
        network["readout"]["pool"], network["hidden"][0]["current_pool"])
    assert readout["pool"] == {"kind": "max", "size": [1, 3], "stride": [1, 2], "padding": [0, 1]}


@pytest.mark.wide
def test_rows_are_the_neurons(tmp_path):
    """Of pooled currents; the bundle's bench looks at each once."""
    document = line("max")
    samples = np.array([[3, 2, 5, 1, 1, 2], [0, 7, 1, 0, 2, 2]], dtype=np.uint8)
    lowered = bsnn_hw.lower(describe(document), samples)
    bsnn_hw.emit(lowered, bsnn_hw.plan(lowered), tmp_path / "out", samples)
    conv, _ = json.loads((tmp_path / "out" / "manifest.json").read_text())["layers"]
    assert conv["rows"] == conv["folds"] * conv["map"][1] * conv["map"][2]
    bsnn_hw.verify(tmp_path / "out")
