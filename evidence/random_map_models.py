"""Random small convolutional and residual models, with every option and many corner cases."""

from __future__ import annotations

from typing import Any

import numpy as np

from evidence.random_models import random_neuron, random_norm, with_tensors

__all__ = ["Draw", "Map", "random_map_document"]

CHANNELS = (1, 2, 3, 4, 5, 8, 9)
SPARSE = 0.4  # about the square root of the share of neurons that fire
Map = tuple[int, int, int]


def random_map_document(seed: int, kind: type[Draw] | None = None) -> dict[str, Any]:
    """A model file's dictionary: 1 to 5 hidden layers, images down to 1x1, T 1 to 4.

    kind : what draws the layers, `Draw` if not said
    """
    generator, kind = np.random.default_rng(seed), kind or Draw
    timesteps = int(generator.integers(1, 5))
    direct = bool(generator.random() < 0.5)
    image = (int(generator.choice((1, 2, 3, 4))), int(generator.choice(kind.SIDES)),
             int(generator.choice(kind.SIDES)))
    bits = int(generator.integers(1, 5)) if direct else 1
    scale = float(generator.choice([1.0, 1 / ((1 << bits) - 1), 0.37])) if direct else 1.0
    draw = kind(generator, timesteps)
    before: list[tuple[str, Map]] = []
    layers: list[dict[str, Any]] = []
    for number in range(int(generator.integers(1, 6))):
        reach = scale * ((1 << bits) - 1) if not number else 1.0
        layer, shape = draw.hidden(f"l{number}", before, image, reach)
        layers.append(layer)
        before.append((layer["name"], shape))
    layers.append(draw.readout("out", before[-1][1]))
    offset = 0.0 if any(layers[0].get("padding", [0])) else float(generator.choice([0.0, -0.5]))
    return with_tensors({
        "format": "bsnn-hw/model", "version": 1, "name": f"maps_{seed}", "timesteps": timesteps,
        "input": {"coding": "direct", "shape": list(image), "bits": bits, "scale": scale,
                  "offset": offset} if direct else {"coding": "events", "shape": list(image)},
        "layers": layers,
    })


class Draw:
    """Layers and their parts, drawn at random."""

    SIDES: tuple[int, ...] = (1, 1, 2, 3, 4, 4, 5, 6, 8)  # of an image

    def __init__(self, generator: np.random.Generator, timesteps: int) -> None:
        self._rng, self._timesteps = generator, timesteps

    def hidden(self, name: str, before: list[tuple[str, Map]], image: Map,
               reach: float) -> tuple[dict[str, Any], Map]:
        """A layer and its map; it reads the layer before, or that one is in a shortcut."""
        skips = len(before) > 1 and self._rng.random() < 0.3
        producer = int(self._rng.integers(len(before) - 1)) if skips else -1
        shape = before[producer][1] if before else image
        pool, largest, shape = self._pool(shape) if before else ({}, reach, image)
        synapse, target = self._synapse(shape, largest)
        layer = {"name": name, **synapse, **pool, "neuron": random_neuron(self._rng),
                 **({"input": before[producer][0]} if skips else {})}
        shortcuts = []
        for number, (other, source) in enumerate(before):
            needed = skips and number == len(before) - 1
            if needed or self._rng.random() < 0.35:
                shortcut = self._shortcut(other, source, target)
                if needed and shortcut is None:
                    return self.hidden(name, before, image, reach)
                shortcuts += [shortcut] if shortcut else []
        return layer | ({"shortcuts": shortcuts} if shortcuts else {}), target

    def readout(self, name: str, shape: Map) -> dict[str, Any]:
        """The last layer."""
        pool, largest, shape = self._pool(shape)
        synapse = self._linear(int(self._rng.integers(1, 6)), shape, largest)
        synapse["gate"] = self._gate(-0.5)
        return {"name": name, **synapse, **pool, "neuron": {"type": "readout"}}

    def _pool(self, shape: Map) -> tuple[dict[str, Any], float, Map]:
        """The pooling, the largest value behind it, and the map behind it."""
        if self._rng.random() < 0.5:
            return {}, 1.0, shape
        size = [int(self._rng.choice([n for n in (1, 2, 3, 4) if side % n == 0]))
                for side in shape[1:]]
        kind = str(self._rng.choice(["max", "avg", "sum"]))
        largest = float(size[0] * size[1]) if kind == "sum" else 1.0
        return ({"pool": {"kind": kind, "size": size}}, largest,
                (shape[0], shape[1] // size[0], shape[2] // size[1]))

    def _synapse(self, shape: Map, largest: float) -> tuple[dict[str, Any], Map]:
        """A convolution that keeps the map (half of all), any other, or a dense layer."""
        chance = self._rng.random()
        if chance < 0.1:
            neurons = int(self._rng.integers(1, 9))
            return self._linear(neurons, shape, largest), (neurons, 1, 1)
        channels, target = shape[0], shape[1:]
        if chance > 0.55:
            channels = int(self._rng.choice(CHANNELS))
            target = int(self._rng.integers(1, shape[1] + 1)), int(
                self._rng.integers(1, shape[2] + 1))
        sides = [self._fitting(*pair) for pair in zip(shape[1:], target, strict=True)]
        if not all(sides):
            return Draw._synapse(self, shape, largest)  # what a kind adds is added once
        return self._conv(channels, shape, sides, largest), (channels, target[0], target[1])

    def _shortcut(self, name: str, source: Map, target: Map) -> dict[str, Any] | None:
        """From the layer ``name`` to one of the map ``target``; None where nothing fits."""
        chance = self._rng.random()
        if source == target and chance < 0.7:
            if chance < 0.4:
                return {"kind": "current", "from": name}
            return {"kind": "spikes", "from": name,
                    "scale": float(self._rng.choice([1.0, 0.5, 0.37]))}
        pool, largest, source = self._pool(source)
        if target[1:] == (1, 1) and self._rng.random() < 0.3:
            synapse = self._linear(target[0], source, largest)
        else:
            sides = [self._fitting(*pair) for pair in zip(source[1:], target[1:], strict=True)]
            if not all(sides):
                return None
            synapse = self._conv(target[0], source, sides, largest)
        synapse["kind"] = synapse.pop("type")
        return {**synapse, "from": name, **pool}

    def _fitting(self, side: int, wanted: int) -> tuple[int, int, int] | None:
        """(kernel, stride, padding) that make ``wanted`` places of ``side``; None if none do."""
        choices = [(kernel, stride, padding) for kernel in range(1, 6) for stride in range(1, 4)
                   for padding in range(min(kernel, 3)) if kernel <= side + 2 * padding
                   and (side + 2 * padding - kernel) // stride + 1 == wanted]
        return choices[self._rng.integers(len(choices))] if choices else None

    def _conv(self, channels: int, shape: Map, sides: list[Any], largest: float) -> dict[str, Any]:
        kernel, stride, padding = (list(parts) for parts in zip(*sides, strict=True))
        return {"type": "conv2d", "stride": stride, "padding": padding,
                **self._scaling((channels, shape[0], *kernel), largest)}

    def _linear(self, neurons: int, shape: Map, largest: float) -> dict[str, Any]:
        return {"type": "linear",
                **self._scaling((neurons, shape[0] * shape[1] * shape[2]), largest)}

    def _scaling(self, shape: tuple[int, ...], largest: float) -> dict[str, Any]:
        weight = self._rng.uniform(-1, 1, shape)
        weight[self._rng.random(shape) < 0.1] = 0.0  # sign(0) = +1
        weight = weight if weight.any() else np.ones_like(weight)  # all zero is refused
        fan_in = int(np.prod(shape[1:]))
        return {"weight": weight,
                "bias": self._rng.normal(0, 1, shape[0]) if self._rng.random() < 0.3 else None,
                "norm": random_norm(self._rng, fan_in, shape[0], SPARSE * largest),
                "gate": self._gate(0.05)}

    def _gate(self, low: float) -> dict[str, Any] | None:
        if self._rng.random() < 0.4:
            return None
        return {"kind": "constant", "value": self._rng.uniform(low, 1.0, self._timesteps)}
