"""``python -m evidence.random_separable``: depthwise and grouped convolutions, each exact in RTL.

Maps and joins as random_maps draws them, whose convolutions have groups: depthwise ones, with a
multiplier of 1 to 3, and others of 2 to 4 groups, some of them followed by a 1x1 convolution, with
signs or weights of 2 to 8 bits; a quarter with ports of bytes.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_map_models import Draw, Map
from evidence.random_networks import check_document, run_command

__all__ = ["SeparableDraw", "check_one", "main", "random_separable"]

POINTWISE = 0.3  # of convolutions without groups that keep the map: separable ones' second half


class SeparableDraw(Draw):
    """As `Draw`, where convolutions have groups if channels that come in allow it."""

    SIDES = (1, 2, 3, 4, 4, 5, 6)

    def _synapse(self, shape: Map, largest: float) -> tuple[dict[str, Any], Map]:
        if self._rng.random() < POINTWISE:
            channels = int(self._rng.choice((2, 4, 6, 8, 9, 12)))
            return (self._conv(channels, shape, [(1, 1, 0)] * 2, largest),
                    (channels, shape[1], shape[2]))
        synapse, target = super()._synapse(shape, largest)
        groups = self._groups(shape[0])
        if synapse["type"] != "conv2d" or groups == 1:
            return synapse, target
        channels = groups * int(self._rng.choice((1, 1, 2, 3, 4)))
        if shape[1:] == target[1:] and self._rng.random() < 0.5:
            channels = shape[0]  # as it was, so that shortcuts fit
        return (self._grouped(channels, shape, synapse, groups, largest),
                (channels, *target[1:]))

    def _shortcut(self, name: str, source: Map, target: Map) -> dict[str, Any] | None:
        shortcut = super()._shortcut(name, source, target)
        if shortcut is None or shortcut["kind"] != "conv2d" or self._rng.random() < 0.5:
            return shortcut
        groups = self._groups(int(np.gcd(source[0], target[0])))
        kept = {key: shortcut[key] for key in ("kind", "from", "pool") if key in shortcut}
        return kept | {key: value for key, value in self._grouped(
            target[0], source, shortcut, groups, 1.0).items() if key != "type"}

    def _groups(self, channels: int) -> int:
        """Half of them depthwise."""
        choices = [groups for groups in (2, 3, 4) if channels % groups == 0]
        if self._rng.random() < 0.5 or not choices:
            return channels
        return int(self._rng.choice(choices))

    def _grouped(self, channels: int, shape: Map, synapse: dict[str, Any], groups: int,
                 largest: float) -> dict[str, Any]:
        kernel = synapse["weight"].shape[2:]
        return {"type": "conv2d", "stride": synapse["stride"], "padding": synapse["padding"],
                "groups": groups, **self._scaling((channels, shape[0] // groups, *kernel), largest)}


def random_separable(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_few_bits import with_few_bits
    from evidence.random_map_models import random_map_document
    from evidence.random_variants import varied

    return varied(seed, with_few_bits(seed, random_map_document(seed, SeparableDraw)))


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_separable(seed), lint, narrow=seed % 4 == 3)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_separable", __doc__ or "", check_one,
                       "networks of grouped convolutions", argv)


if __name__ == "__main__":
    sys.exit(main())
