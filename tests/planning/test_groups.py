"""Grouped convolutions in a plan: what is legal, cycles by hand, and what the search weighs."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.engines.registry import network_geometries
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Shape
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.cycles import layer_bounds, predicted_cycles
from bsnn_hw.planning.default import default_schedule
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.planning.schedule import make_schedule, parallel_problem
from tests.for_each import for_each
from tests.planning.maps import conv, hidden, network
from tests.planning.test_map_cycles import measured

IMAGE = Shape(6, 3, 4)


def grouped(groups=6, channels=6, timesteps=1):
    """A grouped convolution of 3x3, and a pointwise one."""
    whole = conv(IMAGE, channels)
    first = replace(whole, weights=whole.weights[:, :IMAGE.channels // groups], groups=groups)
    layers = [hidden("c1", first, timesteps),
              hidden("c2", conv(first.shape, 4, (1, 1), padding=(0, 0)), timesteps)]
    return network(IMAGE, layers, timesteps=timesteps)


def activity_of(net, spikes):
    """One sample with spikes at these (channel, line, column)."""
    inputs = np.zeros((1, net.timesteps, *(6, 3, 4)), np.uint8)
    for at in spikes:
        inputs[(0, 0, *at)] = 1
    return measured(net, inputs.reshape(1, net.timesteps, -1))


@for_each("groups, channels, parallel, folds", [(6, 6, 1, 1), (6, 6, 3, 1), (6, 12, 1, 2),
                                                (3, 12, 2, 2), (2, 12, 6, 1)])
def test_an_event_takes_the_folds_of_its_group(groups, channels, parallel, folds):
    """It reaches 4 places from a corner and 9 from the middle, and the step takes all rows."""
    net = grouped(groups, channels)
    activity = activity_of(net, [(0, 0, 0), (3, 1, 1)])
    schedule = make_schedule(net, (1, 1, 1), (parallel, 4, 1))
    for measure in (layer_bounds, predicted_cycles):
        cycles = measure(net, schedule, activity)[0].tolist()
        assert cycles == [(4 + 9) * folds + 12 * -(-channels // parallel)]


def test_weights_are_those_of_the_groups_alone():
    net = grouped()
    schedule = make_schedule(net, (1, 1, 1), (2, 4, 1))
    assert isinstance(network_geometries(net, schedule)[0], ConvGroups)
    # Six channels, in the place of eight, with nine weights each.
    assert layer_memories(build_layout(net, schedule))[0].weights == 8 * 9


@for_each("lanes, parallel, problem", [
    (1, 4, "layer 'c1': parallel must divide the 2 output channels of a group, or be a multiple of "
           "them, not 5"),
    (2, 2, "layer 'c1': lanes must be 1..1, the lanes that words with channels of several groups "
           "can have, not 2")])
def test_what_a_plan_cannot_have(lanes, parallel, problem):
    parallel = 5 if parallel == 4 else parallel
    with pytest.raises(InputError, match=f"^{re.escape(problem)}$"):
        make_schedule(grouped(6, 12), (lanes, 1, 1), (parallel, 4, 1))


def test_places_are_taken_one_by_one():
    with pytest.raises(InputError, match="'c1': places must be 1, the"):
        make_schedule(grouped(), (1, 1, 1), (1, 4, 1), None, (3, 1, 1))


@pytest.mark.wide
@for_each("groups, channels", [(6, 6), (3, 9), (2, 12)])
def test_the_default_plan_fits_the_groups(groups, channels):
    net = grouped(groups, channels, timesteps=2)
    activity = activity_of(net, [(channel, 1, 1) for channel in range(6)])
    schedule = default_schedule(net, activity, goal=60)
    assert parallel_problem(net.layers[0], schedule.layers[0].parallel) is None
    build_layout(net, schedule)
