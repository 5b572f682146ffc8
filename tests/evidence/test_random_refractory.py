"""Random neurons that rest after a spike: every option occurs, and a few of them are exact."""

import pytest

from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Conv2d
from evidence.random_refractory import check_one, random_refractory


@pytest.mark.wide
def test_exact_in_rtl():
    for seed in (0, 2):
        assert check_one(seed, lint=False).endswith(": exact"), f"seed {seed}"


@pytest.mark.slow
def test_pooled_currents_that_nothing_reads():
    """Two thirds of the map are walked over when the last score is out."""
    assert check_one(48, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_refractory(seed), "random") for seed in range(60)]
    layers = [layer for model in models for layer in model.layers
              if layer.neuron and layer.neuron.refractory]
    for what, found in (
            ("a state that is kept", [model.stateful for model in models]),
            ("one timestep, kept", [model.stateful and model.timesteps == 1 for model in models]),
            ("second order", [layer.neuron.second_order for layer in layers]),
            ("a recurrence", [layer.recurrences for layer in layers]),
            ("a join", [len(layer.shortcuts) > len(layer.recurrences) for layer in layers]),
            ("a map", [isinstance(layer.synapse, Conv2d) for layer in layers]),
            ("pooled currents", [layer.current_pool for layer in layers]),
            ("a gate of the sample's", [layer.own_gate for layer in layers])):
        assert any(found), what
    assert any(layer.neuron and not layer.neuron.refractory
               for model in models for layer in model.layers), "a neuron that does not rest"
