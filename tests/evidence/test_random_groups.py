"""Random models of grouped and dilated convolutions: all kinds occur, and a few are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_groups import check_one, random_grouped
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [2, 5, 11])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    documents = [random_grouped(seed) for seed in range(60)]
    for document in documents:
        describe(document, "random")
    layers = [layer for document in documents for layer in document["layers"]]
    found = [each for layer in layers for each in (layer, *layer.get("shortcuts", ()))
             if each.get("groups", 1) > 1]
    assert any(each["weight"].shape[1] == 1 for each in found)
    assert any(each["weight"].shape[1] > 1 for each in found)
    assert any(each["weight"].shape[0] > each["groups"] for each in found)
    assert any(each.get("weight_bits") for each in found)
    assert any("kind" in each for each in found)
    assert any(each["dilation"] != [1, 1] for each in found)
