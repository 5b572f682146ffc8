"""``python -m evidence.random_counts``: random networks that take counts of events, each exact.

Fully connected ones and maps in turn, as random_networks and random_maps draw them, whose input has
2 to 8 bits in each timestep, a scale and an offset, behind either kind of port.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_counts"]


def random_counts(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_variants import varied

    random = random_map_document if seed % 2 else random_document
    generator = np.random.default_rng([seed, 22])
    document = varied(seed, with_int8_ends(seed, random(seed)))
    bits = int(generator.integers(2, 9))
    entry = {"coding": "events", "shape": document["input"]["shape"], "bits": bits,
             "scale": float(generator.choice([1.0, 0.5, 1 / ((1 << bits) - 1)]))}
    if generator.random() < 0.4 and "current_pool" not in document["layers"][0]:
        entry["offset"] = float(generator.choice([-0.5, 0.1]))
    return document | {"input": entry}


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_counts(seed), lint, narrow=seed % 5 == 0)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_counts", __doc__ or "", check_one,
                       "networks that take counts of events", argv, count=50)


if __name__ == "__main__":
    sys.exit(main())
