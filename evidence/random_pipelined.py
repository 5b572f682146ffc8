"""``python -m evidence.random_pipelined``: random networks with pipelined plans, exact in RTL.

What the other commands draw, in turn: fully connected networks, maps with several places at once,
pooling, neurons that rest, streams, and networks that mix all of it.  Every layer is
pipelined, but for some; state and constants lie in block RAM or not, and few folds are there too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evidence.random_networks import check_document, run_command

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_kind", "check_one", "main", "pipelined_schedule"]

Document = dict[str, Any]
PLAIN = 0.15  # share of the layers that are not pipelined
IN_BLOCKS = 0.7  # of the plans whose memories are in block RAM from two rows on


def pipelined_schedule(seed: int, network: Network) -> Schedule:
    """The random plan of ``seed``, pipelined, with several places where a layer can have them."""
    import numpy as np

    from bsnn_hw.ir.schedule import Rows
    from evidence.random_places import placed_schedule
    from evidence.random_plans import random_schedule

    generator = np.random.default_rng([seed, 62])
    schedule = (placed_schedule if seed % 2 else random_schedule)(seed, network)
    if generator.random() < IN_BLOCKS:
        schedule = schedule.placed(Rows(2, 2))
    return replace(schedule, layers=tuple(
        replace(plan, pipelined=bool(generator.random() >= PLAIN)) for plan in schedule.layers))


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    schedule = pipelined_schedule(seed, network)
    return schedule, "pipelined " + ",".join(
        f"{plan.pipelined:d}" for plan in schedule.layers) + ", "


def _kinds() -> tuple[Callable[[int], Document], ...]:
    """What draws networks."""
    from evidence.random_map_models import random_map_document
    from evidence.random_mixed import random_mixed
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_pools import random_pools
    from evidence.random_refractory import random_refractory
    from evidence.random_streams import random_streams
    from evidence.random_variants import varied

    def dense(seed: int) -> Document:
        return varied(seed, with_int8_ends(seed, random_document(seed)))

    return (dense, random_map_document, random_pools, random_mixed, random_refractory, random_mixed,
            random_streams)


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_kind(seed, lint, _plan)


def check_kind(seed: int, lint: bool,
               plan: Callable[[int, Network, np.ndarray], tuple[Schedule, str]]) -> str:
    """The same of the network of ``seed`` with another ``plan``."""
    from evidence.random_gates import random_bits
    from evidence.random_streams import random_resets

    kinds = _kinds()
    document = kinds[seed % len(kinds)](seed)
    return check_document(seed, document, lint, plan, narrow=seed % 4 == 3,
                          gate_bits=random_bits(seed) if seed % len(kinds) in (3, 5) else None,
                          resets=random_resets if document.get("stateful") else None)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_pipelined", __doc__ or "", check_one,
                       "networks with pipelined plans", argv)


if __name__ == "__main__":
    sys.exit(main())
