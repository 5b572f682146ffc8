"""Random legal plans: any engine, lanes and parallel neurons that a network's layers can have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import BLOCK_ROWS, Engine, LayerPlan, Rows, Schedule

__all__ = ["random_schedule"]

MOST_LANES, MOST_WORD_LANES = 6, 40
WORDS = 0.3  # share of the layers that can take words and do
BLOCK_ROW_CHOICES = ((BLOCK_ROWS, BLOCK_ROWS), (2, 99), (5, 2))  # of state, of constants


def random_schedule(seed: int, network: Network) -> Schedule:
    """The plan of ``seed``; layers that must have the same parallel neurons have."""
    from bsnn_hw.engines.registry import engine_problem, find_engine
    from bsnn_hw.planning.schedule import joins, most_parallel

    generator, other = (np.random.default_rng([seed, stream]) for stream in (2, 3))
    count = len(network.layers)
    parallel = [int(generator.integers(1, most_parallel(network, number) + 1))
                for number in range(count)]
    for _ in range(count):  # a join may follow from another one
        for number, producer, _ in joins(network):
            parallel[number] = parallel[producer] = min(parallel[number], parallel[producer])
    parallel = _fitting_groups(network, parallel, np.random.default_rng([seed, 14]))
    plans = []
    for number, layer in enumerate(network.layers):
        events = find_engine(network, number, Engine.EVENTS)
        most = events.fitting_lanes(network, number, MOST_LANES, parallel)
        plan = LayerPlan(int(generator.integers(1, most + 1)), parallel[number])
        if number >= layer.back and plan.lanes > 1 and generator.random() < 0.5:
            plan = replace(plan, shared=events.may_share(layer.synapse, parallel[number]))
        # Drawn from another generator, so that the plans of events are those of before.
        if other.random() < WORDS and (
                engine_problem(network, number, Engine.WORDS) is None):
            lanes = int(other.integers(1, MOST_WORD_LANES + 1))
            plan = LayerPlan(find_engine(network, number, Engine.WORDS).fitting_lanes(
                network, number, lanes, parallel), parallel[number], engine=Engine.WORDS)
        plans.append(plan)
    rows = Rows(*BLOCK_ROW_CHOICES[seed % len(BLOCK_ROW_CHOICES)])
    return Schedule(tuple(plans)).placed(rows)


def _fitting_groups(network: Network, parallel: list[int],
                    generator: np.random.Generator) -> list[int]:
    """The same, but where a layer's groups cannot have it, of another generator's choice."""
    from bsnn_hw.planning.schedule import joined_layers, most_parallel, parallel_problem

    found = list(parallel)
    for numbers in joined_layers(network):
        fitting = [count for count in range(1, most_parallel(network, numbers[0]) + 1) if not any(
            parallel_problem(network.layers[number], count) for number in numbers)]
        if parallel[numbers[0]] not in fitting:
            chosen = int(generator.choice(fitting))
            for number in numbers:
                found[number] = chosen
    return found
