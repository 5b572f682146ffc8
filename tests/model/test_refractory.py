"""Neurons that rest for a timestep after a spike: what they compute, by hand, and every refusal."""

import numpy as np
import pytest
import torch

from bsnn_hw.model.check import describe
from bsnn_hw.model.format import load, save
from bsnn_hw.model.real import run
from tests.model.refusals import problems_of, put

NEURON = {"type": "lif", "leak": 0.5, "threshold": 2.0, "reset": "hard", "comparison": ">=",
          "refractory": True}


@pytest.fixture
def document():
    """Two inputs, each of which excites a neuron with 2; five timesteps."""
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "rests", "timesteps": 5,
        "input": {"coding": "events", "shape": [2]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight_bits": 3,
             "weight": 2 * torch.eye(2, dtype=torch.int8), "neuron": dict(NEURON)},
            {"name": "fc2", "type": "linear", "weight": torch.tensor([[1., -1], [-1, 1]]),
             "neuron": {"type": "readout"}}]}


def spikes_and_membranes(document, events):
    """Of neuron 0, which gets ``events``."""
    sample = np.zeros((1, 5, 2), np.uint8)
    sample[0, :, 0] = events
    trace = run(describe(document), sample)
    return trace.spikes[0][0, :, 0].astype(int).tolist(), trace.membranes[0][0, :, 0].tolist()


def test_what_comes_in_after_a_spike_is_lost(document):
    """By hand: H = 2 (a tie), 0, 2, 0, 2; without a rest it would be 2 at every t."""
    assert spikes_and_membranes(document, [1, 1, 1, 1, 1]) == ([1, 0, 1, 0, 1], [0] * 5)
    assert spikes_and_membranes(document, [1, 1, 0, 0, 0]) == ([1, 0, 0, 0, 0], [0] * 5)
    put(document, "layers.0.neuron.refractory", False)
    assert spikes_and_membranes(document, [1, 1, 1, 1, 1])[0] == [1] * 5


def test_a_synaptic_current_goes_on_while_the_membrane_rests(document):
    """By hand, I = 2, 3, 3/2, 3/4, 3/8: what came at t = 2 charges a membrane from t = 3 on, of
    which H = 2, 0, 3/2, 3/2, 9/8."""
    put(document, "layers.0.neuron.current_leak", 0.5)
    found = spikes_and_membranes(document, [1, 1, 0, 0, 0])
    assert found == ([1, 0, 0, 0, 0], [0, 0, 1.5, 1.5, 1.125])


def test_inhibition_is_lost_too(document):
    put(document, "layers.0.shortcuts", [
        {"kind": "recurrent", "weight": -3 * torch.eye(2, dtype=torch.int8), "weight_bits": 3}])
    assert spikes_and_membranes(document, [1, 0, 1, 0, 0])[0] == [1, 0, 1, 0, 0]
    put(document, "layers.0.neuron.refractory", None)
    assert spikes_and_membranes(document, [1, 0, 1, 0, 0])[0] == [1, 0, 0, 0, 0]


def test_a_window_starts_at_rest_where_the_one_before_ended_with_a_spike(document):
    document["stateful"] = True
    document["timesteps"] = 1
    trace = run(describe(document), np.ones((5, 1, 2), np.uint8),
                resets=np.array([0, 0, 0, 1, 0], bool))
    assert trace.spikes[0][:, 0, 0].astype(int).tolist() == [1, 0, 1, 1, 0]


def test_goes_through_a_file(document, tmp_path):
    for suffix in ("pt", "safetensors"):
        save(tmp_path / f"model.{suffix}", document)
        assert load(tmp_path / f"model.{suffix}").layers[0].neuron.refractory


def test_a_soft_reset_is_refused(document):
    put(document, "layers.0.neuron.reset", "soft")
    assert problems_of(document) == [
        "layer 'fc1': neuron.refractory must be False or absent where reset is 'soft', not True: a "
        "refractory neuron is at 0 in the timestep after a spike"]
