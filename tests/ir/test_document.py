"""Convolutions, pooling and shortcuts as JSON: the same bytes, and nothing damaged gets in."""

import json

import numpy as np
import pytest
from joined_example import example
from random_maps import random_network

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Conv,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
    Shape,
)
from bsnn_hw.ir.store import equal, from_json, to_json
from tests.for_each import for_each


def test_text_by_hand():
    document = json.loads(to_json(example()))
    assert document["input"]["shape"] == [1, 2, 2]
    assert document["hidden"][0] == {
        "name": "a", "source": [1, 2, 2], "kernel": [2, 1], "stride": [2, 1], "padding": [1, 0],
        "weights": ["1", "3"], "disconnected": [1], "fraction_bits": 1, "leak_bits": 0,
        "leak": [0], "bias": [[1, -1]], "threshold": [[1, -1]], "reset": "hard",
        "comparison": ">=", "gain": [[1, -1]]}
    assert document["hidden"][1]["shortcuts"] == [{"kind": "current", "back": 1}]
    assert document["hidden"][2]["back"] == 2
    assert document["hidden"][2]["shortcuts"] == [
        {"kind": "spikes", "back": 1, "gain": [[4, -5]]},
        {"kind": "synapse", "back": 2, "pool": {"kind": "sum", "size": [1, 2]},
         "source": [2, 2, 1], "kernel": [1, 2], "stride": [1, 1], "padding": [0, 1],
         "weights": ["f", "f"], "disconnected": [], "gain": [[6, 7]]}]
    assert document["readout"]["pool"] == {"kind": "max", "size": [2, 1]}
    assert "back" not in document["readout"]


@for_each("seed", range(50))
def test_read_gives_back_what_was_saved(seed):
    network = random_network(np.random.default_rng(seed), wide=seed >= 40)
    text = to_json(network)
    got = from_json(text)
    assert equal(got, network)
    assert to_json(got) == text


def test_a_large_kernel_is_one_number_in_the_order_of_its_taps():
    source = Shape(3, 5, 4)
    weights = np.full((1, 3, 5, 4), -1, np.int8)
    weights[0, 2, 1, 3] = 1
    synapse = Conv(weights, np.array([True]), source)
    layer = Hidden("a", synapse, NeuronSpec(0, 0, np.zeros(1, np.int64), np.array([[0]]),
                                            np.array([[1]]), Reset.HARD, Comparison.AT_LEAST))
    readout = Readout("out", Dense(np.ones((1, 1), np.int8), np.ones(1, bool)), np.array([[1]]),
                      np.array([0]), 1.0)
    network = Network("n", 1, Input(Coding.EVENTS, 60, 1, shape=source), (layer,), readout, ("x",))
    words = json.loads(to_json(network))["hidden"][0]["weights"]
    assert words == [f"{1 << (2 * 20 + 1 * 4 + 3):015x}"]
    assert equal(from_json(to_json(network)), network)


def grouped(inputs=6):
    """Two groups of 3 channels in and 2 out, of weights that differ."""
    source = Shape(inputs, 2, 1)
    weights = np.where(np.arange(4 * inputs // 2 * 2).reshape(4, -1, 2, 1) % 3, 1, -1)
    synapse = Conv(weights.astype(np.int8), np.ones(4, bool), source, groups=2)
    layer = Hidden("a", synapse, NeuronSpec(0, 0, np.zeros(1, np.int64), np.zeros((1, 4), np.int64),
                                            np.ones((1, 4), np.int64), Reset.HARD,
                                            Comparison.AT_LEAST))
    readout = Readout("out", Dense(np.ones((1, 4), np.int8), np.ones(1, bool)), np.array([[1]]),
                      np.array([0]), 1.0)
    return Network("n", 1, Input(Coding.EVENTS, source.size, 1, shape=source), (layer,), readout,
                   ("x",))


def test_groups_are_written_and_read():
    document = json.loads(to_json(grouped()))
    assert document["hidden"][0]["groups"] == 2
    assert len(document["hidden"][0]["weights"][0]) == 2  # six weights
    assert equal(from_json(to_json(grouped())), grouped())
    document["hidden"][0]["groups"] = 4
    with pytest.raises(InputError, match="groups must divide the 6 channels that come in"):
        from_json(json.dumps(document))


def wide():
    """A readout with weights of 8 bits, and nothing else."""
    readout = Readout("out", Dense(np.array([[1, -1, 127], [-127, 0, 2]], np.int8),
                                   np.ones(2, bool), 8), np.array([[1, 1]]), np.array([0, 0]), 1.0)
    return Network("n", 1, Input(Coding.EVENTS, 3, 1), (), readout, ("x", "y"))


def test_weights_of_8_bits_are_bytes():
    document = json.loads(to_json(wide()))
    assert document["readout"]["weight_bits"] == 8
    assert document["readout"]["weights"] == ["7fff01", "020081"]
    assert equal(from_json(to_json(wide())), wide())


@for_each("key, value, message", [
    ("weight_bits", 2, "readout.weights must be from -1 to 1"),
    ("weight_bits", 9, "readout.weight_bits must be an integer from 1 to 8"),
    ("weights", ["7fff01", "020080"], "readout.weights must be from -127 to 127"),
    ("weights", ["7fff01", "20081"], "readout.weights must be at least one string of 6"),
])
def test_damaged_weights_of_8_bits(key, value, message):
    document = json.loads(to_json(wide()))
    document["readout"][key] = value
    with pytest.raises(InputError, match=message):
        from_json(json.dumps(document))


@for_each("path, value, message", [
    (["input", "shape"], [1, 2], "input.shape must have 3 integers per row"),
    (["input", "shape"], [1, 2, 0], "input.shape must be 3 integers from 1 to"),
    (["input", "shape"], [1, 2, 3], "input: shape must have 4 values"),
    (["input", "shape"], [4, 1, 1], "layer 'a': the kernel must be for a map of 4 x 1 x 1, not"),
    (["hidden", 0, "kernel"], [2], r"hidden\[0\].kernel must have 2 integers"),
    (["hidden", 0, "kernel"], [2, 65], r"hidden\[0\].kernel must be 2 integers from 1 to 64"),
    (["hidden", 0, "kernel"], [4, 2], r"weights must be at least one string of 2"),
    (["hidden", 0, "weights", 1], "7", "must have no bit above that of the last of 2 inputs"),
    (["hidden", 0, "stride"], [0, 1], r"hidden\[0\].stride must be 2 integers from 1 to 64"),
    (["hidden", 0, "padding"], [1, 64], r"hidden\[0\].padding must be 2 integers from 0 to 63"),
    (["hidden", 0, "padding"], [1, 1], "layer 'a': padding must be less than the kernel's sides"),
    (["hidden", 0, "padding"], [0, 0], "layer 'b': fan_in must be 4"),
    (["hidden", 1, "source"], [2, 2], r"hidden\[1\].source must have 3 integers"),
    (["hidden", 1, "source"], [2, 4, 1], "layer 'b': the kernel must be for a map of 2 x 2 x 2"),
    (["hidden", 1, "gain"], [[1]], r"hidden\[1\].gain must have 2 integers per row"),
    (["hidden", 1, "shortcuts"], {}, r"hidden\[1\].shortcuts must be a list"),
    (["hidden", 1, "shortcuts"], [3], r"hidden\[1\].shortcuts\[0\] must be an object"),
    (["hidden", 1, "shortcuts", 0, "kind"], "add", "must be one of current, spikes, synapse"),
    (["hidden", 1, "shortcuts", 0, "back"], 0, "back must be an integer from 1"),
    (["hidden", 1, "shortcuts", 0, "back"], 2, "layer 'b': back must lead to an earlier layer"),
    (["hidden", 2, "shortcuts", 0, "gain"], [[1]], r"shortcuts\[0\].gain must have 2 integers"),
    (["hidden", 2, "shortcuts", 1, "pool", "kind"], "avg", "pool.kind must be one of max, sum"),
    (["hidden", 2, "shortcuts", 1, "pool", "size"], [2, 3], "layer 'c': windows of 2 x 3 must"),
    (["hidden", 2, "back"], True, "back must be an integer"),
    (["readout", "pool"], None, "readout.pool must be an object"),
    (["readout", "kernel"], [1, 1], "readout.source must be a list of integers"),
])
def test_damaged_values(path, value, message):
    document = json.loads(to_json(example()))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=message) as caught:
        from_json(json.dumps(document), "net.json")
    assert str(caught.value).startswith("net.json: ")
    assert "\n" not in str(caught.value)


def test_a_readout_is_fully_connected():
    document = json.loads(to_json(example()))
    document["readout"].update(source=[2, 1, 2], kernel=[1, 2], stride=[1, 1], padding=[0, 0])
    with pytest.raises(InputError, match=r"readout\.kernel must not be in the readout"):
        from_json(json.dumps(document))
