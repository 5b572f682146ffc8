"""``python -m evidence.random_gates``: random networks whose samples make their gates, each exact.

Fully connected ones and maps in turn, as random_networks and random_maps, without shortcuts: alpha
of every size, weights, indexes and factors of every number of bits.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.random_networks import check_document, run_command

if TYPE_CHECKING:
    from bsnn_hw.lowering.gate import GateBits

__all__ = ["check_one", "main", "random_bits", "random_gated_document"]

ALPHAS = (1.0, 0.5, 2.0, 0.05, 3.7)


def random_gated_document(seed: int) -> dict[str, Any]:
    """A model file's dictionary: every second network has maps, and most hidden layers a gate that
    the sample makes."""
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_variants import varied

    random = random_map_document if seed % 2 else random_document
    generator = np.random.default_rng([seed, 16])
    document = varied(seed, with_int8_ends(seed, random(seed)))
    *hidden, last = document["layers"]
    counted = "readout" in document
    layers = [_gated(generator, layer, document["timesteps"], share=0.8) for layer in hidden]
    last = _gated(generator, last, document["timesteps"], share=0.5) if counted else last
    return document | {"layers": _used([*layers, last])}


def _gated(generator: np.random.Generator, layer: dict[str, Any], timesteps: int,
           share: float) -> dict[str, Any]:
    import torch

    layer = {key: value for key, value in layer.items() if key != "shortcuts"}
    if generator.random() > share:
        return layer
    alpha = float(generator.choice(ALPHAS)) * generator.uniform(0.3, 1.0, timesteps)
    if generator.random() < 0.3:
        alpha[:] = alpha[0]
    return layer | {"gate": {"kind": "sample", "alpha": torch.from_numpy(alpha)}}


def _used(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers that lead to the last, each with its input's name."""
    named = [layer if not index or "input" in layer else
             layer | {"input": layers[index - 1]["name"]} for index, layer in enumerate(layers)]
    needed = {named[-1]["name"]}
    for layer in reversed(named):
        needed |= {layer.get("input")} if layer["name"] in needed else set()
    return [layer for layer in named if layer["name"] in needed]


def random_bits(seed: int) -> GateBits | None:
    """Any bits of the gates for half of the seeds; chosen on the samples for the others."""
    from bsnn_hw.lowering.gate import GateBits

    generator = np.random.default_rng([seed, 17])
    ends = ((2, 9), (0, 9), (1, 11))
    return GateBits(*(int(generator.integers(*each)) for each in ends)) if seed % 4 < 2 else None


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the gated network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_gated_document(seed), lint, narrow=seed % 5 == 0,
                          gate_bits=random_bits(seed))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_gates", __doc__ or "", check_one,
                       "networks with gates of the sample's", argv, count=50)


if __name__ == "__main__":
    sys.exit(main())
