"""Plans and their cycles, worked out by hand."""

import re

import numpy as np
import pytest

from bsnn_hw.engines.registry import network_geometries
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
)
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound, layer_bounds, predicted_cycles
from bsnn_hw.planning.default import default_schedule
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick


def dense(neurons, fan_in):
    return Dense(np.ones((neurons, fan_in), np.int8), np.ones(neurons, bool))


def network(sizes=(5, 7, 3), timesteps=2, coding=Coding.EVENTS, gain=1, threshold=1):
    """Every weight +1: a neuron fires when an event comes."""
    *hidden, classes = sizes[1:]
    layers = []
    for index, (fan_in, neurons) in enumerate(zip(sizes, hidden, strict=False)):
        rows = (timesteps, neurons)
        spec = NeuronSpec(0, 0, np.zeros(timesteps, np.int64), np.zeros(rows, np.int64),
                          np.full(rows, threshold), Reset.HARD, Comparison.AT_LEAST)
        layers.append(Hidden(f"fc{index + 1}", dense(neurons, fan_in), spec))
    gains = np.broadcast_to(np.asarray(gain).reshape(-1, 1), (timesteps, classes)).copy()
    readout = Readout("out", dense(classes, sizes[-2]), gains, np.zeros(classes, np.int64), 1.0)
    return Network("net", timesteps, Input(coding, sizes[0], 1), tuple(layers), readout,
                   tuple(map(str, range(classes))))


INPUTS = np.zeros((2, 2, 5), np.uint8)
INPUTS[0, 0, [0, 2, 4]] = 1  # three events that share a lane of two
INPUTS[1, 1, [0, 1]] = 1     # two events in two lanes
# So the 7 neurons all fire in sample 0, timestep 0, and in sample 1, timestep 1.


def test_bounds_by_hand():
    net = network()
    schedule = make_schedule(net, (2, 1), (3, 2))
    activity = measure_activity(net, INPUTS, run(net, INPUTS))
    first, second = layer_bounds(net, schedule, activity)
    # 3 folds: ceil(3/2) groups and 2 passes; ceil(2/2) groups and 2 passes.  The last group and
    # the pass of its timestep are one walk.
    np.testing.assert_array_equal(first, [(2 + 2 - 1) * 3, (1 + 2 - 1) * 3])
    # 2 folds: 7 groups of one event, and one pass behind the last timestep, the gains being
    # constant; sample 0 has no events there.
    np.testing.assert_array_equal(second, [(7 + 1) * 2, 7 * 2])
    assert event_bound(net, schedule, activity) == 15


def test_uneven_lanes_by_hand():
    net = network()
    schedule = make_schedule(net, (2, 1), (3, 2))
    activity = measure_activity(net, INPUTS, run(net, INPUTS))
    first, second = predicted_cycles(net, schedule, activity)
    np.testing.assert_array_equal(first, [(3 + 1) * 3, (1 + 1) * 3])  # 0, 2 and 4 wait in lane 0
    np.testing.assert_array_equal(second, [16, 14])


def test_a_pass_per_timestep_where_gains_differ():
    net = network(gain=(1, 2))
    schedule = make_schedule(net, (2, 1), (3, 2))
    activity = measure_activity(net, INPUTS, run(net, INPUTS))
    np.testing.assert_array_equal(layer_bounds(net, schedule, activity)[1], [(7 + 1) * 2] * 2)


def test_the_output_port_is_a_bound():
    net = network((2, 1, 40), timesteps=1)
    silent = np.zeros((1, 1, 2), np.uint8)
    activity = measure_activity(net, silent, run(net, silent))
    schedule = make_schedule(net, (1, 1), (1, 40))
    assert [float(c.mean()) for c in layer_bounds(net, schedule, activity)] == [1, 1]
    assert event_bound(net, schedule, activity) == 40


def test_a_direct_sample_comes_once():
    net = network(coding=Coding.DIRECT)
    inputs = np.array([[1, 1, 1, 0, 0]])
    activity = measure_activity(net, inputs, run(net, inputs))
    assert [a.feed.events.shape for a in activity] == [(1, 1, 5), (1, 2, 7)]
    schedule = make_schedule(net, (3, 1), (7, 3))
    np.testing.assert_array_equal(layer_bounds(net, schedule, activity)[0], [1 + 1])


@for_each("lanes, parallel, problems", [
    ((1,), (1, 1), ["lanes: must have one number per layer, 2 (fc1, out), not 1"]),
    ((1,), (1,), ["lanes: must have one number per layer, 2 (fc1, out), not 1",
                  "parallel: must have one number per layer, 2 (fc1, out), not 1"]),
    ((0, 1), (1, 1), ["layer 'fc1': lanes must be 1..5, the inputs, not 0"]),
    ((6, 1), (8, 4), ["layer 'fc1': lanes must be 1..5, the inputs, not 6",
                      "layer 'fc1': parallel must be 1..7, its neurons, not 8",
                      "layer 'out': parallel must be 1..3, its neurons, not 4"]),
    ((5, 4), (3, 3), ["layer 'out': lanes must be 1..3, the parallel neurons of 'fc1', not 4"]),
    ((1, 1), (-2, 0), ["layer 'fc1': parallel must be 1..7, its neurons, not -2",
                       "layer 'out': parallel must be 1..3, its neurons, not 0"]),
])
def test_illegal_counts_are_all_named(lanes, parallel, problems):
    with pytest.raises(InputError, match=f"^{re.escape(chr(10).join(problems))}$"):
        make_schedule(network(), lanes, parallel)


@quick(0, wide=5)
@for_each("sizes", [(1, 1, 1), (5, 7, 3), (64, 33, 17, 10), (3, 100, 1)])
@for_each("coding", Coding)
@for_each("goal", [1, 50, 1e9])
def test_the_default_is_legal(sizes, coding, goal):
    net = network(sizes, coding=coding)
    shape = (2, sizes[0]) if coding is Coding.DIRECT else (2, net.timesteps, sizes[0])
    inputs = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape) % 2
    activity = measure_activity(net, inputs, run(net, inputs))
    schedule = default_schedule(net, activity, goal)
    plans = schedule.layers
    again = make_schedule(net, [p.lanes for p in plans], [p.parallel for p in plans],
                          [p.engine for p in plans])
    assert again.placed(*(p.memories for p in plans)).pipelined(True) == schedule
    assert len(network_geometries(net, schedule)) == len(sizes) - 1


@pytest.mark.wide
def test_the_default_meets_its_goal_with_fewer_cells():
    net = network((64, 128, 10), timesteps=4, coding=Coding.DIRECT)
    inputs = np.ones((1, 64), np.uint8)
    activity = measure_activity(net, inputs, run(net, inputs))
    slow, fast = (default_schedule(net, activity, goal) for goal in (5000, 500))
    for schedule, goal in ((slow, 5000), (fast, 500)):
        assert max(c.max() for c in predicted_cycles(net, schedule, activity)) <= goal
    assert slow.layers[0].parallel < fast.layers[0].parallel
