"""The verb ``check``: every layer judged at once, for people and for CI."""

import json

import pytest
import torch

from bsnn_hw.check import check, main
from bsnn_hw.model.format import save
from evidence.random_models import random_document
from tests.for_each import for_each


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.pt"
    save(path, random_document(24))
    return path


def test_a_network_that_can_be_generated(file, capsys):
    assert main([str(file), "-v"]) == 0
    printed = capsys.readouterr()
    assert "model read: " in printed.err
    lines = printed.out.splitlines()
    assert all(line.startswith("accepted ") for line in lines[:-1])
    assert lines[-1] == f"model.pt: accepted, {len(lines) - 1} of {len(lines) - 1} layers accepted"


def test_every_problem_at_its_layer(file, capsys):
    document = random_document(24)
    document["layers"][0]["neuron"]["reset"] = "slow"
    document["layers"][1]["weight"] = torch.zeros(2, 3)
    document["timesteps"] = 0
    torch.save(document, file)
    assert main([str(file), "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert not found["accepted"] and "the lines above say why" in err
    assert ["reset must be" in layer["problems"][0] for layer in found["layers"]][:1] == [True]
    assert any("weight must" in problem for problem in found["layers"][1]["problems"])
    assert any(problem.startswith("model: timesteps") for problem in found["problems"])


@for_each("document", [
    None, [], {"layers": 3}, {"layers": [None, {"name": 4}]},
    {"format": "bsnn-hw/model", "version": 1, "layers": [7, {"name": "a"}, {"weight": 3}]}])
def test_what_is_no_document(document):
    assert not check(document, "x").accepted


def test_a_file_that_cannot_be_read(tmp_path, capsys):
    assert main([str(tmp_path / "none.pt")]) == 1
    assert "must be an existing model file" in capsys.readouterr().err


def test_options_of_nir_files_for_a_model_file(file, capsys):
    assert main([str(file), "--dt", "1"]) == 1
    assert "--dt: must be left out" in capsys.readouterr().err
