"""``python -m evidence.random_sew``: random networks whose spikes are joined, each exact in RTL.

Maps and fully connected layers with pooling and shortcuts of every kind, some with recurrences,
second-order neurons, gates of the sample and weights of few bits.  Spikes of layers are added, also
in chains and behind a maximum, or joined by AND, IAND and INHIBIT, wherever a model file may say
so.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.random_map_models import Draw, Map, random_map_document
from evidence.random_networks import check_document, run_command

if TYPE_CHECKING:
    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_one", "is_legal", "main", "random_sew", "with_gates", "with_joins"]

KEPT = 0.6  # of convolutions that keep the map that comes in
SHARE = 0.8  # of layers that are joined with an earlier one, where one fits
KINDS = ("add", "add", "add", "and", "iand", "inhibit")


class _Draw(Draw):
    """Mostly convolutions that keep their map, as those of residual blocks."""

    SIDES = (1, 2, 3, 4, 4, 5, 6, 7)

    def _synapse(self, shape: Map, largest: float) -> tuple[dict[str, Any], Map]:
        if self._rng.random() > KEPT:
            return super()._synapse(shape, largest)
        sides = [self._fitting(side, side) for side in shape[1:]]
        assert all(sides), "a kernel of 1 keeps any map"
        return self._conv(shape[0], shape, sides, largest), shape


def random_sew(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``, drawn again where nothing can be joined."""
    return next(document for drawn in range(seed, 1 << 62, 1 << 20)
                for document in [_drawn(seed, drawn)]
                if any("join" in layer for layer in document["layers"]))


def _drawn(seed, drawn):
    from evidence.random_few_bits import with_few_bits
    from evidence.random_recurrences import with_recurrences
    from evidence.random_second_order import with_second_order
    from evidence.random_variants import varied

    document = random_map_document(drawn, _Draw)
    if seed % 4 == 2:
        document = with_second_order(seed, document)
    if seed % 4 == 3:
        document = with_recurrences(seed, document)
    document = varied(seed, with_few_bits(seed, with_joins(seed, document)))
    return with_gates(seed, document) if seed % 4 == 1 else document


def with_joins(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with joins of layers with earlier ones, as far as a model file may have them."""
    from bsnn_hw.model.check import describe

    generator = np.random.default_rng([seed, 41])
    shapes = [layer.shape for layer in describe(document).layers]
    for number in range(1, len(document["layers"]) - 1):
        if generator.random() > SHARE:
            continue
        sources = list(range(number))
        generator.shuffle(sources)
        for source in sources:
            fitting = _windows(generator, shapes[source], shapes[number])
            if fitting is None:
                continue
            joined = _with(document, number, {"join": {
                "kind": str(generator.choice(KINDS)),
                "from": document["layers"][source]["name"], **fitting}})
            if is_legal(joined):
                document = joined
                break
    return document


def with_gates(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with gates that the samples make, where they may."""
    from evidence.random_models import with_tensors

    generator = np.random.default_rng([seed, 42])
    for number in range(len(document["layers"]) - 1):
        alpha = generator.uniform(0.3, 1.5, document["timesteps"])
        gated = _with(document, number, with_tensors({"gate": {"kind": "sample", "alpha": alpha}}))
        if generator.random() < 0.5 and is_legal(gated):
            document = gated
    return document


def _with(document, number, more):
    layers = list(document["layers"])
    layers[number] = layers[number] | more
    return document | {"layers": layers}


def is_legal(document: dict[str, Any]) -> bool:
    """Whether a model file may say so: a maximum of sums, for one, it may not."""
    from bsnn_hw.errors import ModelError
    from bsnn_hw.model.check import describe

    try:
        describe(document)
    except ModelError:
        return False
    return True


def _windows(generator, source, target):
    """What of a join makes a map ``target`` of ``source``; None where nothing does."""
    if source == target:
        return {}
    sides = [_fitting(generator, *pair) for pair in
             ((source.height, target.height), (source.width, target.width))]
    if source.channels != target.channels or not all(sides):
        return None
    size, stride, padding = (list(parts) for parts in zip(*sides, strict=True))
    return {"pool": {"kind": "max", "size": size, "stride": stride, "padding": padding}}


def _fitting(generator, side, wanted):
    """(size, stride, padding) of windows that make ``wanted`` places of ``side``, or None."""
    choices = [(size, stride, padding) for size in range(1, 5) for stride in range(1, 4)
               for padding in range(min(size, stride)) if size <= side + 2 * padding
               and (side + 2 * padding - size) // stride + 1 == wanted]
    return choices[generator.integers(len(choices))] if choices else None


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_sew(seed), lint, _plan, narrow=seed % 7 == 6)


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    """Any plan; of every third network one with several places where a layer can have them."""
    from evidence.random_places import placed_schedule
    from evidence.random_plans import random_schedule

    return (random_schedule if seed % 3 else placed_schedule)(seed, network), ""


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_sew", __doc__ or "", check_one,
                       "networks of joined spikes", argv)


if __name__ == "__main__":
    sys.exit(main())
