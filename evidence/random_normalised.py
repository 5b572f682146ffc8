"""``python -m evidence.random_normalised``: random networks whose input is normalised, each exact.

Maps as random_maps, random_pools and random_gates draw them, whose input has a scale and an offset,
the same for all channels or one each, in front of a padded kernel too.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_normalised"]


def random_normalised(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_gates import random_gated_document
    from evidence.random_map_models import random_map_document
    from evidence.random_pools import random_pools
    from evidence.random_variants import varied

    kinds = (random_map_document, random_pools, lambda seed: random_gated_document(2 * seed + 1))
    generator = np.random.default_rng([seed, 21])
    document = kinds[seed % 3](seed)
    document = document if seed % 3 == 2 else varied(seed, document)
    first, *others = document["layers"]
    pool = first.get("current_pool")
    if pool and pool["kind"] == "max":  # which no padded layer with an offset has
        first = first | {"current_pool": pool | {"kind": "avg"}}
    return document | {"input": _input(generator, document["input"], first["type"] == "conv2d"),
                       "layers": [first, *others]}


def _input(generator: np.random.Generator, given: dict[str, Any], mapped: bool) -> dict[str, Any]:
    """A direct input with means and deviations: of each channel, of all, or of one kind each."""
    import torch

    bits, channels = int(generator.integers(1, 9)), given["shape"][0]
    many = channels if generator.random() < 0.7 else 1
    deviation = generator.choice([0.2, 0.25, 0.31, 1.0], many)
    mean = generator.uniform(-0.2, 1.0, many)
    scale = 1 / (((1 << bits) - 1) * deviation)
    offset = -mean / deviation
    if not mapped or generator.random() < 0.3:
        scale = scale[:1]
    return {"coding": "direct", "shape": given["shape"], "bits": bits} | {
        key: float(values[0]) if len(values) == 1 else torch.from_numpy(values)
        for key, values in (("scale", scale), ("offset", offset))}


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_normalised(seed), lint, narrow=seed % 5 == 0)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_normalised", __doc__ or "", check_one,
                       "networks with normalised inputs", argv, count=60)


if __name__ == "__main__":
    sys.exit(main())
