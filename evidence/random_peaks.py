"""``python -m evidence.random_peaks``: scores that are a membrane's largest value, exact in RTL.

The networks of random_networks and random_maps, of whose readouts the largest value over time is
the score, with every kind of leak.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_peaks"]


def random_peaks(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document, with_int8_ends, with_tensors
    from evidence.random_variants import varied

    generator = np.random.default_rng([seed, 21])
    document = random_map_document(seed) if seed % 2 else random_document(seed)
    document = varied(seed, with_int8_ends(seed, document))
    *hidden, last = document["layers"]
    document = document | {"readout": None}  # where spikes were counted, currents are scored now
    leak = generator.choice([0.0, 0.5, 0.9, 1.0], len(last["weight"]))
    neuron = {"type": "readout", "score": "max",
              "leak": leak if generator.random() < 0.5 else float(leak[0])}
    return document | {"layers": [*hidden, last | {"neuron": with_tensors(neuron)}]}


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_peaks(seed), lint)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_peaks", __doc__ or "", check_one, "networks with peaks", argv)


if __name__ == "__main__":
    sys.exit(main())
