"""The activity that the command forces is the one it says, and its plans are what it compares."""

import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.schedule import Engine
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.reference.network import run
from evidence.activity import (
    CELLS,
    LEVELS,
    SHARES,
    TIMESTEPS,
    fastest_plan,
    forced_inputs,
    forced_network,
)
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program


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


@for_each("share, engine", [(1, Engine.EVENTS), (90, Engine.WORDS)])
def test_the_choice_is_the_faster_engine(share, engine):
    network, _, activity = measured(256, share)
    both = [Engine.EVENTS, Engine.WORDS]
    best, *others = [fastest_plan(network, activity, CELLS, engines)
                     for engines in (both, *([each] for each in both))]
    assert best[2].engine is engine
    assert best[0] == min(other[0] for other in others)
    assert all(other[1] <= CELLS for other in others)


def test_too_few_cells_are_an_error():
    network, _, activity = measured(32, 50)
    with pytest.raises(InputError, match=r"--cells: must be enough for 16 parallel neurons, "
                                         r"[\d,]+ at least, not 100"):
        fastest_plan(network, activity, 100, [Engine.EVENTS, Engine.WORDS])


