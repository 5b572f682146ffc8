"""Plans of layers whose spikes are joined or added: what must be equal, and what events cost."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.engines.registry import engine_problem
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.schedule import Engine
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import layer_bounds, predicted_cycles
from bsnn_hw.planning.default import default_schedule
from bsnn_hw.planning.schedule import joined_layers, joins, make_schedule
from bsnn_hw.reference.network import run
from tests.hdl.test_maps import TIMESTEPS
from tests.hdl.test_spike_joins import PLANS, joined


@pytest.fixture(scope="module")
def network():
    return joined(0, Coding.EVENTS, eager=False)


@pytest.fixture(scope="module")
def activity(network):
    inputs = np.random.default_rng(0).integers(0, 2, (6, TIMESTEPS, 32), np.uint8)
    return measure_activity(network, inputs, run(network, inputs)), run(network, inputs)


def test_layers_that_must_have_the_same_parallel(network):
    assert (1, 0, "spikes of both are joined row by row") in list(joins(network))
    assert (2, 1, "'three' takes spikes of both") in list(joins(network))
    assert joined_layers(network) == [[0, 1, 2, 3, 4, 5], [6]]
    with pytest.raises(InputError, match=re.escape(
            "layer 'one': parallel must be 3, that of 'stem', as spikes of both are joined row by "
            "row, not 1\n")):
        make_schedule(network, (1,) * 7, (3, 1, 3, 3, 3, 3, 1))


def test_words_take_no_sums(network):
    assert engine_problem(network, 6, Engine.WORDS) == (
        "spikes of several layers come to it one after the other")


def test_events_of_each_layer(activity):
    """What a layer gives is what leaves it; what is added comes before what it is added to."""
    measured, trace = activity
    three = measured[3].feed
    assert [each.events.shape for each in three.streams] == [(6, TIMESTEPS, 12)] * 3
    assert np.array_equal(three.streams[1].events, trace.hidden[1].sent)
    assert not np.array_equal(trace.hidden[1].sent, trace.hidden[1].fired)
    assert measured[3].events == sum(each.events.sum() for each in three.streams) / 6


def test_cycles_are_those_of_all_layers(network, activity):
    measured, _ = activity
    for plan in PLANS.values():
        bounds = layer_bounds(network, plan, measured)
        predicted = predicted_cycles(network, plan, measured)
        assert all((one <= two).all() for one, two in zip(bounds, predicted, strict=True))
    alone = replace(measured[3], feed=replace(measured[3].feed, before=()))
    before = layer_bounds(network, PLANS["narrow"], (*measured[:3], alone, *measured[4:]))
    assert layer_bounds(network, PLANS["narrow"], measured)[3].sum() > before[3].sum()


def test_a_plan_is_found(network, activity):
    schedule = default_schedule(network, activity[0])
    assert len({plan.parallel for plan in schedule.layers[:6]}) == 1
