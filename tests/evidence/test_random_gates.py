"""Random networks whose samples make their gates: every option occurs, and a few are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_gates import check_one, random_gated_document
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [0, 1])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_sixty_legal_models():
    models = [describe(random_gated_document(seed), "random") for seed in range(60)]
    hidden = [layer for model in models for layer in model.layers[:-1]]
    gated = [layer for layer in hidden if layer.own_gate]
    assert len(gated) > len(hidden) / 2
    assert {layer.synapse.weight.ndim for layer in gated} == {2, 4}
    assert {layer.synapse.weight_bits for layer in gated} == {1, 8}
    assert any(layer.feed.pool for layer in gated)
    assert {model.input.coding.value for model in models} == {"direct", "events"}
