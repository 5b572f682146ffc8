"""Spikes that are joined behind the neuron: what is computed, by hand, and every refusal."""

import numpy as np
import pytest
import torch

from bsnn_hw.ir.network import JoinKind
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from tests.for_each import for_each
from tests.model.refusals import problems_of, put

EVENTS = {"type": "if", "threshold": 1.0, "reset": "hard", "comparison": ">="}
EYE = torch.eye(3, dtype=torch.int8)
SAMPLE = np.array([[[1, 1, 0], [0, 1, 1]]], np.uint8)


def linear(name, weight=EYE, **more):
    return {"name": name, "type": "linear", "weight": weight, "weight_bits": 2,
            "neuron": EVENTS, **more}


@pytest.fixture
def document():
    """The input's events; of these (a, b, c) the spikes (b, c, a), joined with them; and again."""
    turn = EYE[[1, 2, 0]]
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "sew", "timesteps": 2,
        "input": {"coding": "events", "shape": [3]},
        "layers": [linear("stem"), linear("one", turn, join={"kind": "add", "from": "stem"}),
                   linear("two", join={"kind": "add", "from": "one"}),
                   linear("out", neuron={"type": "readout", "score": "sum"})]}


def scores(document, kind):
    put(document, "layers.1.join.kind", kind)
    document["layers"].pop(2)
    return run(describe(document), SAMPLE).scores.tolist()


def test_what_leaves_the_layer(document):
    """By hand: the stem fires (1, 1, 0), (0, 1, 1), the layer (1, 0, 1), (1, 1, 0)."""
    trace = run(describe(document), SAMPLE)
    assert trace.spikes[0][0].astype(int).tolist() == [[1, 1, 0], [0, 1, 1]]
    assert trace.spikes[1][0].astype(int).tolist() == [[1, 0, 1], [1, 1, 0]]
    document["layers"][2].pop("join")  # two fires where the sum is 1 or more
    assert run(describe(document), SAMPLE).scores.tolist() == [[2, 2, 2]]


def test_kinds_by_hand(document):
    for kind, wanted in (("add", [3, 3, 2]), ("and", [1, 1, 0]), ("iand", [0, 1, 1]),
                         ("inhibit", [1, 0, 1])):
        copy = {**document, "layers": [{**layer} for layer in document["layers"]]}
        assert scores(copy, kind) == [wanted], kind


def test_sums_grow_along_a_chain(document):
    """two fires where one's sum is 1 or more, (1, 1, 1) twice, and gives that and the sum."""
    assert run(describe(document), SAMPLE).scores.tolist() == [[5, 5, 4]]
    join = describe(document).layers[2].join
    assert (join.kind, join.source) == (None, "one")


def test_a_maximum_is_joined():
    weight = torch.ones(1, 1, 1, 1)
    conv = {"type": "conv2d", "weight": weight, "neuron": EVENTS}
    pool = {"kind": "max", "size": 2}
    model = describe({
        "format": "bsnn-hw/model", "version": 1, "name": "sew", "timesteps": 1,
        "input": {"coding": "events", "shape": [1, 2, 4]},
        "layers": [{"name": "stem", **conv},
                   {"name": "one", **conv, "pool": {"kind": "sum", "size": 2},
                    "neuron": EVENTS | {"threshold": 2.0},
                    "join": {"kind": "iand", "from": "stem", "pool": pool}},
                   linear("out", EYE[:1, :2], neuron={"type": "readout"})]})
    assert model.layers[1].join.kind is JoinKind.IAND
    sample = np.array([[[0, 1, 1, 1, 0, 0, 0, 0]]], np.uint8)
    # one fires at the second place, where two spikes come in; iand leaves the first.
    assert run(model, sample).scores.tolist() == [[1]]


CASES = [
    ("layers.1.join.kind", "or", [
        "join.kind must be one of 'add', 'and', 'iand', 'inhibit', not 'or'; spikes that exclude "
        "each other can be added"]),
    ("layers.1.join.kind", "xor", [
        "join.kind must be one of 'add', 'and', 'iand', 'inhibit', not 'xor'"]),
    ("layers.1.join.kind", ..., [
        "join.kind is missing, and nothing is assumed (docs/model.md)"]),
    ("layers.1.join.from", "two", [
        "join.from must name an earlier layer with neurons, one of 'stem', not 'two'; that layer "
        "is not earlier"]),
    ("layers.1.join.scale", 2.0, [
        "join unknown key 'scale'; known keys are 'kind', 'from', 'pool' (spikes are joined as "
        "they are)"]),
    ("layers.1.weight", EYE[:2], [
        "join must have the shape of the layer's output, 2 x 1 x 1, but layer 'stem' gives "
        "3 x 1 x 1"]),
    ("layers.1.shortcuts", [{"kind": "recurrent", "weight": torch.ones(3, 3)}], [
        "join must be absent in a layer with a recurrence, which gets its own spikes back; take a "
        "layer between"]),
    ("layers.1.join.pool", {"kind": "avg", "size": 1, "stride": 2}, [
        "join.pool stride must be size, [1, 1], and padding 0 where kind is 'avg': windows whose "
        "spikes are counted lie side by side; 'max' takes any"]),
]


@for_each("path, value, wanted", CASES)
def test_refusals(document, path, value, wanted):
    put(document, path, value)
    if path == "layers.1.weight":
        document["layers"][2] = linear("two", torch.ones(3, 2, dtype=torch.int8))
    assert problems_of(document) == [f"layer 'one': {each}" for each in wanted]


def test_what_a_sum_cannot_be(document):
    put(document, "layers.2.join.kind", "iand")
    assert problems_of(document) == [
        "layer 'two': join.from must not be layer 'one', which adds spikes: 'iand' joins spikes, "
        "0 or 1, and a sum of them can be 2"]


def test_the_largest_of_sums(maps):
    put(maps, "layers.1.join", {"kind": "add", "from": "conv1"})
    found = [each for each in problems_of(maps) if "join" in each]
    assert found and all("kind must be 'avg' or 'sum' behind layer 'conv2', whose join adds "
                         "spikes" in each and each.endswith("pool in front of the join")
                         for each in found)


def test_a_pool_behind_a_sum_of_maxima():
    conv = {"type": "conv2d", "weight": torch.ones(1, 1, 1, 1), "neuron": EVENTS}
    join = {"kind": "add", "from": "stem", "pool": {"kind": "max", "size": 2}}
    document = {
        "format": "bsnn-hw/model", "version": 1, "name": "sew", "timesteps": 1,
        "input": {"coding": "events", "shape": [1, 4, 4]},
        "layers": [{"name": "stem", **conv},
                   {"name": "one", **conv, "stride": 2, "join": join},
                   linear("out", EYE[:1, :1], pool={"kind": "avg", "size": 2},
                          neuron={"type": "readout"})]}
    assert problems_of(document) == [
        "layer 'out': pool must be absent behind layer 'one', whose join adds spikes that are "
        "pooled themselves: events are pooled once; take a layer between, or pool in front of "
        "each layer that reads them"]


def test_a_readout_joins_nothing(document):
    put(document, "layers.3.join", {"kind": "and", "from": "stem"})
    assert problems_of(document) == [
        "layer 'out': join must be absent in the readout, which has no spikes"]


def test_sums_of_too_many_layers(document):
    first, *_, out = document["layers"]
    chain = [linear(f"l{number}", join={"kind": "add", "from": f"l{number - 1}"})
             for number in range(1, 17)]
    chain[0]["join"]["from"] = "stem"
    document["layers"] = [first, *chain[:15], out]
    assert len(describe(document).layers) == 17
    document["layers"] = [first, *chain, out]
    assert problems_of(document) == [
        "layer 'l16': join.from must add the spikes of at most 16 layers with this one"]
