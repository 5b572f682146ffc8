"""How far membranes go: what lowering proves, and what a penalty changes."""

import numpy as np
import pytest
import torch

import bsnn_hw
from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import hidden_bounds, network_bounds, step_bounds
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.nn import save_model
from bsnn_hw.nn.data import load
from bsnn_hw.nn.membrane import Membranes
from bsnn_hw.nn.recipe import default_recipe
from bsnn_hw.nn.training import Trainer
from tests.for_each import for_each, quick


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def trained(digits, **changes):
    trainer = Trainer(default_recipe("digits", **{"hidden": (24, 16), "epochs": 2} | changes),
                      digits)
    while not trainer.finished:
        trainer.run_epoch()
    return trainer


def model_of(trainer, folder):
    recipe = trainer.recipe
    bits = 1 if recipe.coding == "events" else recipe.bits
    save_model(folder / "m.pt", trainer.network, input={
        "shape": list(recipe.input_shape(trainer.dataset.shape)), "bits": bits,
        "scale": 1 / ((1 << bits) - 1)})
    return bsnn_hw.load(folder / "m.pt")


@quick(3, wide=None)
@for_each("changes", [
    {}, {"gate": "none", "reset": "soft"}, {"coding": "events"}, {"leak": 1.0, "timesteps": 3},
    {"weight_bits": 3}, {"weights": "int8-ends"}, {"bits": 2, "gate_ratios": "equal"},
    {"network": "conv", "hidden": (4, 6, 8)}])
def test_the_reach_is_what_lowering_proves(digits, tmp_path, changes):
    trainer = trained(digits, **changes)
    with torch.no_grad():  # neurons that a scale turns round, and one that nothing moves
        for layer in trainer.network.hidden.values():
            layer.norm.weight[1] = -layer.norm.weight[1]
            layer.norm.weight[2] = 0
    membranes = Membranes(trainer.network, 1 if changes.get("coding") else trainer.recipe.bits)
    lowered = lower(model_of(trainer, tmp_path), None,
                    PrecisionRequest(fraction_bits=0, leak_bits=10)).network
    for number, (name, layer) in enumerate(trainer.network.hidden.items()):
        integers, largest = lowered.hidden[number], lowered.largest(number)
        with torch.no_grad():
            reach = membranes._reach(name, layer).numpy()
        steps = [step.charged for step in step_bounds(integers, largest, ())]
        proven = np.max([np.maximum(-low, high) for low, high in steps], axis=0)
        moved = integers.synapse.connected  # others have constants in the place of membranes
        assert moved.sum() > len(moved) / 2
        difference = np.abs(reach - proven.astype(float))[moved]
        assert (difference <= 3 + 0.01 * reach[moved]).all(), (name, difference)
        width = hidden_bounds(integers, largest).charged.width
        assert width <= membranes.widths()[name] <= width + 1


@pytest.mark.wide
def test_a_penalty_makes_membranes_narrower(digits, tmp_path):
    free, aimed = (trained(digits, hidden=(64, 32), epochs=12, membrane_bits=bits)
                   for bits in (0, 11))
    assert Membranes(free.network, 4).widths()["fc1"] == 12
    assert aimed.history[-1]["membrane_bits"]["fc1"] == 11
    assert aimed.test()["accuracy"] > free.test()["accuracy"] - 0.03
    with torch.no_grad():
        excess = [float(Membranes(each.network, 4).excess(11)) for each in (free, aimed)]
    assert excess[1] < 0.1 * excess[0]
    samples = digits.train_x[:200]
    wanted = PrecisionRequest(membrane_bits=11)
    network = lower(model_of(aimed, tmp_path), samples, wanted).network
    assert {bounds.charged.width for bounds in network_bounds(network)[0]} == {11}
    with pytest.raises(InputError, match="layer 'fc1': membranes must have at most 11 bits"):
        lower(model_of(free, tmp_path), samples, wanted)


def test_what_no_signs_reach_is_refused(digits):
    with pytest.raises(InputError, match="membrane_bits: must be at least 11 for layer fc1, of 64 "
                                         "inputs up to 15, not 10; or take fewer `inputs_used`"):
        trained(digits, membrane_bits=10)
    trained(digits, membrane_bits=10, inputs_used=30, epochs=1)
    with pytest.raises(InputError, match="membrane_bits: must be at least 7 for layer fc2, of 64"):
        trained(digits, membrane_bits=6, coding="events", bits=1, hidden=(64, 8), inputs_used=16)
