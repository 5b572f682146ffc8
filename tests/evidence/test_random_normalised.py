"""Random normalised inputs are legal models of every kind, and a few of them are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_normalised import check_one, random_normalised
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [0, 2, 4])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_sixty_legal_models():
    documents = [random_normalised(seed) for seed in range(60)]
    kinds = {(hasattr(each["input"]["scale"], "shape"), hasattr(each["input"]["offset"], "shape"),
              any(each["layers"][0].get("padding", [0]))) for each in documents}
    for document in documents:
        describe(document, "random")
    assert len(kinds) >= 6
    gates = [layer.get("gate") or {} for each in documents for layer in each["layers"]]
    assert "sample" in {gate.get("kind") for gate in gates}
