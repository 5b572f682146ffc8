"""Random membranes with a floor: every option occurs beside it, and a few of them are exact."""

import numpy as np
import pytest

from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Conv2d, Reset
from evidence.random_floors import check_one, random_floors


@pytest.mark.wide
def test_exact_in_rtl():
    for seed in (0, 4, 8):  # plain, pipelined, units of their own
        assert check_one(seed, lint=False).endswith(": exact"), f"seed {seed}"


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_floors(seed), "random") for seed in range(60)]
    layers = [layer for model in models for layer in model.layers
              if layer.neuron and layer.neuron.min_potential is not None]
    floors = [np.asarray(layer.neuron.min_potential) for layer in layers]
    for what, found in (
            ("a state that is kept", [model.stateful for model in models]),
            ("neurons that rest", [layer.neuron.refractory for layer in layers]),
            ("potentials that saturate", [layer.neuron.saturate for layer in layers]),
            ("second order", [layer.neuron.second_order for layer in layers]),
            ("a recurrence", [layer.recurrences for layer in layers]),
            ("shortcuts", [len(layer.shortcuts) > len(layer.recurrences) for layer in layers]),
            ("a join of spikes", [layer.join for layer in layers]),
            ("a map", [isinstance(layer.synapse, Conv2d) for layer in layers]),
            ("pooled currents", [layer.current_pool for layer in layers]),
            ("a gate of the sample's", [layer.own_gate for layer in layers]),
            ("a leak of each channel", [np.ndim(layer.neuron.leak) for layer in layers]),
            ("a soft reset by another amount", [
                layer.neuron.reset is Reset.SOFT and layer.neuron.reset_by is not None
                for layer in layers]),
            ("a floor of each channel", [len(np.unique(floor)) > 1 for floor in floors]),
            ("a floor of 0", [not floor.any() for floor in floors]),
            ("a spike that ends at the floor", [
                np.any(layer.neuron.threshold - floor == layer.neuron.reset_amount)
                for layer, floor in zip(layers, floors, strict=True)])):
        assert any(found), what
    assert any(layer.neuron and layer.neuron.min_potential is None
               for model in models for layer in model.layers), "a membrane without a floor"
