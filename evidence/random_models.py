"""Random small models with every option and every corner case that the semantics define."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["random_document", "random_inputs", "random_neuron", "random_norm", "with_int8_ends",
           "with_tensors"]

INT8_SPREAD = 73.0  # of weights that are uniform in -127..127, where signs have 1
# What BatchNorm scales of a layer look like, one kind per channel.
SCALES = ("plain", "negative", "zero", "negative zero", "tiny", "huge", "dyadic")


def random_document(seed: int, *, largest: int = 24) -> dict[str, Any]:
    """A model file's dictionary: 1 to 3 hidden layers of 1 to ``largest`` neurons, T 1 to 8."""
    generator = np.random.default_rng(seed)
    timesteps = int(generator.integers(1, 9))
    direct = bool(generator.random() < 0.5)
    sizes = [int(n) for n in generator.integers(1, largest + 1, generator.integers(2, 5))]
    classes = int(generator.integers(1, 11))
    bits = int(generator.integers(1, 9)) if direct else 1
    document: dict[str, Any] = {
        "format": "bsnn-hw/model", "version": 1, "name": f"random_{seed}", "timesteps": timesteps,
        "input": {"coding": "direct", "shape": [sizes[0]], "bits": bits,
                  "scale": float(generator.choice([1.0, 1 / ((1 << bits) - 1), 0.37])),
                  "offset": float(generator.choice([0.0, -0.5]))} if direct else
                 {"coding": "events", "shape": [sizes[0]]},
        "layers": [],
    }
    reach = float((1 << bits) - 1) * document["input"].get("scale", 1.0)
    for index, (fan_in, neurons) in enumerate(zip(sizes, [*sizes[1:], classes], strict=True)):
        last = index == len(sizes) - 1
        document["layers"].append(_layer(
            generator, f"fc{index + 1}", fan_in, neurons, timesteps, reach, last))
        reach = 1.0
    return with_tensors(document)


def with_tensors(value: Any) -> Any:
    """``value`` with every array in it as a tensor of float64."""
    import torch

    if isinstance(value, dict):
        return {key: with_tensors(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_tensors(inner) for inner in value]
    return torch.from_numpy(value.astype(np.float64)) if isinstance(value, np.ndarray) else value


def with_int8_ends(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with weights of 8 bits in a third of all first layers and readouts."""
    import torch

    generator = np.random.default_rng([seed, 8])
    *hidden, last = document["layers"]
    changed = [_int8(layer, generator, torch) if generator.random() < 1 / 3 else layer
               for layer in (*hidden[:1], last)]
    return document | {"layers": [*changed[:-1], *hidden[1:], changed[-1]]}


def _int8(layer, generator, torch):
    weight = generator.integers(-127, 128, tuple(layer["weight"].shape))
    extreme = generator.choice([-127, 0, 127], weight.shape)
    weight = np.where(generator.random(weight.shape) < 0.2, extreme, weight)
    wide = layer | {"weight_bits": 8, "weight": torch.from_numpy(weight.astype(np.int8))}
    if layer["norm"] is None:
        return wide
    return wide | {"norm": layer["norm"] | {"var": layer["norm"]["var"] * INT8_SPREAD ** 2}}


def _layer(generator, name, fan_in, neurons, timesteps, reach, last):
    weight = generator.uniform(-1, 1, (neurons, fan_in))
    weight[generator.random(weight.shape) < 0.1] = 0.0  # sign(0) = +1
    weight = weight if weight.any() else np.ones_like(weight)  # all zero is refused
    layer = {"name": name, "type": "linear", "weight": weight, "bias": None,
             "norm": random_norm(generator, fan_in, neurons, reach), "gate": None,
             "neuron": {"type": "readout"} if last else random_neuron(generator)}
    if generator.random() < 0.3:
        layer["bias"] = generator.normal(0, 1, neurons)
    if generator.random() < 0.6:
        low = -0.5 if last else 0.05
        layer["gate"] = {"kind": "constant", "value": generator.uniform(low, 1.0, timesteps)}
    return layer


def random_norm(generator, fan_in, neurons, reach):
    """BatchNorm, or None: synapses that count whole numbers, with ties at the threshold.

    fan_in : int, inputs of a neuron, each up to ``reach``; neurons : int, or output channels
    """
    if generator.random() < 0.2:
        return None
    spread = reach * np.sqrt(fan_in)
    kinds = generator.choice(SCALES, neurons, p=[0.4, 0.2, 0.08, 0.04, 0.08, 0.05, 0.15])
    gamma = {"plain": 1.0, "negative": -1.0, "zero": 0.0, "negative zero": -0.0, "tiny": 1e-9,
             "huge": 1e6, "dyadic": 0.25}
    shift = generator.normal(0, 0.6, neurons)
    # Neurons that always or never fire, and biases that are the threshold itself.
    shift = np.where(generator.random(neurons) < 0.1, generator.choice([-50.0, 50.0, 1.0, 0.5],
                                                                       neurons), shift)
    dyadic = kinds == "dyadic"
    return {
        "gamma": np.array([gamma[kind] for kind in kinds]) * np.where(
            dyadic, 1.0, generator.uniform(0.5, 2.0, neurons)),
        "beta": np.where(dyadic, np.round(2 * shift) / 2, shift),
        "mean": np.where(dyadic, 0.0, generator.normal(0, 0.3 * spread, neurons)),
        "var": np.where(dyadic, 1.0, generator.uniform(0.3, 2.0, neurons) * spread ** 2),
        "eps": 0.0 if dyadic.all() else 1e-5,
    }


def random_neuron(generator):
    """A layer's ``neuron``."""
    neuron = {"type": str(generator.choice(["lif", "if"])),
              "threshold": float(generator.choice([1.0, 0.5, 2.0, 0.73])),
              "reset": str(generator.choice(["hard", "soft"])),
              "comparison": str(generator.choice([">=", ">"])),
              "input_scale": float(generator.choice([1.0, 1.0, 0.5]))}
    if neuron["type"] == "lif":
        neuron["leak"] = float(generator.choice([0.5, 0.75, 0.9, 0.1, 1.0]))
    return neuron


def random_inputs(seed: int, document: dict[str, Any], count: int) -> np.ndarray:
    """Samples from silent to saturated, uint8 (N, size) or (N, T, size)."""
    generator = np.random.default_rng([seed, 1])
    entry = document["input"]
    shape = (*(() if entry["coding"] == "direct" else (document["timesteps"],)),
             int(np.prod(entry["shape"])))
    top = (1 << entry.get("bits", 1)) - 1
    values = generator.integers(1, top + 1, (count, *shape), dtype=np.uint8)
    values[-1] = top  # saturated; the first is silent
    share = np.linspace(0, 1, count).reshape(-1, *[1] * len(shape))
    return values * (generator.random(values.shape) < share).astype(np.uint8)
