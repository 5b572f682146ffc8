"""Gates that samples make: bounds hold for every input, and nothing damaged is a network."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import random_network
from test_bounds import assert_inside, every_input

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import gate_total_bounds, network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.gate import position_weights
from bsnn_hw.ir.network import Coding, Conv, Shape
from bsnn_hw.ir.store import equal, from_json, to_json
from bsnn_hw.reference.gate import factors, totals
from bsnn_hw.reference.network import run
from bsnn_hw.reference.synapse import sums
from tests.for_each import for_each
from tests.reference import random_maps
from tests.reference.gates import random_gate, with_gates


def gated(seed, sizes=(3, 3, 2, 2), timesteps=2):
    return with_gates(np.random.default_rng(seed),
                      random_network(seed, Coding.EVENTS, sizes, timesteps), share=1)


@for_each("seed", range(30))
def test_bounds_hold_for_every_sequence_of_events(seed):
    network = gated(seed)
    assert problem(network) is None
    samples = every_input(network)
    values, hidden = samples, network_bounds(network)[0]
    for number, (layer, bounds) in enumerate(zip(network.hidden, hidden, strict=True)):
        spikes, source = torch.as_tensor(values), network.features(number - 1)
        total = totals(layer, spikes, network.timesteps, 1, source).numpy() + layer.gate.offset
        factor = factors(layer, spikes, network.timesteps, 1, source).numpy()
        accs = sums(layer.synapse, spikes, network.timesteps, 1).numpy()
        own = (accs << layer.neuron.fraction_bits) + layer.neuron.bias
        product = own * factor[:, :, None]
        assert_inside(bounds.gate.total, total, "total")
        assert_inside(bounds.gate.own, own, "own")
        assert_inside(bounds.gate.product, product, "product")
        assert_inside(bounds.current, product >> layer.gate.factor_bits, "current")
        seen = run(network, samples).hidden[number]
        assert_inside(bounds.charged, seen.charged, "charged")
        assert_inside(bounds.settled, seen.settled, "settled")
        values = seen.fired


@for_each("seed", range(20))
def test_totals_are_reached(seed):
    network = gated(seed, (6, 4, 2), 1)
    layer = network.hidden[0]
    found = totals(layer, torch.as_tensor(every_input(network)), 1, 1, Shape(6))
    bounds = gate_total_bounds(layer.synapse, layer.gate.weights, 1)
    assert (bounds.low, bounds.high) == (int(found.min()), int(found.max()))


@for_each("seed", range(40))
def test_a_place_weighs_what_its_event_adds_to_the_whole_map(seed):
    rng = np.random.default_rng(seed)
    kernel, stride = rng.integers(1, 4, 2), tuple(map(int, rng.integers(1, 3, 2)))
    padding = tuple(int(rng.integers(0, side)) for side in kernel)
    source = Shape(int(rng.integers(1, 3)), *map(int, rng.integers(3, 7, 2)))
    weights = rng.integers(-7, 8, (source.channels, *kernel)).astype(np.int8)
    conv = Conv(weights[None], np.ones(1, bool), source, stride, padding, 4)
    places = position_weights(weights, (source.height, source.width),
                           (conv.shape.height, conv.shape.width), stride, padding)
    events = torch.eye(source.size, dtype=torch.int64)
    assert sums(conv, events, 1, 1).sum(dim=(1, 2)).tolist() == places.ravel().tolist()


@for_each("seed", range(40))
def test_read_gives_back_what_was_saved(seed):
    rng = np.random.default_rng(seed)
    network = with_gates(rng, random_maps.random_network(rng) if seed % 2 else gated(seed))
    text = to_json(network)
    assert equal(from_json(text), network)
    assert to_json(from_json(text)) == text


@for_each("key, value, message", [
    ("weights", [1, 2], "gate.weights must have 3 integers"),
    ("weights", [1, 2, 128], "gate.weights must be"),
    ("weights", [1, 2, 9], "the gate's weights must be at most 7, as they have 4 bits"),
    ("weight_bits", 1, "gate.weight_bits must be"),
    ("weight_bits", 9, "gate.weight_bits must be"),
    ("offset", 1.5, "gate.offset must be"),
    ("offset", 1 << 64, "gate.offset must be an integer from"),
    ("offset", -(1 << 64), "gate.offset must be an integer from"),
    ("shift", -1, "gate.shift must be"),
    ("shift", 63, "gate.shift must be"),
    ("table", [], "gate.table must be a list of rows of an integer or more"),
    ("table", [[]], "gate.table must be a list of rows of an integer or more"),
    ("table", [1, 2], "gate.table must be a list of rows of an integer or more"),
    ("table", [[1, 2, 3]], "the gate's table must have a power of two of entries"),
    ("table", [[1, -2]], "the gate's table must have a power of two of entries, each 0 or more"),
    ("table", [[1 << 62, 1 << 62]], "gate.table must hold integers of at most 62 bits"),
    ("table", [[(1 << 62) - 1, 1]], "potentials and scores must fit 64 bits"),
    ("table", [[1, 2]] * 3, "gate.table must have 1 or 2 rows"),
    ("factor_bits", 63, "gate.factor_bits must be"),
    ("factor_bits", None, "gate.factor_bits must be"),
])
def test_a_damaged_gate_is_named(key, value, message):
    document = json.loads(to_json(gated(3)))
    document["hidden"][0]["gate"] |= {"weight_bits": 4, "weights": [1, 2, 3], key: value}
    with pytest.raises(InputError, match=message):
        from_json(json.dumps(document))


def test_a_product_fits_64_bits_where_all_else_is_narrow():
    network = gated(3)
    layer, bounds = network.hidden[0], network_bounds(network)[0][0]

    def with_product(width):
        factor = 1 << width - bounds.gate.own.width
        gate = replace(layer.gate, table=np.full_like(layer.gate.table, factor), factor_bits=62)
        return to_json(replace(network, hidden=(replace(layer, gate=gate), *network.hidden[1:])))

    read = from_json(with_product(64))
    found = network_bounds(read)[0][0]
    assert found.gate.product.width == 64
    assert max(found.current.width, found.charged.width, found.gate.total.width) < 20
    with pytest.raises(InputError, match="potentials and scores must fit 64 bits, not 65"):
        from_json(with_product(65))


def test_a_gate_stands_only_where_nothing_is_joined():
    network = gated(0)
    layer = network.hidden[0]
    gained = replace(layer.neuron, gain=np.ones_like(layer.neuron.bias))
    wrong = replace(network, hidden=(replace(layer, neuron=gained), *network.hidden[1:]))
    assert "multiply the layer's own currents, neither joined nor pooled" in problem(wrong)
    other = random_gate(np.random.default_rng(0), network.hidden[1].synapse, 3)
    assert other.weights.shape == (3,)
    narrow = replace(other, weights=other.weights[:2])
    wrong = replace(network, hidden=(replace(layer, gate=narrow), *network.hidden[1:]))
    assert "must have the shape (3,), not (2,)" in problem(wrong)
