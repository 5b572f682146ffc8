"""Factors of the input's channels and biases of a map's border, in torch and in plain Python."""

from dataclasses import replace

import numpy as np
import pytest
from networks import execute
from random_maps import random_inputs, random_network

from bsnn_hw.errors import InputError
from bsnn_hw.ir.border import Border, axis_classes
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import Coding, Conv
from bsnn_hw.ir.store import equal, from_json, to_json
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick


def bordered(rng, layer):
    """A convolution with other biases at the classes of places that its geometry has."""
    conv, shape = layer.synapse, layer.shape
    if not isinstance(conv, Conv) or layer.current_pool:
        return layer
    lines, columns = (axis_classes(*axis)[0] for axis in zip(
        (conv.source.height, conv.source.width), (shape.height, shape.width), conv.kernel,
        conv.stride, conv.padding, strict=True))
    spec = layer.neuron
    extra = rng.integers(-4, 5, (len(spec.leak), lines.max() + 1, columns.max() + 1,
                                 shape.channels))
    if rng.random() < .5:
        extra[:] = extra[:1]
    return replace(layer, neuron=replace(spec, border=Border(lines, columns, extra)))


def normalised(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    hidden = tuple(bordered(rng, layer) for layer in network.hidden)
    source = network.input
    if isinstance(hidden[0].synapse, Conv):
        source = replace(source, factors=tuple(rng.integers(1, 9, source.shape.channels).tolist()),
                         offset=tuple(rng.random(source.shape.channels).tolist()))
    return replace(network, input=source, hidden=hidden), rng


@quick(5, wide=None)
@for_each("seed", range(40))
def test_as_plain_python(seed):
    network, rng = normalised(seed)
    assert problem(network) is None
    inputs = random_inputs(network, rng, 3)
    trace = run(network, inputs)
    bounds, last = network_bounds(network)
    for number, sample in enumerate(inputs):
        steps, scores, winner = execute(network, sample)
        for layer, taken, of_layer in zip(trace.hidden, steps, bounds, strict=True):
            charged, fired, settled = np.moveaxis(np.array(taken), 2, 0)
            assert np.array_equal(layer.charged[number], charged)
            assert np.array_equal(layer.fired[number], fired)
            assert np.array_equal(layer.settled[number], settled)
            assert of_layer.charged.low <= charged.min() <= charged.max() <= of_layer.charged.high
        assert trace.scores[number].tolist() == scores and trace.classes[number] == winner
        assert last.score.low <= min(scores) <= max(scores) <= last.score.high


@for_each("seed", range(10))
def test_as_json(seed):
    network, _ = normalised(seed)
    text = to_json(network)
    assert equal(from_json(text), network) and to_json(from_json(text)) == text


def test_classes_of_an_axis_by_hand():
    """Five inputs, a kernel of three, padded by one: the first output, the middle, the last."""
    classes, inside = axis_classes(5, 5, 3, 1, 1)
    assert classes.tolist() == [0, 1, 1, 1, 2]
    assert inside.tolist() == [[False, True, True], [True] * 3, [True, True, False]]
    assert axis_classes(4, 2, 3, 2, 1)[0].tolist() == [0, 1]  # the last line is not lacking
    assert axis_classes(1, 1, 3, 1, 1)[1].tolist() == [[False, True, False]]
    assert axis_classes(4, 2, 3, 1, 0)[0].tolist() == [0, 0]


def one(coding=Coding.DIRECT):
    return next(network for seed in range(99) for network, _ in [normalised(seed)]
                if network.input.coding is coding and network.hidden[0].neuron.border
                and network.hidden[0].shape.positions > 1)


def test_what_does_not_fit():
    network = one()
    first = network.hidden[0]
    border = first.neuron.border
    short = replace(border, lines=border.lines[:0])
    wrong = replace(network, hidden=(replace(first, neuron=replace(first.neuron, border=short)),
                                     *network.hidden[1:]))
    assert "the border must have classes of" in problem(wrong)
    wrong = replace(network, input=replace(network.input, factors=(1,) * 99))
    assert "input: factors must be" in problem(wrong)


@for_each("old, new, message", [
    ('"lines": [', '"lines": [7, ', "lines must be classes, numbered from 0 on"),
    ('"lines": [', '"lines": [-1, ', "lines must be classes, numbered from 0 on"),
    ('"factors": [', '"factors": [0, ', "input.factors must have 2 integers per row"),
    ('"offset": [', '"offset": [0.5, ', "offset must be a finite number, or a list of")])
def test_what_is_damaged(old, new, message):
    text = to_json(one())
    assert old in text
    with pytest.raises(InputError, match=message):
        from_json(text.replace(old, new, 1))
