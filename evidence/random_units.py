"""``python -m evidence.random_units``: random networks whose neurons step in units of their own.

What the other commands draw, in turn, with plans of random_pipelined: every layer that may hold its
sums does, but for some, for a random divisor of its parallel neurons.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from evidence.random_networks import run_command

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_one", "main", "units_schedule"]

AT_ONCE = 0.15  # share of the layers that could hold their sums and do not


def units_schedule(seed: int, network: Network) -> Schedule:
    """The random plan of ``seed``, with units of their own where a layer can have them."""
    import numpy as np

    from bsnn_hw.ir.schedule import Schedule
    from bsnn_hw.layout.held import units_problem
    from evidence.random_pipelined import pipelined_schedule
    from evidence.random_places import placed_schedule

    generator = np.random.default_rng([seed, 77])
    schedule = (pipelined_schedule if generator.random() < 0.6 else placed_schedule)(seed, network)
    plans = []
    for number, plan in enumerate(schedule.layers):
        divisors = [count for count in range(1, plan.parallel + 1) if not plan.parallel % count]
        held = units_problem(network, number) is None and generator.random() >= AT_ONCE
        plans.append(replace(plan, units=int(generator.choice(divisors)) if held else None))
    return Schedule(tuple(plans))


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    schedule = units_schedule(seed, network)
    return schedule, "units " + ",".join(
        f"{plan.units}/{plan.parallel}" if plan.units else "-" for plan in schedule.layers) + ", "


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_pipelined import check_kind

    return check_kind(seed, lint, _plan)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_units", __doc__ or "", check_one,
                       "networks whose neurons step in units", argv)


if __name__ == "__main__":
    sys.exit(main())
