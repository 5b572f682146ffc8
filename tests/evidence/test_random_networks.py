"""The generator of random models covers what it must, and a few of them are exact."""

import numpy as np

from evidence.random_models import random_document, random_inputs
from evidence.random_networks import check_one
from evidence.random_variants import varied
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [2, 8, 30, 47])
def test_exact_in_rtl(seed):
    """Direct and events, T = 1 and more, one to three hidden layers."""
    assert check_one(seed, lint=False).endswith(": exact")


def test_every_option_occurs_in_a_hundred():
    documents = [varied(seed, random_document(seed)) for seed in range(100)]
    layers = [layer for document in documents for layer in document["layers"]]
    neurons = [layer["neuron"] for layer in layers if layer["neuron"]["type"] != "readout"]
    assert {document["input"]["coding"] for document in documents} == {"direct", "events"}
    assert {document["timesteps"] for document in documents} == set(range(1, 9))
    assert {len(document["layers"]) for document in documents} == {2, 3, 4}
    assert {document["input"].get("bits", 1) for document in documents} == set(range(1, 9))
    for key, values in (("type", {"lif", "if"}), ("reset", {"hard", "soft"}),
                        ("comparison", {">=", ">"})):
        assert {neuron[key] for neuron in neurons} == values
    shared = [neuron for neuron in neurons if isinstance(neuron["threshold"], float)]
    assert 1.0 in {neuron.get("leak") for neuron in shared}
    assert any(not isinstance(neuron.get("leak", 1.0), float) for neuron in neurons)
    assert 0.0 in {neuron.get("reset_by") for neuron in shared}
    assert {document.get("readout") is None for document in documents} == {True, False}
    assert {layer["neuron"].get("score") for layer in layers} == {None, "mean", "sum", "last"}
    assert 1 in {len(layer["weight"]) for layer in layers}
    assert {layer["norm"] is None for layer in layers} == {True, False}
    gammas = np.concatenate([layer["norm"]["gamma"].numpy() for layer in layers if layer["norm"]])
    assert (gammas < 0).any() and (gammas == 0).any() and (np.abs(gammas) > 1e5).any()


@for_each("seed", [0, 1])
def test_inputs_go_from_silent_to_saturated(seed):
    document = random_document(seed)
    inputs = random_inputs(seed, document, 10)
    top = (1 << document["input"].get("bits", 1)) - 1
    assert not inputs[0].any()
    assert (inputs[-1] == top).all()
    np.testing.assert_array_equal(inputs, random_inputs(seed, document, 10))
