"""The least sum, against trying everything."""

import itertools

import numpy as np

from bsnn_hw.planning.elimination import least_sum
from tests.for_each import for_each


def test_by_hand():
    # The second choice is cheap alone, and dear beside the first one's cheap side.
    alone, pair = np.array([0.0, 2.0]), np.array([[9.0, 1.0], [0.0, 5.0]])
    assert least_sum(2, [((0,), alone), ((0, 1), pair)]) == (0, 1)


def test_nothing_is_possible():
    assert least_sum(1, [((0,), np.array([np.inf, np.inf]))]) is None


@for_each("seed", range(20))
def test_matches_trying_everything(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=4)
    scopes = [(0,), (0, 1), (1, 2), (2, 3), (0, 3), (3,)][:int(rng.integers(3, 7))]
    factors = []
    for scope in [*scopes, *((n,) for n in range(4))]:
        costs = rng.integers(0, 20, size=sizes[list(scope)]).astype(float)
        costs[rng.random(costs.shape) < 0.1] = np.inf
        factors.append((scope, costs))

    def cost(choices):
        return sum(costs[tuple(choices[n] for n in scope)] for scope, costs in factors)

    best = min(map(cost, itertools.product(*map(range, sizes))))
    found = least_sum(4, factors)
    assert (found is None) == np.isinf(best)
    assert found is None or cost(found) == best
