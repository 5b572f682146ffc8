"""Random networks that keep their state: every option occurs, and a few of them are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_streams import check_one, random_resets, random_streams
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [1, 2])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_streams(seed), "random") for seed in range(60)]
    layers = [layer for model in models for layer in model.layers if layer.neuron]
    assert all(model.stateful for model in models)
    assert any(layer.recurrences for layer in layers)
    assert any(layer.recurrences and layer.neuron.second_order for layer in layers)
    assert any(layer.neuron.refractory for layer in layers)
    assert any(layer.neuron.saturate and layer.neuron.second_order for layer in layers)
    assert any(model.timesteps == 1 and model.layers[0].neuron.second_order for model in models)
    assert any(layer.shape.positions > 1 for layer in layers)
    assert any(model.timesteps == 1 for model in models)
    for found in ({layer.neuron.reset.value for layer in layers},
                  {model.input.coding.value for model in models},
                  {layer.neuron.comparison.value for layer in layers},
                  {type(layer.neuron.leak).__name__ for layer in layers}):
        assert len(found) == 2, found


def test_resets_come_now_and_then():
    assert 0 < sum(int(random_resets(seed, 24).sum()) for seed in range(10)) < 120
