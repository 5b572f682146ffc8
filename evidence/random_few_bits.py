"""Random models, some of whose layers have weights of 2 to 8 bits in place of signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from bsnn_hw.ir.network import largest_weight

__all__ = ["with_few_bits"]

SHARE = 0.6  # of layers and shortcuts that get few-bit weights


def with_few_bits(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with weights of 2 to 8 bits, 2 the most often, in any layers and shortcuts."""
    generator = np.random.default_rng([seed, 28])
    return document | {"layers": [_layer(generator, layer) for layer in document["layers"]]}


def _layer(generator, layer):
    changed = _few_bits(generator, layer)
    if changed.get("shortcuts"):
        changed["shortcuts"] = [_few_bits(generator, each) if "weight" in each else each
                                for each in changed["shortcuts"]]
    return changed


def _few_bits(generator, part):
    """A layer or shortcut with such weights, and a norm for sums that spread so much more."""
    import torch

    if generator.random() > SHARE:
        return dict(part)
    bits = int(generator.choice([2, 2, 2, 3, 4, 5, 6, 7, 8]))
    most = largest_weight(bits)
    shape = tuple(part["weight"].shape)
    weight = generator.integers(-most, most + 1, shape)
    weight = np.where(generator.random(shape) < 0.3, generator.choice([-most, 0, most], shape),
                      weight)
    weight *= generator.random((len(weight), *[1] * (len(shape) - 1))) > 0.05  # neurons of zeros
    changed = part | {"weight_bits": bits, "weight": torch.from_numpy(weight.astype(np.int8))}
    if part.get("norm") is not None:
        spread = max(float(weight.std()), 0.5)
        changed["norm"] = part["norm"] | {"var": part["norm"]["var"] * spread ** 2}
    return changed
