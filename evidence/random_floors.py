"""``python -m evidence.random_floors``: random neurons whose membranes have a floor, exact in RTL.

Networks of `random_second_order` in turn with those of `random_streams`, `random_refractory` and
`random_mixed`: of first and second order, recurrent, with maps, joins, pooling, gates of the
sample, constants per channel, and some that keep their state.  In most layers membranes have a
floor, at 0 or below, one for all neurons or for each channel its own.  A third of the plans is
pipelined, a third has units of their own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.random_networks import check_document, run_command

if TYPE_CHECKING:
    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_one", "main", "random_floors", "with_floors"]

SHARE = 0.8  # of layers whose membranes have a floor
OWN = 0.3  # of these, where each channel has its own
DEPTHS = (0.0, 0.25, 0.5, 1.0, 2.0, 1.37)  # below 0, in thresholds


def random_floors(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_mixed import random_mixed
    from evidence.random_refractory import random_refractory
    from evidence.random_second_order import random_second_order
    from evidence.random_streams import random_streams

    kinds = random_second_order, random_streams, random_refractory, random_mixed
    return with_floors(seed, kinds[seed % len(kinds)](seed))


def with_floors(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document``, most of whose layers with neurons have a floor; the first does."""
    generator = np.random.default_rng([seed, 72])
    return document | {"layers": [
        layer | {"neuron": _floored(layer["neuron"], len(layer["weight"]), generator)}
        if layer["neuron"]["type"] != "readout" and (not number or generator.random() < SHARE)
        else layer for number, layer in enumerate(document["layers"])]}


def _floored(neuron: dict[str, Any], channels: int,
             generator: np.random.Generator) -> dict[str, Any]:
    """The neuron with a floor that no spike goes below."""
    import torch

    size = channels if generator.random() < OWN else 1
    threshold, taken = (torch.as_tensor(neuron.get(key, 0.0)).double()
                        for key in ("threshold", "reset_by"))
    depths = torch.from_numpy(generator.choice(DEPTHS, size))
    floor = torch.minimum(-depths * threshold, torch.clamp(threshold - taken, max=0))
    return neuron | {"min_potential": float(floor[0]) if len(floor) == 1 else floor}


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    from evidence.random_pipelined import pipelined_schedule
    from evidence.random_plans import random_schedule
    from evidence.random_units import units_schedule

    kinds = (random_schedule, ""), (pipelined_schedule, "pipelined, "), (units_schedule, "units, ")
    draw, about = kinds[seed // 4 % len(kinds)]
    return draw(seed, network), about


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_gates import random_bits
    from evidence.random_streams import random_resets

    document = random_floors(seed)
    return check_document(seed, document, lint, _plan, narrow=seed % 5 == 1,
                          gate_bits=random_bits(seed) if seed % 4 == 3 else None,
                          resets=random_resets if document.get("stateful") else None)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_floors", __doc__ or "", check_one,
                       "networks whose membranes have a floor", argv)


if __name__ == "__main__":
    sys.exit(main())
