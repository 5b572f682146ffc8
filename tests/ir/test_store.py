"""Networks as JSON: the same bytes, the same network, and nothing damaged gets in."""

import itertools
import json
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
)
from bsnn_hw.ir.store import equal, from_json, read, save, to_json
from tests.for_each import for_each


def dense(rng, neurons, fan_in):
    weights = rng.choice(np.array([-1, 1], np.int8), (neurons, fan_in))
    return Dense(weights, rng.random(neurons) > 0.2)


def hidden(rng, name, neurons, fan_in, timesteps, same=False):
    bias, threshold = rng.integers(-99, 99, (2, timesteps, neurons))
    leak = np.concatenate([[0], rng.integers(0, 99, timesteps - 1)])
    return Hidden(name, dense(rng, neurons, fan_in), NeuronSpec(
        3, 7, leak, np.repeat(bias[:1], timesteps, axis=0) if same else bias, threshold,
        Reset.SOFT, Comparison.ABOVE))


def network(seed=0, sizes=(9, 5, 4, 3), timesteps=3, same=False):
    rng = np.random.default_rng(seed)
    layers = tuple(hidden(rng, f"fc{index}", neurons, fan_in, timesteps, same)
                   for index, (fan_in, neurons) in enumerate(itertools.pairwise(sizes[:-1])))
    readout = Readout("out", dense(rng, sizes[-1], sizes[-2]),
                      rng.integers(-99, 99, (timesteps, sizes[-1])),
                      rng.integers(-99, 99, sizes[-1]), float(rng.random() + 1e-9))
    return Network("net é", timesteps, Input(Coding.DIRECT, sizes[0], 4), layers, readout,
                   tuple(f"class {index}" for index in range(sizes[-1])))


@for_each("scale", [5e-324, 2.0 ** 62, 1.7e308])
def test_any_scale_of_the_scores(scale):
    original = network()
    original = replace(original, readout=replace(original.readout, scale=scale))
    assert equal(from_json(to_json(original), "n"), original)


@for_each("same", [True, False])
@for_each("timesteps", [1, 2, 5])
@for_each("sizes", [(1, 1, 1), (4, 8, 2), (7, 9, 17, 2), (3, 2), (64, 5, 3)])
def test_read_gives_back_what_was_saved(tmp_path, sizes, timesteps, same):
    original = network(sum(sizes), sizes, timesteps, same)
    save(tmp_path / "network.json", original)
    got = read(tmp_path / "network.json")
    assert equal(got, original)
    assert to_json(got) == to_json(original)
    assert list(tmp_path.iterdir()) == [tmp_path / "network.json"]


def test_text_by_hand():
    synapse = Dense(np.array([[1, -1, -1, -1, 1], [-1, 1, -1, -1, -1]], np.int8),
                    np.array([True, False]))
    readout = Readout("out", synapse, np.array([[4, 4], [4, 4]]), np.array([-1, 0]), 0.5)
    text = to_json(Network("n", 2, Input(Coding.EVENTS, 5, 1), (), readout, ("a", "b")))
    assert json.loads(text) == {
        "format": "bsnn-hw/network", "version": 1, "name": "n", "timesteps": 2,
        "input": {"coding": "events", "size": 5, "bits": 1, "scale": 1.0, "offset": 0.0},
        "hidden": [],
        "readout": {"name": "out", "fan_in": 5, "weights": ["11", "02"], "disconnected": [1],
                    "gain": [[4, 4]], "bias": [-1, 0], "scale": 0.5},
        "classes": ["a", "b"]}
    assert '  "bias": [-1, 0],\n' in text


def test_equal_sees_every_difference():
    one = network()
    assert equal(one, network())
    assert not equal(one, network(1))
    assert not equal(one, replace(one, timesteps=4))
    spec = one.hidden[0].neuron
    for changed in (replace(spec, reset=Reset.HARD), replace(spec, leak=spec.leak + 1),
                    replace(spec, bias=spec.bias.astype(np.int32))):
        layer = replace(one.hidden[0], neuron=changed)
        assert not equal(one, replace(one, hidden=(layer, *one.hidden[1:])))
    assert not equal(one, replace(one, hidden=one.hidden[:1]))


def test_a_large_network_is_quick():
    large = network(0, (784, 1024, 1024, 10), 4)
    start = time.process_time()
    text = to_json(large)
    got = from_json(text)
    assert time.process_time() - start < 2
    assert equal(got, large)


def spoiled(path, value):
    """The document with one value changed; "" deletes the key."""
    document = json.loads(to_json(network()))
    place = document
    for key in path[:-1]:
        place = place[key]
    if value == "":
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(document)


@for_each("path, value, message", [
    (["format"], "other", "format must be 'bsnn-hw/network', version 1"),
    (["version"], 2, "format must be 'bsnn-hw/network', version 1"),
    (["version"], True, "version must be an integer"),
    (["timesteps"], 0, "timesteps must be an integer from 1 to"),
    (["timesteps"], "", "timesteps must be an integer"),
    (["timesteps"], 4, r"hidden\[0\].leak must have 4 integers"),
    (["name"], "a\nb", "names must be 1 to 64 printable characters"),
    (["input"], [], "input must be an object"),
    (["input", "coding"], "burst", r"input.coding must be one of direct, events"),
    (["input", "coding"], "spikes", r"input.coding must be one of direct, events"),
    (["input", "bits"], 9, "input.bits must be an integer from 1 to 8"),
    (["input", "size"], 8, "layer 'fc0': fan_in must be 8"),
    (["hidden"], {}, "hidden must be a list of objects"),
    (["hidden"], [], "layer 'out': fan_in must be 9"),
    (["hidden", 0], None, r"hidden\[0\] must be an object"),
    (["hidden", 0, "name"], "../up", r"hidden\[0\].name must be a letter and then"),
    (["hidden", 0, "name"], "FC1", "distinct names"),
    (["hidden", 0, "weights", 2], "xyz", r"hidden\[0\].weights must be at least one string of 3"),
    (["hidden", 0, "weights", 2], "01", r"hidden\[0\].weights must be at least one string of 3"),
    (["hidden", 0, "weights", 2], 12, r"hidden\[0\].weights must be a list of strings"),
    (["hidden", 0, "weights", 2], "fff", r"weights must have no bit above that of the last of 9"),
    (["hidden", 0, "weights"], [], r"hidden\[0\].weights must be at least one string"),
    (["hidden", 0, "weights"], ["001"], r"fan_in|must have 1 integers|disconnected"),
    (["hidden", 0, "disconnected"], [5], "disconnected must be indexes of the 5 neurons"),
    (["hidden", 0, "disconnected"], [-1], "disconnected must be indexes of the 5 neurons"),
    (["hidden", 0, "bias"], [[1, 2, 3, 4]], r"hidden\[0\].bias must have 5 integers per row"),
    (["hidden", 0, "bias"], [], r"hidden\[0\].bias must have 1 or 3 rows, not 0"),
    (["hidden", 0, "bias"], [[1, 2, 3, 4, 0.5]], "must hold integers of at most 62 bits"),
    (["hidden", 0, "bias"], [[1, 2, 3, 4, 1 << 63]], "must hold integers of at most 62 bits"),
    (["hidden", 0, "fraction_bits"], -1, "fraction_bits must be an integer from 0 to 62"),
    (["hidden", 0, "fraction_bits"], 62, "layer 'fc0': potentials and scores must fit 64 bits"),
    (["hidden", 0, "leak"], [1, 2, 3], "leak must be 0 in the first timestep"),
    (["hidden", 0, "leak"], [0, 1 << 61, 3], "layer 'fc0': potentials and scores must fit 64"),
    (["hidden", 0, "reset"], "soft ", "reset must be one of hard, soft"),
    (["readout", "scale"], 0, "readout.scale must be a finite number above 0"),
    (["readout", "scale"], float("nan"), "readout.scale must be a finite number"),
    (["readout", "scale"], 10 ** 400, "readout.scale must be a finite number"),
    (["input", "offset"], float("inf"), "input.offset must be a finite number"),
    (["readout", "gain"], [[1 << 61] * 3], "layer 'out': potentials and scores must fit 64 bits"),
    (["readout", "bias"], [1, 2], "readout.bias must have 3 integers per row"),
    (["classes"], ["a", "b"], "classes must name each of the 3 outputs, not 2"),
])
def test_damaged_values(path, value, message):
    with pytest.raises(InputError, match=message) as caught:
        from_json(spoiled(path, value), "net.json")
    assert str(caught.value).startswith("net.json: ")
    assert "\n" not in str(caught.value)


@for_each("text", ["", "{", "nonsense", "[" * 100_000, "[]", "1" * 10_000, "null"])
def test_damaged_text(text):
    with pytest.raises(InputError, match=r"net\.json: ") as caught:
        from_json(text, "net.json")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(InputError, match="must be a readable network file; No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="must be a readable network file"):
        read(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="and is no text"):
        read(tmp_path / "binary.json")
    with pytest.raises(InputError, match="the folder must exist and allow writing there"):
        save(tmp_path / "none" / "network.json", network())


@for_each("seed", range(3))
def test_a_cut_or_changed_file_never_ends_in_a_traceback(seed):
    rng, text = np.random.default_rng(seed), to_json(network(seed))
    for _ in range(60):
        at = int(rng.integers(len(text)))
        damaged = text[:at] if rng.random() < 0.3 else text[:at] + chr(
            rng.integers(32, 127)) + text[at + 1:]
        with suppress(InputError):
            from_json(damaged)
