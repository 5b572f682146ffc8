"""``python -m evidence.random_maps``: random maps and joins, each network exact in RTL.

As random_networks: kernels of 1 to 5, strides of 1 to 3, padding of 0 to 2, images down to 1x1,
pooling and joins of every kind, weights of 8 bits at the ends, and any plan that they can have.
"""

from __future__ import annotations

import sys

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main"]


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of maps of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_map_models import random_map_document
    from evidence.random_models import with_int8_ends
    from evidence.random_variants import varied

    document = varied(seed, with_int8_ends(seed, random_map_document(seed)))
    return check_document(seed, document, lint)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_maps", __doc__ or "", check_one,
                       "convolutional and residual networks", argv)


if __name__ == "__main__":
    sys.exit(main())
