"""``python -m evidence.random_semantics``: random networks of what others train, exact in RTL.

Fully connected in turn with maps and joins, as random_networks and random_maps draw them: half of
them with weights of 2 to 8 bits in any layer and shortcut, and half with pooling of every kind, of
spikes and of currents.
"""

from __future__ import annotations

import sys
from typing import Any

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_semantics"]


def random_semantics(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_few_bits import with_few_bits
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document
    from evidence.random_pools import random_pools
    from evidence.random_variants import varied

    if seed % 4 > 1:
        return varied(seed, random_pools(seed))
    document = random_map_document(seed) if seed % 2 else random_document(seed)
    return varied(seed, with_few_bits(seed, document))


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_semantics(seed), lint)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_semantics", __doc__ or "", check_one,
                       "networks of these", argv)


if __name__ == "__main__":
    sys.exit(main())
