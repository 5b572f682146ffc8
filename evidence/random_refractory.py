"""``python -m evidence.random_refractory``: random neurons that rest after a spike, exact in RTL.

Networks of `random_second_order` in turn with those of `random_streams`, so of first and of second
order, recurrent, with maps, joins, pooling and gates of the sample, and some that keep their state;
in most layers neurons have a hard reset and rest for a timestep after a spike.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_refractory", "with_refractory"]

SHARE = 0.8  # of layers whose neurons rest
EASED = 0.5  # of them, whose thresholds are a quarter: many spikes then follow one another closely


def random_refractory(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_second_order import random_second_order
    from evidence.random_streams import random_streams

    draw = random_streams if seed % 3 == 2 else random_second_order
    return with_refractory(seed, draw(seed))


def with_refractory(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document``, most of whose layers with neurons rest; the first does."""
    generator = np.random.default_rng([seed, 70])
    return document | {"layers": [
        layer | {"neuron": _resting(layer["neuron"], generator.random() < EASED)}
        if layer["neuron"]["type"] != "readout" and (not number or generator.random() < SHARE)
        else layer for number, layer in enumerate(document["layers"])]}


def _resting(neuron: dict[str, Any], eased: bool) -> dict[str, Any]:
    kept = {key: value for key, value in neuron.items() if key not in ("reset_by", "reset_delay")}
    return kept | {"reset": "hard", "refractory": True,
                   "threshold": kept["threshold"] * (0.25 if eased else 1)}


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_streams import random_resets

    document = random_refractory(seed)
    return check_document(seed, document, lint, narrow=seed % 4 == 1,
                          resets=random_resets if document.get("stateful") else None)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_refractory", __doc__ or "", check_one,
                       "networks of neurons that rest after a spike", argv)


if __name__ == "__main__":
    sys.exit(main())
