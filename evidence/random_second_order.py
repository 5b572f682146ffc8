"""``python -m evidence.random_second_order``: random second-order neurons, each exact in RTL.

Fully connected networks in turn with maps and joins, recurrent layers, pooling of every kind and
gates that samples make, as the other generators draw them, with weights of 1 to 8 bits; most layers
of neurons have a synaptic current with a leak of its own, one for all or one per channel.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_second_order", "with_second_order"]

SHARE = 0.8  # of layers with neurons whose currents leak
# A shift, products, one that rounds to 0 with few bits, none at all, and one that forgets nothing.
LEAKS = (0.5, 0.25, 0.9, 0.83, 0.01, 0.0, 1.0)


def random_second_order(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_few_bits import with_few_bits
    from evidence.random_gates import random_gated_document
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document
    from evidence.random_pools import random_pools
    from evidence.random_recurrences import random_recurrences
    from evidence.random_variants import varied

    match seed % 5:
        case 0:
            document = varied(seed, with_few_bits(seed, random_document(seed)))
        case 1:
            document = varied(seed, with_few_bits(seed, random_map_document(seed)))
        case 2:
            document = random_recurrences(seed)
        case 3:
            document = varied(seed, random_pools(seed))
        case _:
            document = random_gated_document(seed)
    return with_second_order(seed, document)


def with_second_order(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document``, most of whose layers with neurons are of second order; the first is."""
    generator = np.random.default_rng([seed, 50])
    return document | {"layers": [
        _second_order(generator, layer) if layer["neuron"]["type"] != "readout"
        and (not number or generator.random() < SHARE) else layer
        for number, layer in enumerate(document["layers"])]}


def _second_order(generator, layer):
    from evidence.random_models import with_tensors

    channels = len(layer["weight"])
    leak = generator.choice(LEAKS, channels) if generator.random() < 0.4 else float(
        generator.choice(LEAKS[:-2]))
    return layer | {"neuron": with_tensors(layer["neuron"] | {"current_leak": leak})}


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_second_order(seed), lint)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_second_order", __doc__ or "", check_one,
                       "networks of second-order neurons", argv)


if __name__ == "__main__":
    sys.exit(main())
