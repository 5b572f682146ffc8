"""Random networks that mix what models may say: pairs of things occur, and one is exact."""

import itertools

import pytest

from bsnn_hw.model.check import describe
from evidence.random_mixed import check_one, random_mixed


def test_exact_in_rtl():
    assert check_one(3, lint=False).endswith(": exact")


@pytest.mark.slow
def test_things_meet_in_legal_models():
    found = set()
    for seed in range(60):
        document = random_mixed(seed)
        describe(document, "random")
        found |= set(itertools.combinations(sorted(_things(document)), 2))
    wanted = {"few bits", "floor", "groups", "join", "recurrent", "sample gate", "shortcuts",
              "stateful"}
    wanted = set(itertools.combinations(sorted(wanted), 2)) | {
        ("groups", "second order"), ("join", "second order"), ("recurrent", "second order"),
        ("second order", "stateful"), ("floor", "second order")}
    assert wanted <= found, wanted - found


def _things(document):
    layers = document["layers"]
    shortcuts = [each for layer in layers for each in layer.get("shortcuts") or ()]
    present = {
        "stateful": document.get("stateful"),
        "join": any(layer.get("join") for layer in layers),
        "second order": any("current_leak" in layer["neuron"] for layer in layers),
        "floor": any("min_potential" in layer["neuron"] for layer in layers),
        "groups": any(layer.get("groups", 1) > 1 for layer in layers),
        "few bits": any("weight_bits" in layer for layer in layers),
        "sample gate": any((layer.get("gate") or {}).get("kind") == "sample" for layer in layers),
        "shortcuts": any(each["kind"] != "recurrent" for each in shortcuts),
        "recurrent": any(each["kind"] == "recurrent" for each in shortcuts)}
    return {thing for thing, there in present.items() if there}
