"""Random recurrent networks: every option occurs, and a few of them are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_recurrences import check_one, random_recurrences
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [2, 7])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_recurrences(seed), "random") for seed in range(60)]
    layers = [layer for model in models for layer in model.layers if layer.recurrences]
    found = [each for layer in layers for each in layer.recurrences]
    assert {1, 2, 3, 8} <= {each.synapse.weight_bits for each in found}
    assert {len(layer.recurrences) for layer in layers} == {1, 2}
    assert any(len(layer.shortcuts) > len(layer.recurrences) for layer in layers), "other shortcuts"
    assert any(layer is model.layers[0] and model.input.coding.value == coding
               for coding in ("direct", "events") for model in models for layer in model.layers
               if layer.recurrences)
    assert any(model.timesteps == 1 for model in models)
