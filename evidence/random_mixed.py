"""``python -m evidence.random_mixed``: random networks that mix what models may say, exact in RTL.

Maps whose convolutions have groups and places that are apart, pooling of spikes and currents,
shortcuts, joins of spikes, recurrences, second-order neurons, neurons that rest, membranes with a
floor, a state that is kept, gates of the sample, weights of 1 to 8 bits, counts of events and
normalised inputs, scores of every kind; each wherever a model file may say so beside the others.
With several places, and ports of bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.random_groups import GroupedDraw
from evidence.random_map_models import Map
from evidence.random_networks import check_document, run_command
from evidence.random_pools import PoolingDraw

if TYPE_CHECKING:
    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_one", "main", "random_mixed"]

Document = dict[str, Any]
SHARE = 0.7  # of the networks that have a thing, where they may
KEPT = 0.4  # of convolutions that keep the map that comes in, as joins of spikes need it
DENSE = 0.15  # of layers that are fully connected, as recurrences need them


class _MixedDraw(GroupedDraw, PoolingDraw):
    """Groups, dilation and pooling of every kind, some maps that are kept, and dense layers."""

    SIDES = (1, 2, 3, 4, 5, 6, 7, 8)

    def _synapse(self, shape: Map, largest: float) -> tuple[dict[str, Any], Map]:
        chance = self._rng.random()
        if chance < DENSE:
            neurons = int(self._rng.integers(1, 9))
            return self._linear(neurons, shape, largest), (neurons, 1, 1)
        if chance > DENSE + KEPT:
            return super()._synapse(shape, largest)
        sides = [self._fitting(side, side) for side in shape[1:]]
        assert all(sides), "a kernel of 1 keeps any map"
        return self._conv(shape[0], shape, sides, largest), shape


def random_mixed(seed: int) -> Document:
    """The model file's dictionary of ``seed``."""
    from evidence.random_pools import random_pools
    from evidence.random_sew import is_legal
    from evidence.random_variants import varied

    generator = np.random.default_rng([seed, 60])
    document = varied(seed, random_pools(seed, _MixedDraw))
    for change in _changes(generator.random() < 0.5):
        changed = change(seed, document) if generator.random() < SHARE else document
        document = changed if is_legal(changed) else document
    return document


def _changes(stateful: bool) -> list[Callable[[int, Document], Document]]:
    """What a model may have besides."""
    from evidence.random_few_bits import with_few_bits
    from evidence.random_recurrences import with_recurrences
    from evidence.random_refractory import with_refractory
    from evidence.random_second_order import with_second_order
    from evidence.random_sew import with_gates, with_joins
    from evidence.random_streams import with_state

    return [with_recurrences, with_few_bits, with_joins, with_gates, with_second_order,
            with_refractory, *([with_state] if stateful else []), _with_values, _with_peak,
            _with_floors]


def _with_values(seed: int, document: Document) -> Document:
    """Counts of events, or values normalised for each channel, where no border forbids them."""
    from evidence.random_models import with_tensors

    generator = np.random.default_rng([seed, 61])
    entry, (first, *_) = document["input"], document["layers"]
    bits, count = int(generator.integers(2, 9)), entry["shape"][0]
    channels = count if first["type"] == "conv2d" and generator.random() < SHARE else 1
    scale = generator.choice([0.2, 0.31, 1.0], channels) / ((1 << bits) - 1)
    bare = "current_pool" in first or generator.random() < 0.5
    offset = np.zeros(channels) if bare else generator.uniform(-0.6, 0.3, channels)
    scaled = {key: values if len(values) > 1 else float(values[0])
              for key, values in (("scale", scale), ("offset", offset))}
    return document | {"input": with_tensors(
        {"coding": entry["coding"], "shape": entry["shape"], "bits": bits, **scaled})}


def _with_floors(seed: int, document: Document) -> Document:
    """Membranes with a floor, now and then: `random_floors` has them in every network."""
    from evidence.random_floors import with_floors

    return with_floors(seed, document) if seed % 5 == 4 else document


def _with_peak(seed: int, document: Document) -> Document:
    """The largest value of a membrane as score, unless spikes are counted."""
    *hidden, last = document["layers"]
    if document.get("readout") or seed % 3:
        return document
    neuron = {"type": "readout", "score": "max", "leak": 0.75}
    return document | {"layers": [*hidden, last | {"neuron": neuron}]}


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    from evidence.random_places import placed_schedule
    from evidence.random_plans import random_schedule

    draw = placed_schedule if seed % 2 else random_schedule
    return draw(seed, network), ""


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_gates import random_bits
    from evidence.random_streams import random_resets

    document = random_mixed(seed)
    return check_document(seed, document, lint, _plan, narrow=seed % 3 == 1,
                          gate_bits=random_bits(seed),
                          resets=random_resets if document.get("stateful") else None)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_mixed", __doc__ or "", check_one,
                       "networks that mix these", argv)


if __name__ == "__main__":
    sys.exit(main())
