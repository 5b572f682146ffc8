"""Recipes: defaults per data set, and every wrong value refused."""

import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.nn.recipe import check_twin, default_recipe, recipe_from
from tests.for_each import for_each


def test_a_recipe_survives_its_dictionary():
    recipe = default_recipe("fashion-mnist", hidden=(7, 5), seed=3)
    assert recipe_from(recipe.as_dict()) == recipe
    assert recipe.as_dict()["hidden"] == [7, 5]


def test_flips_are_for_clothes_only():
    assert default_recipe("fashion-mnist").flips
    assert not default_recipe("mnist").flips
    assert not default_recipe("digits").flips


def test_networks_have_defaults_of_their_own():
    recipe = default_recipe("fashion-mnist", network="conv", epochs=3)
    assert (len(recipe.hidden), recipe.timesteps, recipe.epochs, recipe.flips) == (4, 2, 3, True)
    assert recipe_from(recipe.as_dict()) == recipe
    assert default_recipe("fashion-mnist", network="residual", hidden=(4,)).hidden == (4,)


def test_younger_fields_are_stated_only_where_they_say_something():
    assert "network" not in default_recipe("digits").as_dict()
    assert "weights" not in default_recipe("digits").as_dict()
    assert "distillation" not in default_recipe("digits").as_dict()
    fields = default_recipe("digits", network="residual", weights="real").as_dict()
    assert (fields["network"], fields["weights"]) == ("residual", "real")


def test_kernels_come_back_as_they_were():
    recipe = default_recipe("digits", network="conv", hidden=(4, 5), kernels=((4, 4),))
    assert recipe.as_dict()["kernels"] == [[4, 4]]
    assert recipe_from(recipe.as_dict()) == recipe
    assert "kernels" not in default_recipe("digits").as_dict()


def test_shape_of_a_sample():
    assert default_recipe("mnist").input_shape((28, 20)) == (560,)
    assert default_recipe("mnist", network="conv").input_shape((28, 20)) == (1, 28, 20)


@for_each("changes, message", [
    ({"hidden": ()}, r"hidden: must be one or more sizes of at least 1, not \(\)"),
    ({"hidden": (3, 0)}, "hidden: must be one or more sizes"),
    ({"epochs": 0}, "epochs: must be 1 or more, not 0; change --epochs"),
    ({"timesteps": 0}, "timesteps: must be 1 or more, not 0"),
    ({"threads": 0}, "threads: must be 1 or more"),
    ({"gate": "x"}, "gate: must be one of agmm, agmm-sample, none, not 'x'"),
    ({"reset": "x"}, "reset: must be one of hard, soft"),
    ({"coding": "x"}, "coding: must be one of direct, events"),
    ({"network": "rnn"}, "network: must be one of fc, recurrent, conv, residual, not 'rnn'"),
    ({"network": "conv", "hidden": (8,)}, "hidden: must be two or more sizes for conv"),
    ({"kernels": ((3, 1),)}, "kernels: must be left out but for conv"),
    ({"network": "conv", "hidden": (8, 8), "kernels": ((3, 1), (3, 1))},
     "kernels: must be as many as convolutions"),
    ({"network": "conv", "hidden": (8, 8), "kernels": ((4, 2),)},
     "kernels: must be side/stride of at least 1, the side odd or equal to its stride"),
    ({"weights": "ternary"}, "weights: must be one of binary, int8-ends, real"),
    ({"device": "tpu"}, "device: must be one of cpu, cuda"),
    ({"leak": 0.0}, r"leak: must be in \(0, 1\], not 0.0"),
    ({"threshold": 0.0}, "threshold: must be positive"),
    ({"learning_rate": float("inf")}, "learning_rate: must be positive, not inf; change "
                                      "--learning-rate"),
    ({"rate_penalty": -1.0}, "rate_penalty: must be 0 or more"),
    ({"batch": 1}, "batch: must be 2 or more, not 1"),
    ({"validation": -1}, "validation: must be 0 or more"),
    ({"seed": -1}, "seed: must be 0 or more"),
    ({"shift": -1}, "shift: must be 0 or more, not -1"),
    ({"label_smoothing": 1.0}, r"label_smoothing: must be in \[0, 1\), not 1.0"),
    ({"distillation": 1.5}, r"distillation: must be in \[0, 1\], not 1.5"),
    ({"distillation": 0.5, "weights": "real"}, "distillation: must be 0 with real weights"),
])
def test_wrong_values(changes, message):
    with pytest.raises(InputError, match=message):
        default_recipe("digits", **changes)


def test_all_problems_at_once():
    with pytest.raises(InputError, match=r"(?s)gate: .*epochs: .*leak: "):
        default_recipe("digits", gate="x", epochs=0, leak=2.0)


def test_unknown_data_set():
    with pytest.raises(InputError, match=r"dataset: must be one of .*, not 'cifar'"):
        default_recipe("cifar")


def test_fields_of_another_version():
    with pytest.raises(InputError, match="recipe: must have the fields of this version"):
        recipe_from({"dataset": "digits", "hidden": [3], "optimiser": "sgd"})


def test_a_twin_is_one_for_weights_of_any_bits():
    """Its real weights have none."""
    real = default_recipe("digits", weights="real")
    check_twin(default_recipe("digits", weight_bits=2, distillation=0.5), real)
    with pytest.raises(InputError, match=r"its leak is 0.5, not 0.75"):
        check_twin(default_recipe("digits", leak=0.75, distillation=0.5), real)
