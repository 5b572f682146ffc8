"""``python -m evidence.random_recurrences``: random recurrent networks, each exact in RTL.

Fully connected networks in turn with maps and joins, as random_networks and random_maps draw them;
linear layers have recurrences through signs or weights of 2 to 8 bits, some of them two.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_recurrences", "with_recurrences"]

SHARE = 0.7  # of linear layers that get their own spikes back


def random_recurrences(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_few_bits import with_few_bits
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document
    from evidence.random_variants import varied

    document = random_map_document(seed) if seed % 4 == 3 else random_document(seed)
    return varied(seed, with_few_bits(seed, with_recurrences(seed, document)))


def with_recurrences(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document``, some of whose linear layers with neurons get their own spikes back; at least
    one does where there is one."""
    generator = np.random.default_rng([seed, 40])
    linear = [number for number, layer in enumerate(document["layers"][:-1])
              if layer["type"] == "linear"]
    drawn = {number for number in linear if generator.random() < SHARE} or set(linear[-1:])
    return document | {"layers": [
        _recurrent(generator, layer, document["timesteps"]) if number in drawn else layer
        for number, layer in enumerate(document["layers"])]}


def _recurrent(generator, layer, timesteps):
    """``layer`` with one recurrence or two; no sample makes the gate of such a layer."""
    changed = {key: value for key, value in layer.items() if key != "current_pool"}
    if (layer.get("gate") or {}).get("kind") == "sample":
        changed["gate"] = None
    neurons = len(layer["weight"])
    count = 1 + (generator.random() < 0.15)
    return changed | {"shortcuts": [*(layer.get("shortcuts") or []), *(
        _recurrence(generator, neurons, timesteps) for _ in range(count))]}


def _recurrence(generator, neurons, timesteps):
    from evidence.random_models import random_norm, with_tensors

    found = {"kind": "recurrent", "weight": generator.uniform(-1, 1, (neurons, neurons)),
             "norm": random_norm(generator, neurons, neurons, 1.0)}
    if generator.random() < 0.3:
        found["bias"] = generator.normal(0, 1, neurons)
    if generator.random() < 0.3:
        found["gate"] = {"kind": "constant", "value": generator.uniform(0.05, 1.0, timesteps)}
    return with_tensors(found)


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_recurrences(seed), lint)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_recurrences", __doc__ or "", check_one,
                       "recurrent networks", argv)


if __name__ == "__main__":
    sys.exit(main())
