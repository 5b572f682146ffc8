"""docs/model.md: its code runs, and its hand-worked numbers and its blocks are right."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from bsnn_hw.model.check import describe
from bsnn_hw.model.format import load
from bsnn_hw.model.real import run

PAGE = Path(__file__).parents[2] / "docs" / "model.md"


@pytest.fixture
def scope(tmp_path, monkeypatch):
    """What the page's code leaves behind, the random weights always the same."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 11
    names = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_the_code_of_the_page_runs(scope, tmp_path):
    assert scope["trace"].classes.tolist() == [1]
    assert load(tmp_path / "mine.pt").timesteps == 4
    assert load(tmp_path / "stream.pt").stateful
    assert load(tmp_path / "second_order.pt").layers[0].neuron.second_order


def test_the_blocks_compute_what_the_modules_do(scope, tmp_path):
    model = load(tmp_path / "residual.pt")
    assert [(layer.name, layer.shape.channels, layer.shape.height) for layer in model.layers] == [
        ("stem", 8, 14), ("body", 8, 14), ("block_1", 16, 7), ("block_2", 16, 7), ("fc", 10, 1)]
    inputs = np.random.default_rng(0).integers(0, 256, (3, 784), dtype=np.uint8)
    trace = run(model, inputs)
    convs = [module.double() for module in scope["convs"]]
    norms = [module.double() for module in scope["norms"]]

    def current(index, spikes):
        module = convs[index]
        signs = torch.where(module.weight >= 0, 1.0, -1.0).double()
        return norms[index](conv2d(spikes, signs, None, module.stride, module.padding))

    def fire(index, current):
        charged = 0.5 * potentials[index] + current
        spikes = (charged > 1).double()
        potentials[index] = charged - spikes
        return spikes

    pixels, potentials, scores = torch.from_numpy(inputs).reshape(3, 1, 28, 28) / 255, [0] * 4, 0
    with torch.no_grad():
        for t in range(4):
            stem = current(0, pixels.double())
            first = fire(0, stem)
            body = fire(1, current(1, first) + stem)
            inner = fire(2, current(2, body))
            last = fire(3, current(3, inner) + current(4, body))
            for got, wanted in zip(trace.spikes, (first, body, inner, last), strict=True):
                assert np.array_equal(got[:, t], wanted.flatten(1).bool().numpy()), f"timestep {t}"
            signs = torch.where(scope["output"].weight >= 0, 1.0, -1.0).double()
            scores = scores + last.mean(dim=(2, 3)) @ signs.T / 4
        assert all(spikes.any() for spikes in trace.spikes)
        assert np.allclose(trace.scores, scope["output_norm"].double()(scores).numpy(), atol=1e-9)


def test_the_sew_blocks_add_spikes(scope, tmp_path):
    model = load(tmp_path / "sew.pt")
    inputs = np.random.default_rng(0).integers(0, 256, (3, 784), dtype=np.uint8)
    spikes = [torch.from_numpy(each).reshape(3, 4, 8, 14, 14).double()
              for each in run(model, inputs).spikes]
    conv, batch_norm = scope["convs"][1].double(), scope["norms"][1].double()
    signs = torch.where(conv.weight >= 0, 1.0, -1.0).double()
    given = {"block1_1": spikes[0], "block1_2": spikes[1], "block2_1": spikes[0] + spikes[2],
             "block2_2": spikes[3]}
    for index, (name, values) in enumerate(given.items(), 1):
        assert model.layers[index].name == name
        potential = torch.zeros(3, 8, 14, 14).double()
        for t in range(4):
            with torch.no_grad():
                potential = 0.5 * potential + batch_norm(conv2d(values[:, t], signs, padding=1))
            assert torch.equal((potential > 1).double(), spikes[index][:, t]), name
            potential = potential - spikes[index][:, t]
    assert (spikes[0] + spikes[2]).max() == 2


def test_a_ternary_layer_with_a_scale_per_channel(scope):
    module = torch.nn.Linear(6, 5, bias=False)
    levels, scale = torch.randint(-1, 2, (5, 6)), torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0])
    module.weight = torch.nn.Parameter(levels * scale[:, None], requires_grad=False)
    batch_norm = torch.nn.BatchNorm1d(5).eval()
    with torch.no_grad():
        for value in (batch_norm.weight, batch_norm.bias, batch_norm.running_mean):
            value.copy_(torch.randn(5))
    model = describe({
        "format": "bsnn-hw/model", "version": 1, "name": "ternary", "timesteps": 1,
        "input": {"coding": "events", "shape": [6]},
        "layers": [
            {"name": "first", "type": "linear", "weight": torch.randn(6, 6),
             "neuron": scope["lif"]},
            scope["few_bits"]("second", module, batch_norm, levels, scale),
            {"name": "out", "type": "linear", "weight": torch.randn(2, 5),
             "neuron": {"type": "readout"}}]})
    trace = run(model, np.array(list(np.ndindex(*[2] * 6)), np.uint8)[:, None])
    spikes = torch.from_numpy(trace.spikes[0][:, 0]).float()
    wanted = batch_norm(module(spikes)) > 1
    assert spikes.any() and wanted.any() and not wanted.all()
    assert np.array_equal(trace.spikes[1][:, 0], wanted.numpy())
