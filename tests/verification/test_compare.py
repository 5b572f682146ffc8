"""The first difference is the earliest one, and packed numbers are read right."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from bsnn_hw.errors import MismatchError
from bsnn_hw.ir.network import Shape
from bsnn_hw.reference.network import run
from bsnn_hw.verification.compare import check_hidden, check_scores, neuron_name, unpack
from tests.for_each import for_each


def naive(row, width, count):
    number = sum(int(word) << 64 * i for i, word in enumerate(row))
    values = [number >> i * width & (1 << width) - 1 for i in range(count)]
    return [value - (value >> width - 1 << width) for value in values]


@for_each("width", [1, 2, 7, 8, 13, 31, 32, 33, 63])
@for_each("count", [1, 3, 10])
@for_each("seed", [0])
def test_unpack_against_big_integers(width, count, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 64, (20, -(-width * count // 64)), dtype=np.uint64)
    words[0], words[1] = 0, ~np.uint64(0)
    expected = [naive(row, width, count) for row in words]
    np.testing.assert_array_equal(unpack(words, width, count), expected)


def pack_rows(values, width):
    """(rows, count) to uint64 words."""
    words = -(-width * values.shape[1] // 64)
    numbers = [sum((int(v) & (1 << width) - 1) << i * width for i, v in enumerate(row))
               for row in values]
    return np.array([[n >> 64 * i & (1 << 64) - 1 for i in range(words)] for n in numbers],
                    np.uint64)


def as_rows(design, trace):
    """What the RTL's probes give: per layer the rows of its raster, packed."""
    result = {}
    for index, (probe, layer) in enumerate(zip(design.probes, trace.hidden, strict=True)):
        geometry, width = design.geometries[index], design.layout.hidden_bounds[index].charged.width
        row, position = geometry.raster.locate(np.arange(geometry.neurons))
        charged, fired = (np.zeros((*layer.fired.shape[:2], geometry.raster.rows,
                                    geometry.parallel), np.int64) for _ in range(2))
        charged[:, :, row, position], fired[:, :, row, position] = layer.charged, layer.fired
        charged, fired = (rows.reshape(-1, geometry.parallel) for rows in (charged, fired))
        result[probe.layer] = {probe.charged.signal: pack_rows(charged, width),
                               probe.fired.signal: pack_rows(fired, 1)}
    return result


@pytest.fixture
def seen(events_bundle):
    """(design, trace, rows as the RTL would give them, a function that packs them again)."""
    design, trace = events_bundle.design, run(events_bundle.network, events_bundle.inputs)
    return design, trace, partial(as_rows, design)


def changed(trace, *changes):
    """The trace with (array's name, inference, timestep, neuron) off by one in layer 0."""
    layer = trace.hidden[0]
    charged, fired = layer.charged.copy(), layer.fired.copy()
    for name, *place in changes:
        if name == "charged":
            charged[tuple(place)] += 1
        else:
            fired[tuple(place)] ^= True
    return replace(trace, hidden=(replace(layer, charged=charged, fired=fired),))


def test_equal_rows_pass(seen):
    design, trace, rows = seen
    check_hidden(design, rows(trace), trace)


@for_each("changes, place", [
    ([("fired", 3, 2, 9)], "inference 103, layer fc1, timestep 3, neuron 9: spike"),
    ([("charged", 3, 2, 9)], "inference 103, layer fc1, timestep 3, neuron 9: membrane potential"),
    ([("charged", 3, 2, 9), ("fired", 3, 2, 9)], "inference 103, layer fc1, timestep 3, neuron 9: "
                                                 "membrane potential"),
    ([("charged", 3, 2, 1), ("fired", 3, 1, 8)], "inference 103, layer fc1, timestep 2, neuron 8"),
    ([("charged", 23, 0, 0), ("fired", 5, 7, 4), ("fired", 5, 7, 3)],
     "inference 105, layer fc1, timestep 8, neuron 3"),
])
def test_the_earliest_difference_is_named(seen, changes, place):
    design, trace, rows = seen
    with pytest.raises(MismatchError, match=f"^first difference: {place}") as caught:
        check_hidden(design, rows(changed(trace, *changes)), trace, first=100)
    assert "RTL " in str(caught.value)
    assert ", reference " in str(caught.value)


def cut(rows, start, stop):
    return {layer: {name: values[start:stop] for name, values in signals.items()}
            for layer, signals in rows.items()}


def test_missing_rows(seen):
    design, trace, rows = seen
    per_inference = 8 * design.geometries[0].folds
    with pytest.raises(MismatchError, match=r"inference 23, layer fc1, .*: neuron rows: RTL"):
        check_hidden(design, cut(rows(trace), 0, -1), trace)
    with pytest.raises(MismatchError, match=r"inference 0, layer fc1, .*: neuron rows: RTL 0,"):
        check_hidden(design, cut(rows(trace), 0, 0), trace)
    with pytest.raises(MismatchError, match=r"inference \d, layer fc1, timestep \d, neuron \d+: "
                                            "membrane"):
        check_hidden(design, cut(rows(trace), per_inference, None), trace)


def test_scores_and_classes(seen):
    _, trace, _ = seen
    check_scores(trace.scores, trace.classes, trace)
    scores, classes = trace.scores.copy(), trace.classes.copy()
    scores[4, 2] -= 1
    classes[2] += 1
    expected = f"inference 14, class 2: score: RTL {scores[4, 2]}, reference {trace.scores[4, 2]}"
    with pytest.raises(MismatchError, match=f"^first difference: {expected}$"):
        check_scores(scores, classes, trace, first=10)
    with pytest.raises(MismatchError, match=r"inference 2: class: RTL \d+, reference \d+$"):
        check_scores(trace.scores, classes, trace)
    with pytest.raises(MismatchError, match=r"scores: RTL gave \(23, 3\), reference \(24, 3\)"):
        check_scores(trace.scores[1:], classes, trace)


@for_each("shape, index, name", [
    (Shape(8), 7, "neuron 7"), (Shape(3, 1, 6), 17, "neuron 17 (channel 2, line 0, column 5)"),
    (Shape(3, 4, 5), 37, "neuron 37 (channel 1, line 3, column 2)")])
def test_names_of_neurons(shape, index, name):
    assert neuron_name(shape, index) == name


def test_differences_in_maps(maps_bundle):
    design, inputs = maps_bundle.design, maps_bundle.inputs[:3]
    trace = run(maps_bundle.network, inputs)
    check_hidden(design, as_rows(design, trace), trace)
    layer = trace.hidden[3]  # 4 x 2 x 3 in two folds, the second one not full
    fired = layer.fired.copy()
    fired[2, 1, 22:] ^= True
    other = replace(trace, hidden=(*trace.hidden[:3], replace(layer, fired=fired)))
    with pytest.raises(MismatchError, match=(
            r"^first difference: inference 2, layer c4, timestep 2, neuron 22 "
            r"\(channel 3, line 1, column 1\): spike: RTL \d, reference \d$")):
        check_hidden(design, as_rows(design, trace), other)
