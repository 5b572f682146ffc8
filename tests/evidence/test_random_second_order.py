"""Random second-order neurons: every option occurs, and a few of them are exact."""

import numpy as np
import pytest

from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Conv2d, Reset
from evidence.random_second_order import check_one, random_second_order
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [2, 9, 5008])
def test_exact_in_rtl(seed):
    """The last lines of a map of 5008 are in no window: they still step behind the last score."""
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_second_order(seed), "random") for seed in range(60)]
    layers = [layer for model in models for layer in model.layers
              if layer.neuron and layer.neuron.second_order]
    assert {layer.neuron.reset for layer in layers} == set(Reset)
    assert any(np.ndim(layer.neuron.current_leak) for layer in layers), "a leak per channel"
    assert any(not layer.shortcuts and np.ptp(layer.gate) for layer in layers), "gates over time"
    for what, found in (
            ("a recurrence", [layer.recurrences for layer in layers]),
            ("a join", [len(layer.shortcuts) > len(layer.recurrences) for layer in layers]),
            ("a map", [isinstance(layer.synapse, Conv2d) for layer in layers]),
            ("pooled currents", [layer.current_pool for layer in layers]),
            ("a gate of the sample's", [layer.own_gate for layer in layers]),
            ("few bits", [layer.synapse.weight_bits > 1 for layer in layers]),
            ("one timestep", [len(layer.gate) == 1 for layer in layers])):
        assert any(found), what
    assert any(layer.neuron and not layer.neuron.second_order
               for model in models for layer in model.layers), "a first-order neuron"
