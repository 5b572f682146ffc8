"""``python -m evidence.random_places``: convolutions that charge several places at once, exact.

As random_maps and, every third, random_normalised, with plans of their own: every convolution that
can charges all places of a line at once, but for some.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from evidence.random_networks import check_document, run_command

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule

__all__ = ["check_one", "main", "placed_schedule"]

ONE = 0.2  # share of the convolutions that charge one place


def placed_schedule(seed: int, network: Network) -> Schedule:
    """The random plan of ``seed``, with several places where a layer can have them."""
    import numpy as np

    from bsnn_hw.engines.registry import find_engine
    from bsnn_hw.ir.schedule import Schedule
    from evidence.random_plans import random_schedule

    generator = np.random.default_rng([seed, 13])
    plans = []
    for number, plan in enumerate(random_schedule(seed, network).layers):
        kind = find_engine(network, number, plan.engine)
        most = kind.place_choices(network, number)[-1]
        plans.append(replace(plan, places=1 if generator.random() < ONE else most))
    return Schedule(tuple(plans))


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    schedule = placed_schedule(seed, network)
    return schedule, "places " + ",".join(f"{plan.places}" for plan in schedule.layers) + ", "


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of maps of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_map_models import random_map_document
    from evidence.random_normalised import random_normalised

    document = random_normalised(seed) if seed % 3 == 2 else random_map_document(seed)
    return check_document(seed, document, lint, _plan, narrow=seed % 4 == 3)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_places", __doc__ or "", check_one,
                       "convolutional and residual networks", argv)


if __name__ == "__main__":
    sys.exit(main())
