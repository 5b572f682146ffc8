"""``python -m evidence.planned_networks``: what the planner offers, each exact in RTL.

Random networks, a quarter of them with maps and joins, for every part and every goal, a third with
ports of bytes: the plan that is chosen, or one of the alternatives that are printed beside it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from evidence.random_networks import check_document, run_command

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_one", "main", "offered"]

COUNT = 60
GOALS = ("smallest", "fastest", "fps", "weighed")  # the last: an alternative, fitting or not


def offered(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    """A plan that the planner offers for the part and the goal of ``seed``, and their names."""
    import numpy as np

    from bsnn_hw.devices.chips import CHIPS
    from bsnn_hw.ir.schedule import Port
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.planning.goal import Goal, Objective
    from bsnn_hw.planning.plan import choose
    from bsnn_hw.reference.network import run

    activity = measure_activity(network, inputs, run(network, inputs, potentials=False),
                                Port.BYTES if _narrow(seed) else Port.EVENTS)
    chip, kind = CHIPS[seed % len(CHIPS)], GOALS[seed // len(CHIPS) % len(GOALS)]
    if kind == "smallest":
        plan = choose(network, activity, chip, Goal(Objective.SMALLEST))
    else:
        plan = choose(network, activity, chip, Goal(Objective.FASTEST))
    schedule = plan.schedule
    if kind == "fps":
        assert plan.forecast is not None
        goal = Goal(Objective.RATE, plan.forecast.speed(chip.clock) / 2)
        schedule = choose(network, activity, chip, goal).schedule
    elif kind == "weighed":
        generator = np.random.default_rng([seed, 3])
        schedule = plan.alternatives[int(generator.integers(len(plan.alternatives)))].schedule
    return schedule, f"{chip.name} {kind}{' bytes' if _narrow(seed) else ''}, "


def _narrow(seed: int) -> bool:
    return seed % 3 == 0


def check_one(seed: int, lint: bool = True) -> str:
    """Plan, generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be planned or generated, is not exact, or the linter has something to say.
    """
    from bsnn_hw.devices.chips import CHIPS
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_variants import varied

    # So that every part has some.
    draw = random_map_document if (seed + seed // len(CHIPS)) % 4 == 3 else random_document
    document = varied(seed, with_int8_ends(seed, draw(seed)))
    return check_document(seed, document, lint, offered, _narrow(seed))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("planned_networks", __doc__ or "", check_one,
                       "networks with plans that the planner offers", argv, COUNT)


if __name__ == "__main__":
    sys.exit(main())
