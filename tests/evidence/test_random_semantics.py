"""Random networks of what others train: every option occurs, and a few of them are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_semantics import check_one, random_semantics
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [2, 7])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_a_hundred_legal_models():
    documents = [random_semantics(seed) for seed in range(100)]
    for document in documents:
        describe(document, "random")
    hidden = [layer for document in documents for layer in document["layers"][1:-1]]
    shortcuts = [each for layer in hidden for each in layer.get("shortcuts", [])]
    assert {layer.get("weight_bits", 1) for layer in hidden} == set(range(1, 9))
    assert {each.get("weight_bits", 1) for each in shortcuts} >= {1, 2, 3}
    assert any((layer["weight"] == 0).flatten(1).all(dim=1).any() for layer in hidden
               if "weight_bits" in layer), "neurons whose weights are all 0"
