"""``python -m evidence.random_unrolled``: random networks with unrolled layers, exact in RTL.

What the other commands draw, in turn: fully connected networks, pooling, recurrences, neurons that
rest, streams, and networks that mix all of it.  Most layers that can be unrolled are, at the
network's input too, whose values have a word for each of their bits there.
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

__all__ = ["check_one", "main", "unrolled_schedule"]

Document = dict[str, Any]
UNROLLED, PIPELINED = 0.8, 0.6  # shares of the layers that can be


def unrolled_schedule(seed: int, network: Network) -> Schedule:
    """The random plan of ``seed``, but for the layers that are unrolled, and their neighbours."""
    import numpy as np

    from bsnn_hw.engines.registry import engine_problem, find_engine
    from bsnn_hw.ir.schedule import Engine, LayerPlan
    from bsnn_hw.planning.schedule import joined_layers
    from evidence.random_plans import random_schedule

    generator = np.random.default_rng([seed, 71])
    drawn = random_schedule(seed, network)
    plans = list(drawn.layers)
    parallel = [plan.parallel for plan in plans]
    unrolled = set()
    for numbers in joined_layers(network):
        whole = [network.layers[number].synapse.neurons for number in numbers]
        able = [number for number in numbers
                if engine_problem(network, number, Engine.UNROLLED) is None]
        if able and len(set(whole)) == 1 and generator.random() < UNROLLED:
            unrolled.update(able)
            for number in numbers:
                parallel[number] = whole[0]
    for number, plan in enumerate(plans):
        engine = Engine.UNROLLED if number in unrolled else plan.engine
        lanes = find_engine(network, number, engine).fitting_lanes(
            network, number, plan.lanes, parallel)
        plans[number] = LayerPlan(lanes, parallel[number], plan.shared and lanes > 1
                                  and engine is not Engine.UNROLLED, engine, plan.memories,
                                  pipelined=bool(generator.random() < PIPELINED))
    return replace(drawn, layers=tuple(plans))


def _plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    return unrolled_schedule(seed, network), ""


def _kinds() -> tuple[Callable[[int], Document], ...]:
    """What draws networks."""
    from evidence.random_mixed import random_mixed
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_pools import random_pools
    from evidence.random_recurrences import random_recurrences
    from evidence.random_refractory import random_refractory
    from evidence.random_streams import random_streams
    from evidence.random_variants import varied

    def dense(seed: int) -> Document:
        return varied(seed, random_document(seed))

    def ends(seed: int) -> Document:
        return with_int8_ends(seed, random_document(seed))

    return (dense, random_pools, random_recurrences, dense, random_mixed, random_refractory, ends,
            random_streams)


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    from evidence.random_gates import random_bits
    from evidence.random_streams import random_resets

    kinds = _kinds()
    draw = kinds[seed % len(kinds)]
    document = draw(seed)
    return check_document(seed, document, lint, _plan, narrow=seed % 3 == 2,
                          gate_bits=random_bits(seed) if draw is kinds[4] else None,
                          resets=random_resets if document.get("stateful") else None)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_unrolled", __doc__ or "", check_one,
                       "networks with unrolled layers", argv)


if __name__ == "__main__":
    sys.exit(main())
