"""``python -m evidence.random_groups``: grouped, depthwise and dilated convolutions, exact in RTL.

Maps as random_maps draws them, most of whose convolutions have groups, of one channel or more, or
places of the kernel that are apart; in layers and in shortcuts, with signs or weights of few bits.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from evidence.random_map_models import Draw, Map, random_map_document
from evidence.random_networks import check_document, run_command

__all__ = ["GroupedDraw", "check_one", "main", "random_grouped"]

SHARE = 0.8  # of convolutions with groups, and of those with dilation, where they can have them


class GroupedDraw(Draw):
    """Convolutions of the same maps, with fewer weights."""

    SIDES: tuple[int, ...] = (2, 3, 4, 5, 6, 8)

    def _conv(self, channels: int, shape: Map, sides: list[Any], largest: float) -> dict[str, Any]:
        kernel, stride, padding = (list(parts) for parts in zip(*sides, strict=True))
        dilation = [self._divisor(side - 1) for side in kernel]
        kernel = [(side - 1) // step + 1 for side, step in zip(kernel, dilation, strict=True)]
        groups = self._divisor(math.gcd(channels, shape[0]))
        return {"type": "conv2d", "stride": stride, "padding": padding, "groups": groups,
                "dilation": dilation,
                **self._scaling((channels, shape[0] // groups, *kernel), largest)}

    def _divisor(self, count: int) -> int:
        """Of ``count``, more than 1 where it has any, most times."""
        divisors = [number for number in range(2, count + 1) if count % number == 0]
        if not divisors or self._rng.random() > SHARE:
            return 1
        return int(self._rng.choice(divisors))


def random_grouped(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_models import with_int8_ends

    document = random_map_document(seed, GroupedDraw)
    few_bits = np.random.default_rng(seed).random() < 0.5
    return with_int8_ends(seed, document) if few_bits else document


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_grouped(seed), lint)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_groups", __doc__ or "", check_one,
                       "networks with grouped and dilated convolutions", argv)


if __name__ == "__main__":
    sys.exit(main())
