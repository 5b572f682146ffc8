"""What a random model may say beside its layers: reset amounts, constants per channel, scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from evidence.random_models import random_neuron, with_tensors

__all__ = ["varied"]

CONSTANTS = ("leak", "threshold", "reset_by", "input_scale")


def varied(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with soft resets by amounts of their own, neurons with constants per channel,
    and scores of every kind."""
    generator = np.random.default_rng([seed, 12])
    *hidden, last = document["layers"]
    hidden = [layer | {"neuron": _neuron(generator, layer["neuron"], len(layer["weight"]))}
              for layer in hidden]
    last, readout = _scores(generator, last)
    return document | {"layers": [*hidden, last]} | with_tensors(readout)


def _neuron(generator, neuron, channels):
    threshold, leak = neuron["threshold"], neuron.get("leak", 1.0)
    if neuron["reset"] == "soft" and generator.random() < 0.6:
        # snnTorch's default, none at all, less and more than the threshold.
        neuron = neuron | {"reset_by": float(generator.choice([threshold / leak, 0.0, 0.5, 1.37]))}
    if generator.random() < 0.2:
        neuron = neuron | {key: neuron[key] * generator.choice([1.0, 0.5, 0.9], channels)
                           for key in CONSTANTS if key in neuron}
    return with_tensors(neuron)


def _scores(generator, last):
    """The last layer, and what the model says of the readout."""
    classes = len(last["weight"])
    if generator.random() < 0.3 and "weight_bits" not in last:
        groups = [size for size in range(1, classes + 1) if classes % size == 0]
        neuron = _neuron(generator, random_neuron(generator), classes)
        return last | {"neuron": neuron, "gate": None}, {
            "readout": {"type": "spike_count", "group": int(generator.choice(groups))}}
    neuron = {"type": "readout", "score": str(generator.choice(["mean", "sum", "last"]))}
    if generator.random() < 0.5:
        leak = generator.choice([0.0, 0.5, 0.9, 1.0], classes)
        neuron["leak"] = leak if generator.random() < 0.5 else float(leak[0])
    return last | {"neuron": with_tensors(neuron)}, {}
