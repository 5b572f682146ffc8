"""Training on a GPU: a checkpoint comes back on either device, and work goes on from it."""

import dataclasses

import pytest
import torch

from bsnn_hw import train
from bsnn_hw.nn.data import load
from bsnn_hw.nn.files import load_checkpoint, save_checkpoint
from bsnn_hw.nn.recipe import default_recipe
from bsnn_hw.nn.training import Trainer
from tests.for_each import for_each

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def recipe(**changes):
    return default_recipe("digits", **{"hidden": (24, 16), "epochs": 4, "batch": 64} | changes)


def run(trainer, epochs):
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer


def tensors(state):
    """Weights, averages and moments by name, and how many steps the optimizer made."""
    network = {f"network.{name}": value for name, value in state["network"].items()}
    moments = {f"optimizer.{number}.{name}": value
               for number, each in state["optimizer"]["state"].items()
               for name, value in each.items()}
    return {name: value.cpu() for name, value in (network | moments).items()}


def assert_equal(one, other):
    assert (one["epoch"], one["history"]) == (other["epoch"], other["history"])
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys() and any(name.startswith("optimizer") for name in first)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def as_of_a_gpu(state):
    """The state of a run on a CPU, with what a GPU's optimizer says of itself."""
    groups = [{**group, "lr": torch.tensor(0.003), "capturable": True}
              for group in state["optimizer"]["param_groups"]]
    return state | {"optimizer": state["optimizer"] | {"param_groups": groups}}


@pytest.mark.wide
def test_a_checkpoint_of_a_gpu_goes_on_without_one(digits, tmp_path):
    """Its optimizer reads its learning rate from a tensor and may be recorded: neither here."""
    chosen = recipe()
    whole = run(Trainer(chosen, digits), 4)
    half = run(Trainer(chosen, digits), 2)
    save_checkpoint(tmp_path / "c", as_of_a_gpu(half.state()))
    resumed = Trainer(chosen, digits, load_checkpoint(tmp_path / "c"))
    assert_equal(resumed.state(), half.state())
    assert not any(group["capturable"] for group in resumed._optimizer.param_groups)
    assert_equal(run(resumed, 2).state(), whole.state())


@pytest.mark.wide
def test_the_command_goes_on_where_it_is_told(digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    state = as_of_a_gpu(run(Trainer(recipe(), digits), 2).state())
    state["recipe"] = dataclasses.replace(recipe(), device="cuda").as_dict()
    path = tmp_path / "m.checkpoint"
    save_checkpoint(path, state)
    assert train.main(["--resume", str(path)]) == 1
    assert "device: cuda must be usable, found none; use --device cpu" in capsys.readouterr().err
    assert train.main(["--resume", str(path), "--device", "cpu"]) == 0
    assert torch.load(tmp_path / "m.pt", weights_only=True)["recipe"]["device"] == "cpu"


@gpu
@for_each("changes", [{}, {"coding": "events"}, {"network": "conv", "hidden": (4, 6, 8)},
                      {"inputs_used": 20}])
@for_each("before, after", [("cuda", "cuda"), ("cuda", "cpu"), ("cpu", "cuda")])
def test_a_checkpoint_comes_back_and_goes_on(digits, tmp_path, before, after, changes):
    first = run(Trainer(recipe(device=before, **changes), digits), 2)
    save_checkpoint(tmp_path / "c", first.state())
    second = Trainer(recipe(device=after, **changes), digits, load_checkpoint(tmp_path / "c"))
    assert_equal(second.state(), first.state())
    assert {value.device.type for value in second.network.state_dict().values()} == {after}
    run(second, 2)
    steps = {name: value for name, value in tensors(second.state()).items()
             if name.endswith(".step")}
    assert {float(value) for value in steps.values()} == {4.0 * ((1437 - 200) // 64)}
    # Kernels may add in another order, so only what is learnt is compared.
    whole = run(Trainer(recipe(device=before, **changes), digits), 4)
    assert abs(second.test()["accuracy"] - whole.test()["accuracy"]) < 0.1
    assert second.history[-1]["loss"] < second.history[0]["loss"]


@gpu
def test_a_model_of_a_gpu_is_read_without_one(digits, tmp_path):
    from bsnn_hw.model.format import load as load_model

    out = tmp_path / "m.pt"
    assert train.main(["digits", "--hidden", "16,12", "--epochs", "2", "--device", "cuda",
                       "--inputs-used", "30", "--out", str(out)]) == 0
    assert load_model(out).input.used is not None
