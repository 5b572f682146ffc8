"""The real-valued network on maps: against loops over places, and the same in any batch."""

import math

import numpy as np

from bsnn_hw.model.format import describe
from bsnn_hw.model.real import run
from tests.for_each import for_each, quick


def pool(rule, maps):
    """``maps`` (channels, rows, columns) as nested lists, pooled as the document says."""
    if rule is None:
        return maps
    size = rule["size"]
    height, width = (size, size) if isinstance(size, int) else size
    combine = {"max": max, "sum": sum, "avg": lambda window: sum(window) / len(window)}[
        rule["kind"]]
    return [[[combine([plane[y * height + dy][x * width + dx]
                       for dy in range(height) for dx in range(width)])
              for x in range(len(plane[0]) // width)] for y in range(len(plane) // height)]
            for plane in maps]


def both(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def coefficients(part):
    """The weights that are computed with, as nested lists."""
    if part.get("weight_bits", 1) > 1:
        return part["weight"].tolist()
    return mapped(lambda weight: 1 if weight >= 0 else -1, part["weight"].tolist())


def convolve(part, maps):
    """Weighted sums over ``maps``, place by place; a place outside is 0."""
    (sy, sx), (py, px) = both(part.get("stride", 1)), both(part.get("padding", 0))
    rows, columns = len(maps[0]), len(maps[0][0])
    kernels = coefficients(part)
    height, width = len(kernels[0][0]), len(kernels[0][0][0])

    def place(kernel, y, x):
        total = 0
        for plane, weights in zip(maps, kernel, strict=True):
            for dy in range(height):
                for dx in range(width):
                    row, column = y * sy + dy - py, x * sx + dx - px
                    if 0 <= row < rows and 0 <= column < columns:
                        total += plane[row][column] * weights[dy][dx]
        return total

    return [[[place(kernel, y, x) for x in range((columns + 2 * px - width) // sx + 1)]
             for y in range((rows + 2 * py - height) // sy + 1)] for kernel in kernels]


def synapse(part, maps, t):
    """gate * norm(sums + bias) of a layer or shortcut of a document, as maps."""
    maps = pool(part.get("pool"), maps)
    if part["weight"].dim() == 4:
        found = convolve(part, maps)
    else:
        flat = [value for plane in maps for row in plane for value in row]
        found = [[[sum(value * weight for value, weight in zip(flat, row, strict=True))]]
                 for row in coefficients(part)]
    norm, gate = part["norm"], float(part["gate"]["value"][t])

    def scaled(channel, x):
        gamma, beta, mean, var = (float(norm[key][channel])
                                  for key in ("gamma", "beta", "mean", "var"))
        x = x + float(part["bias"][channel])
        return gate * ((x - mean) / math.sqrt(var + norm["eps"]) * gamma + beta)

    return [[[scaled(channel, x) for x in row] for row in plane]
            for channel, plane in enumerate(found)]


def mapped(function, *maps):
    """``function`` place by place."""
    if isinstance(maps[0], list):
        return [mapped(function, *parts) for parts in zip(*maps, strict=True)]
    return function(*maps)


def scalar(document, sample):
    """Spikes and membranes per layer and timestep, and scores, of one sample (T, rows, columns)."""
    potentials, spikes, membranes = {}, {}, {}
    layers, scores = document["layers"], 0.0
    scale = document["input"].get("scale", 1.0)
    for t in range(document["timesteps"]):
        fired, given, before = {}, {}, None
        for layer in layers:
            if before is None:
                maps = [mapped(lambda value: scale * value, sample[t].tolist())]
            else:
                maps = fired[layer.get("input", before)]
            now = synapse(layer, maps, t)
            for shortcut in layer.get("shortcuts", ()):
                source, kind = shortcut["from"], shortcut["kind"]
                if kind == "current":
                    extra = given[source]
                elif kind == "spikes":
                    scaling = shortcut.get("scale", 1.0)
                    extra = mapped(lambda s, by=scaling: by * s, fired[source])
                else:
                    extra = synapse(shortcut, fired[source], t)
                now = mapped(lambda one, two: one + two, now, extra)
            name = layer["name"]
            if layer["neuron"]["type"] == "readout":
                scores = scores + np.ravel(now) / document["timesteps"]
                continue
            given[name], before = now, name
            old = potentials.get(name, mapped(lambda _: 0.0, now))
            both = mapped(lambda v, g, n=layer["neuron"]: step(n, v, g), old, now)
            fired[name] = mapped(lambda pair: int(pair[0]), both)
            potentials[name] = mapped(lambda pair: pair[1], both)
            spikes.setdefault(name, []).append(np.ravel(fired[name]).tolist())
            membranes.setdefault(name, []).append(np.ravel(potentials[name]).tolist())
    return spikes, membranes, scores


def step(neuron, potential, current):
    charged = neuron["leak"] * potential + neuron.get("input_scale", 1.0) * current
    above = charged > neuron["threshold"]
    fired = above or (neuron["comparison"] == ">=" and charged == neuron["threshold"])
    if not fired:
        return fired, charged
    return fired, 0.0 if neuron["reset"] == "hard" else charged - neuron["threshold"]


@quick(2, wide=6)
@for_each("neuron", [{}, {"reset": "soft", "comparison": ">", "input_scale": 0.5}])
@for_each("coding", ["direct", "events"])
@for_each("seed", range(3))
def test_matches_the_loops(build_maps_document, seed, coding, neuron):
    document = build_maps_document(seed, coding=coding, **neuron)
    rng, shape = np.random.default_rng(seed), (3, 36) if coding == "events" else (36,)
    inputs = rng.integers(0, 2 if coding == "events" else 16, (3, *shape), dtype=np.uint8)
    trace = run(describe(document), inputs, batch=2)
    for index, sample in enumerate(inputs):
        whole = np.broadcast_to(sample, (3, 36)).reshape(3, 6, 6)
        spikes, membranes, scores = scalar(document, whole)
        for number, name in enumerate(spikes):
            where = f"sample {index}, layer {name}"
            assert trace.spikes[number][index].astype(int).tolist() == spikes[name], where
            assert np.allclose(trace.membranes[number][index], membranes[name], rtol=0,
                               atol=1e-12), where
        assert np.allclose(trace.scores[index], scores, rtol=0, atol=1e-12)


def test_weights_of_eight_bits_match_the_loops(maps):
    """The first layer's and the readout's; bits of all kinds, not only signs."""
    for layer in (maps["layers"][0], maps["layers"][-1]):
        layer |= {"weight_bits": 8, "weight": (40 * layer["weight"]).clamp(-127, 127).char()}
    inputs = np.random.default_rng(0).integers(0, 16, (3, 36), dtype=np.uint8)
    trace = run(describe(maps), inputs)
    for index, sample in enumerate(inputs):
        spikes, _, scores = scalar(maps, np.broadcast_to(sample, (3, 36)).reshape(3, 6, 6))
        for number, name in enumerate(spikes):
            assert trace.spikes[number][index].astype(int).tolist() == spikes[name], name
        assert np.allclose(trace.scores[index], scores, rtol=1e-12, atol=1e-12)


@for_each("batch", [1, 4, None])
def test_the_batch_changes_nothing(maps, batch):
    model = describe(maps)
    inputs = np.random.default_rng(0).integers(0, 16, (9, 36), dtype=np.uint8)
    one, two = run(model, inputs, batch=9), run(model, inputs, batch=batch)
    assert np.array_equal(one.scores, two.scores)
    for some, other in zip(one.spikes + one.membranes, two.spikes + two.membranes, strict=True):
        assert np.array_equal(some, other)
