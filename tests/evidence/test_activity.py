"""The activity that the command forces is the one it says, and its plans are what it compares."""

import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.schedule import Engine, LayerPlan
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.choice import fastest_option
from bsnn_hw.planning.cycles import predicted_cycles
from bsnn_hw.reference.network import run
from evidence.activity import (
    LEVELS,
    SHARES,
    TIMESTEPS,
    Bench,
    forced_inputs,
    forced_network,
)
from tests.for_each import for_each


@for_each("size", [32, 256])
@for_each("share", SHARES)
def test_the_activity_is_what_is_asked_for(size, share):
    inputs = forced_inputs(share, 4)
    assert inputs.shape == (4, TIMESTEPS, LEVELS)
    fired = run(forced_network(size), inputs).hidden[0].fired
    assert abs(100 * fired.mean() - share) <= 100 / size


def measured(size, share):
    network, inputs = forced_network(size), forced_inputs(share, 4)
    return network, inputs, measure_activity(network, inputs, run(network, inputs))


@pytest.mark.parametrize(("share", "engine"), [(1, Engine.EVENTS), (90, Engine.WORDS)])
def test_the_choice_is_the_faster_engine(share, engine):
    network, _, activity = measured(256, share)
    parallel = (32, 16, 10)
    best, *others = [fastest_option(network, activity, 1, parallel, 4000, each)
                     for each in (None, *Engine)]
    assert best[2].engine is engine
    assert best[1] == min(other[1] for other in others)
    assert all(other[0] <= 4000 for other in others)


def test_too_few_cells_are_an_error():
    network, _, activity = measured(32, 50)
    with pytest.raises(InputError, match=r"layer 'tested': 100 cells must be enough for 16 "
                                         r"parallel neurons, but [\d,]+ is the least"):
        fastest_option(network, activity, 1, (32, 16, 10), 100)


@pytest.mark.slow
@pytest.mark.parametrize("plan", [LayerPlan(4, 16), LayerPlan(32, 16, engine=Engine.WORDS)],
                         ids=["events", "words"])
def test_simulated_cycles_are_the_predicted(tmp_path, plan):
    """Inferences are alike, and the layer under test is the slowest."""
    network, inputs, activity = measured(256, 50)
    bench = Bench(network, tmp_path)
    predicted = predicted_cycles(network, bench.schedule(plan), activity)
    assert bench.cycles(plan, inputs) == pytest.approx(predicted[1].mean(), rel=0.05)
