"""Membranes with a floor: what they compute, by hand and beside numpy, and every refusal."""

import numpy as np
import pytest
import torch

from bsnn_hw.model.check import describe
from bsnn_hw.model.format import load, save
from bsnn_hw.model.real import run
from tests.for_each import for_each
from tests.model.refusals import problems_of, put

NEURON = {"type": "if", "threshold": 2.0, "reset": "soft", "comparison": ">=",
          "min_potential": -1.0}


@pytest.fixture
def document():
    """Two inputs, which excite a neuron each with 2 and inhibit the other; six timesteps."""
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "floor", "timesteps": 6,
        "input": {"coding": "events", "shape": [2]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight_bits": 3,
             "weight": torch.tensor([[2, -2], [-2, 2]], dtype=torch.int8), "neuron": dict(NEURON)},
            {"name": "fc2", "type": "linear", "weight": torch.tensor([[1., -1], [-1, 1]]),
             "neuron": {"type": "readout"}}]}


def spikes_and_membranes(document, currents):
    """Of neuron 0, which gets ``currents`` of 2, 0 and -2."""
    sample = np.zeros((1, len(currents), 2), np.uint8)
    sample[0, :, 0], sample[0, :, 1] = np.array(currents) > 0, np.array(currents) < 0
    trace = run(describe(document), sample)
    return trace.spikes[0][0, :, 0].astype(int).tolist(), trace.membranes[0][0, :, 0].tolist()


def test_a_membrane_does_not_sink_below_its_floor(document):
    """By hand: V = -1 in place of -2 and of -3, then 1, and 3, which fires and leaves 1."""
    found = spikes_and_membranes(document, [-2, -2, 2, 2, 0, 0])
    assert found == ([0, 0, 0, 1, 0, 0], [-1, -1, 1, 1, 1, 1])
    put(document, "layers.0.neuron.min_potential", None)
    assert spikes_and_membranes(document, [-2, -2, 2, 2, 0, 0])[0] == [0] * 6


def test_the_floor_comes_behind_the_leak_and_the_current(document):
    """By hand, a half kept: H = -2, -1/2 - 2, -1/2 + 2, 3/4 + 2, which fires and leaves 3/4."""
    put(document, "layers.0.neuron.type", "lif")
    put(document, "layers.0.neuron.leak", 0.5)
    found = spikes_and_membranes(document, [-2, -2, 2, 2, 0, 0])
    assert found == ([0, 0, 0, 1, 0, 0], [-1, -1, 1.5, 0.75, 0.375, 0.1875])


def test_a_floor_of_0_lets_no_membrane_be_negative(document):
    put(document, "layers.0.neuron.min_potential", 0)
    put(document, "layers.0.neuron.threshold", 4)
    found = spikes_and_membranes(document, [-2, 2, 2, 0, -2, 2])
    assert found == ([0, 0, 1, 0, 0, 0], [0, 2, 0, 0, 0, 2])


def test_a_spike_may_take_a_membrane_to_its_floor(document):
    put(document, "layers.0.neuron.reset_by", 3.0)
    assert spikes_and_membranes(document, [2, 0, 2, 2, 0, 0])[1] == [-1, -1, 1, 0, 0, 0]


def test_a_synaptic_current_has_no_floor(document):
    """By hand: I = -2, -1, 3/2, 3/4, 3/8, 3/16, and V is -1 after -2 and after -2 again."""
    put(document, "layers.0.neuron.current_leak", 0.5)
    found = spikes_and_membranes(document, [-2, 0, 2, 0, 0, 0])[1]
    assert found == [-1, -1, 0.5, 1.25, 1.625, 1.8125]


@for_each("reset", ["hard", "soft"])
@for_each("comparison", [">=", ">"])
def test_beside_a_few_lines_of_numpy(document, reset, comparison):
    rng = np.random.default_rng(0)
    floor, threshold, leak = rng.uniform(-2, 0, 2), rng.uniform(0.5, 3, 2), rng.uniform(0, 1, 2)
    document["layers"][0]["neuron"] = {
        "type": "lif", "reset": reset, "comparison": comparison,
        **{key: torch.tensor(values) for key, values in (
            ("leak", leak), ("threshold", threshold), ("min_potential", floor))}}
    samples = (rng.random((50, 6, 2)) < 0.5).astype(np.uint8)
    trace, potential = run(describe(document), samples), np.zeros((50, 2))
    for t in range(6):
        charged = leak * potential + samples[:, t] @ np.array([[2, -2], [-2, 2]])
        fired = charged >= threshold if comparison == ">=" else charged > threshold
        potential = np.where(fired, 0 if reset == "hard" else charged - threshold, charged)
        potential = np.maximum(potential, floor)
        assert np.array_equal(trace.spikes[0][:, t], fired)
        assert np.allclose(trace.membranes[0][:, t], potential, rtol=0, atol=1e-15)
    assert (trace.membranes[0] == floor).any()


def test_a_window_starts_from_the_floor_where_the_one_before_ended_there(document):
    document["stateful"], document["timesteps"] = True, 1
    put(document, "layers.0.neuron.reset", "hard")
    inputs = np.array([[[0, 1]], [[1, 0]], [[1, 0]]], np.uint8)
    trace = run(describe(document), inputs)
    assert trace.membranes[0][:, 0, 0].tolist() == [-1, 1, 0]


def test_goes_through_a_file(document, tmp_path):
    for suffix in ("pt", "safetensors"):
        for value in (-1.5, torch.tensor([-1.5, -0.25])):
            document["layers"][0]["neuron"]["min_potential"] = value
            save(tmp_path / f"model.{suffix}", document)
            found = load(tmp_path / f"model.{suffix}").layers[0].neuron.min_potential
            assert np.array_equal(found, value)


@for_each("value, message", [
    (0.5, "a finite number, 0 or less, or a tensor of one per neuron, not 0.5"),
    (-float("inf"), "a finite number, 0 or less, or a tensor of one per neuron, not -inf"),
    (True, "a finite number, 0 or less, or a tensor of one per neuron, not True"),
    (torch.tensor([-1.0, 0.25]), "a finite number, 0 or less for each neuron, but is not for 1 of "
                                 "2, first neuron 1 with 0.25")])
def test_a_floor_is_0_or_less(document, value, message):
    document["layers"][0]["neuron"]["min_potential"] = value
    assert problems_of(document) == [f"layer 'fc1': neuron.min_potential must be {message}"]


def test_no_spike_may_go_below_the_floor(document):
    """1 + 2 may be subtracted, also where decimals do not add up; no more of any neuron."""
    put(document, "layers.0.neuron.reset_by", 3.5)
    reason = ("a spike would take the membrane below its floor, with which only membranes that do "
              "not fire are compared")
    where = "layer 'fc1': neuron.reset_by must be at most threshold - min_potential"
    assert problems_of(document) == [f"{where}, 3, not 3.5: {reason}"]
    put(document, "layers.0.neuron.reset_by", torch.tensor([3.0, 3.25]))
    assert problems_of(document) == [f"{where}, 3, not 3.25: {reason}"]
    document["layers"][0]["neuron"] |= {"threshold": 0.3, "min_potential": -0.6, "reset_by": 0.9}
    assert describe(document).layers[0].neuron.reset_amount > 0.3 + 0.6 - 1e-16
    document["layers"][0]["neuron"] |= {"threshold": 0.1, "min_potential": -0.2, "reset_by": 0.3}
    describe(document)
    single = {key: torch.tensor(value) for key, value in (
        ("threshold", 0.05), ("min_potential", -0.7), ("reset_by", 0.75))}
    document["layers"][0]["neuron"] |= single
    describe(document)


def test_sinabs_word_is_told_of_ours(document):
    document["layers"][0]["neuron"]["min_v_mem"] = -1.0
    assert "sinabs' min_v_mem is min_potential" in problems_of(document)[0]
