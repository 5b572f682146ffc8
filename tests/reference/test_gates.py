"""Gates that samples make: by hand, and against plain Python integers."""

import numpy as np
import torch
from networks import execute, random_inputs, random_network

from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import Coding, Comparison, Dense, Hidden, NeuronSpec, Reset, Shape
from bsnn_hw.reference.gate import factors, looked_up
from bsnn_hw.reference.network import currents, run
from tests.for_each import for_each, quick
from tests.reference import random_maps
from tests.reference.gates import with_gates


def test_by_hand():
    """Totals 3 - 2 = 1 and 0; with offset 1 and a shift by 1 the indexes 1 and 0, and at t = 1 the
    factors 6 and 5 of 4: (3 + 1) * 6 >> 2 and (0 - 1) * 5 >> 2."""
    gate = SampleGate(np.array([3, -2], np.int8), 3, 1, 1, np.array([[4, 4], [5, 6]]), 2)
    spec = NeuronSpec(0, 0, np.zeros(2, int), np.array([[0], [1]]), np.ones((2, 1), int),
                      Reset.HARD, Comparison.AT_LEAST)
    layer = Hidden("a", Dense(np.array([[1, 1]], np.int8), np.ones(1, bool)), spec, gate=gate)
    spikes = torch.tensor([[[1, 1], [1, 1]], [[0, 0], [0, 0]]])
    found = factors(layer, spikes, 2, 1, Shape(2))
    assert found.tolist() == [[4, 6], [4, 5]]
    accs = torch.tensor([[[2], [3]], [[-1], [-2]]])
    assert currents(layer, accs, None, found).ravel().tolist() == [2, 6, -1, -2]


def test_totals_beyond_the_table_take_its_ends():
    gate = SampleGate(np.ones(1, np.int8), 2, -8, 2, np.array([[7, 8, 9, 10]]), 0)
    totals = torch.tensor([-100, 7, 8, 11, 12, 23, 24, 1000])[:, None]
    assert looked_up(gate, totals).ravel().tolist() == [7, 7, 7, 7, 8, 10, 10, 10]


def assert_equal_to_plain_integers(network, samples):
    trace = run(network, samples)
    for sample, inputs in enumerate(samples):
        layers, scores, winner = execute(network, inputs)
        for layer, steps in zip(trace.hidden, layers, strict=True):
            wanted = np.array(steps, object).transpose(2, 0, 1)  # H, S and V, each (T, neurons)
            assert (layer.charged[sample] == wanted[0]).all()
            assert (layer.fired[sample] == wanted[1]).all()
            assert (layer.settled[sample] == wanted[2]).all()
        assert trace.scores[sample].tolist() == scores
        assert trace.classes[sample] == winner


@quick(8, wide=None)
@for_each("coding", list(Coding))
@for_each("seed", range(30))
def test_fully_connected(seed, coding):
    network = with_gates(np.random.default_rng(seed), random_network(seed, coding))
    assert_equal_to_plain_integers(network, random_inputs(network, 6, seed))


@quick(8, wide=None)
@for_each("seed", range(30))
def test_maps(seed):
    rng = np.random.default_rng(seed)
    network = with_gates(rng, random_maps.random_network(rng), share=1)
    assert_equal_to_plain_integers(network, random_maps.random_inputs(network, rng, 3))
