"""Second-order neurons: what they compute, by hand, and every refusal."""

import numpy as np
import pytest
import torch

from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from tests.model.refusals import problems_of, put

NEURON = {"type": "lif", "leak": 0.5, "current_leak": 0.5, "threshold": 2.0, "reset": "hard",
          "comparison": ">="}


@pytest.fixture
def document():
    """Two inputs, each of which excites a neuron; five timesteps."""
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "second", "timesteps": 5,
        "input": {"coding": "events", "shape": [2]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight_bits": 2,
             "weight": torch.eye(2, dtype=torch.int8), "neuron": dict(NEURON)},
            {"name": "fc2", "type": "linear", "weight": torch.tensor([[1., -1], [-1, 1]]),
             "neuron": {"type": "readout"}}]}


def spikes_and_membranes(document, events):
    """Of neuron 0, which gets ``events``."""
    sample = np.zeros((1, 5, 2), np.uint8)
    sample[0, :, 0] = events
    trace = run(describe(document), sample)
    return trace.spikes[0][0, :, 0].astype(int).tolist(), trace.membranes[0][0, :, 0].tolist()


def test_events_go_on_charging(document):
    """By hand, of events at t = 1 and 2: I = 1, 3/2, 3/4, 3/8, 3/16 and H = 1, 2 (a tie), 3/4, 3/4,
    9/16."""
    found = spikes_and_membranes(document, [1, 1, 0, 0, 0])
    assert found == ([0, 1, 0, 0, 0], [1, 0, 0.75, 0.75, 0.5625])


def test_a_reset_leaves_the_synaptic_current(document):
    put(document, "layers.0.neuron", NEURON | {"reset": "soft", "reset_by": 3.0})
    found = spikes_and_membranes(document, [1, 1, 0, 0, 0])
    assert found == ([0, 1, 0, 0, 0], [1, -1, 0.25, 0.5, 0.4375])


def test_the_input_scale_stands_behind_the_synaptic_current(document):
    put(document, "layers.0.neuron", NEURON | {"input_scale": 2.0})
    assert spikes_and_membranes(document, [1, 0, 0, 0, 0]) == (
        [1, 0, 0, 0, 0], [0, 1, 1, 0.75, 0.5])


def test_a_leak_of_0_and_none_are_alike(document):
    samples = np.random.default_rng(0).integers(0, 2, (20, 5, 2)).astype(np.uint8)
    put(document, "layers.0.neuron.current_leak", 0)
    zero = run(describe(document), samples)
    put(document, "layers.0.neuron.current_leak", ...)
    assert not describe(document).layers[0].neuron.second_order
    assert np.array_equal(run(describe(document), samples).membranes[0], zero.membranes[0])


def test_a_leak_of_1_keeps_all(document):
    put(document, "layers.0.neuron", {**NEURON, "type": "if", "current_leak": 1, "leak": None})
    assert spikes_and_membranes(document, [1, 0, 0, 0, 0]) == (
        [0, 1, 0, 1, 0], [1, 0, 1, 0, 1])


def test_a_leak_for_each_neuron(document):
    put(document, "layers.0.neuron.current_leak", torch.tensor([0.0, 1.0]))
    trace = run(describe(document), np.ones((1, 5, 2), np.uint8))
    assert trace.membranes[0][0].tolist() == [[1, 1], [1.5, 0], [1.75, 0], [1.875, 0], [1.9375, 0]]


def test_a_shortcut_carries_the_current_before_its_leak(document):
    """The layer behind adds the current G, and has neurons of first order."""
    first = {key: value for key, value in NEURON.items() if key != "current_leak"}
    document["layers"].insert(1, {
        "name": "copy", "type": "linear", "weight_bits": 2, "neuron": first,
        "weight": torch.zeros(2, 2, dtype=torch.int8),
        "shortcuts": [{"kind": "current", "from": "fc1"}]})
    trace = run(describe(document), np.ones((1, 5, 2), np.uint8))
    assert trace.membranes[1][0, :, 0].tolist() == [1, 1.5, 1.75, 1.875, 1.9375]


def test_own_spikes_come_into_the_synaptic_current(document):
    """By hand: the spike of t = 2 takes 4 from I at t = 3, which it keeps half of."""
    put(document, "layers.0.shortcuts", [
        {"kind": "recurrent", "weight": torch.tensor([[-1, 0], [0, 0]], dtype=torch.int8),
         "weight_bits": 2, "norm": {"gamma": 4 * torch.ones(2), "beta": torch.zeros(2),
                                    "mean": torch.zeros(2), "var": torch.ones(2), "eps": 0.0}}])
    found = spikes_and_membranes(document, [1, 1, 0, 0, 0])
    # I = 1, 3/2, 3/4 - 4 = -13/4, -13/8, -13/16.
    assert found == ([0, 1, 0, 0, 0], [1, 0, -3.25, -3.25, -2.4375])


def test_refusals(document):
    of = "a number from 0 to 1"
    for value, wanted in (
            (1.5, f"neuron.current_leak must be {of}, or a tensor of one per neuron, not 1.5"),
            (torch.tensor([0.5, -0.25]), f"neuron.current_leak must be {of} for each neuron, but "
             "is not for 1 of 2, first neuron 1 with -0.25"),
            (torch.ones(3), "neuron.current_leak must have one value per neuron, shape (2,), not "
             "shape (3,)")):
        put(document, "layers.0.neuron.current_leak", value)
        assert problems_of(document) == [f"layer 'fc1': {wanted}"]


def test_words_of_the_frameworks_are_explained(document):
    for key, words in (("alpha", "snnTorch's alpha, the leak of a synaptic current, is "
                                 "current_leak"),
                       ("tau_syn", "the leak of the synaptic current is current_leak: "
                                   "exp(-dt/tau_syn), or 1 - dt/tau_syn")):
        put(document, "layers.0.neuron", NEURON | {key: 0.5})
        found, = problems_of(document)
        assert words in found


def test_currents_that_leave_float64_are_refused(document):
    document["timesteps"] = 1000
    put(document, "layers.0.norm", {
        "gamma": torch.full((2,), 1e304, dtype=torch.float64), "beta": torch.zeros(2),
        "mean": torch.zeros(2), "var": torch.ones(2), "eps": 0.0})
    describe(document)  # a leak of 1/2 makes at most twice of them
    put(document, "layers.0.neuron.current_leak", 1.0)
    found, = problems_of(document)
    assert "currents must be finite" in found
