"""Random maps cover every option, and a few of them are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_map_models import random_map_document
from evidence.random_maps import check_one
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [6, 13])
def test_exact_in_rtl(seed):
    """Direct and events, with pooling and joins."""
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_a_hundred_legal_models():
    documents = [random_map_document(seed) for seed in range(100)]
    for document in documents:
        describe(document, "random")
    layers = [layer for document in documents for layer in document["layers"]]
    shortcuts = [each for layer in layers for each in layer.get("shortcuts", [])]
    synapses = [each for each in (*layers, *shortcuts)
                if "conv2d" in (each.get("type"), each.get("kind"))]
    assert {document["input"]["coding"] for document in documents} == {"direct", "events"}
    assert {document["timesteps"] for document in documents} == {1, 2, 3, 4}
    assert {len(document["layers"]) for document in documents} == {2, 3, 4, 5, 6}
    assert {tuple(document["input"]["shape"][1:]) for document in documents} >= {(1, 1), (8, 8)}
    assert {each["kind"] for each in shortcuts} == {"current", "spikes", "conv2d", "linear"}
    assert {layer["pool"]["kind"] for layer in layers if "pool" in layer} == {"max", "avg", "sum"}
    assert any("pool" in each for each in shortcuts)
    assert any("input" in layer for layer in layers)
    for axis in (0, 1):
        assert {each["weight"].shape[2 + axis] for each in synapses} == {1, 2, 3, 4, 5}
        assert {each["stride"][axis] for each in synapses} == {1, 2, 3}
        assert {each["padding"][axis] for each in synapses} == {0, 1, 2}
    assert {each["weight"].shape[0] for each in synapses} >= {1, 9}
