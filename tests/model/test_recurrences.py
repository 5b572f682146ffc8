"""A layer that gets its own spikes back: what it computes, by hand, and every refusal."""

import numpy as np
import pytest
import torch

from bsnn_hw.ir.network import Shape
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from tests.model.refusals import problems_of, put

LIF = {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard", "comparison": ">="}


@pytest.fixture
def document():
    """Three inputs, two neurons of which each spikes back to both, two classes."""
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "recurrent", "timesteps": 4,
        "input": {"coding": "events", "shape": [3]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight": torch.tensor([[1., -1, 1], [-1, -1, 1]]),
             "neuron": LIF, "shortcuts": [
                 {"kind": "recurrent", "weight": torch.tensor([[0.7, -0.1], [0.2, 0.0]])}]},
            {"name": "fc2", "type": "linear", "weight": torch.tensor([[1., -1], [-1, 1]]),
             "neuron": {"type": "readout"}}]}


def test_the_first_spikes_come_back_a_timestep_later(document):
    """By hand, of one event at t = 1: fc1 has the currents (1, -1), then of its own spikes (1, 0)
    it has (1, 1), where the second has -1/2 left and does not fire; then (1, 1) again, where it has
    1/4 left and does; then of (1, 1) it has (0, 2)."""
    model, sample = describe(document), np.zeros((1, 4, 3), np.uint8)
    sample[0, 0, 0] = 1
    trace = run(model, sample)
    assert trace.spikes[0][0].astype(int).tolist() == [[1, 0], [1, 0], [1, 1], [0, 1]]
    assert trace.membranes[0][0].tolist() == [[0, -1], [0, 0.5], [0, 0], [0, 0]]


def test_nothing_comes_back_in_the_next_sample(document):
    samples = np.ones((3, 4, 3), np.uint8)
    samples[1] = 0
    trace = run(describe(document), samples)
    assert trace.spikes[0][0].any() and not trace.spikes[0][1].any()


def test_bias_norm_and_gate_count_from_the_first_timestep_on(document):
    one = torch.ones(2)
    put(document, "layers.0.shortcuts.0.bias", torch.tensor([0.0, 3.0]))
    put(document, "layers.0.shortcuts.0.norm", {"gamma": 2 * one, "beta": 0 * one, "mean": one,
                                                "var": one, "eps": 0.0})
    put(document, "layers.0.shortcuts.0.gate", {"kind": "constant", "value": torch.tensor(
        [0.5, 1.0, 1.0, 1.0])})
    trace = run(describe(document), np.zeros((1, 4, 3), np.uint8))
    # (0 - 1) * 2 / 2 = -1 and (3 - 1) * 2 / 2 = 2; then without a gate, and of the spikes (0, 1):
    # (-1 - 1) * 2 = -4 with -1/2 left, and (1 + 3 - 1) * 2 = 6.
    assert trace.membranes[0][0, :2].tolist() == [[-1, 0], [-4.5, 0]]
    assert trace.spikes[0][0, :2].tolist() == [[False, True], [False, True]]


def test_a_current_shortcut_carries_what_came_back(document):
    """The layer behind adds the whole current, and has no weights that matter: equal spikes."""
    silent = {"name": "copy", "type": "linear", "weight": torch.zeros(2, 2, dtype=torch.int8),
              "weight_bits": 2, "neuron": LIF, "shortcuts": [{"kind": "current", "from": "fc1"}]}
    document["layers"].insert(1, silent)
    samples = np.random.default_rng(0).integers(0, 2, (5, 4, 3), np.uint8)
    one, two = run(describe(document), samples).spikes
    assert np.array_equal(one, two) and one.any()


def test_few_bits(document):
    put(document, "layers.0.shortcuts.0.weight", torch.tensor([[0, -3], [2, 1]],
                                                              dtype=torch.int8))
    put(document, "layers.0.shortcuts.0.weight_bits", 3)
    recurrence, = describe(document).layers[0].recurrences
    assert recurrence.synapse.coefficients.tolist() == [[0, -3], [2, 1]]
    assert (recurrence.source, recurrence.feed.shape) == ("fc1", Shape(2))


CASES = [
    ("layers.0.shortcuts.0.weight", torch.ones(2, 3), [
        "shortcuts[0].weight must be (neurons, 2) because the layer itself gives 2 values, not "
        "shape (2, 3)"]),
    ("layers.0.shortcuts.0.weight", torch.ones(3, 2), [
        "shortcuts[0] must have the shape of the layer's output, 2 x 1 x 1, but it gives 3 x 1 x "
        "1; a 'conv2d' shortcut changes channels (1 x 1) and sides (stride, or pool before it)"]),
    ("layers.0.shortcuts.0.weight", ..., [
        "shortcuts[0].weight is missing, and nothing is assumed (docs/model.md)"]),
    ("layers.0.shortcuts.0.from", "fc1", [
        "shortcuts[0] unknown key 'from'; known keys are 'kind', 'weight', 'weight_bits', 'bias', "
        "'norm', 'gate' (they are the layer's own spikes)"]),
    ("layers.0.shortcuts.0.kind", "recurrence", [
        "shortcuts[0].kind must be one of 'current', 'spikes', 'linear', 'conv2d', 'recurrent', "
        "not 'recurrence'"]),
    ("layers.1.shortcuts", [{"kind": "recurrent", "weight": torch.ones(2, 2)}], [
        "shortcuts must be absent in the readout; they stand before a neuron"]),
]


def test_refusals(document):
    for path, value, wanted in CASES:
        before = document["layers"][0]["shortcuts"][0].copy()
        put(document, path, value)
        name = "fc2" if path.startswith("layers.1") else "fc1"
        assert problems_of(document) == [f"layer {name!r}: {each}" for each in wanted], path
        document["layers"][0]["shortcuts"][0] = before
        document["layers"][1].pop("shortcuts", None)


def test_a_key_of_its_own_is_no_recurrence(document):
    put(document, "layers.0.recurrent", torch.ones(2, 2))
    found, = problems_of(document)
    assert found.startswith("layer 'fc1': unknown key 'recurrent'")
    assert found.endswith("(a recurrence is an entry of 'shortcuts' of kind 'recurrent')")


def test_a_map_gets_nothing_back(maps):
    put(maps, "layers.0.shortcuts", [{"kind": "recurrent", "weight": torch.ones(144, 144)}])
    assert problems_of(maps) == [
        "layer 'conv1': shortcuts[0].kind must not be 'recurrent' in a layer with a map, here of "
        "4 x 6 x 6: only linear layers get their own spikes back"]
