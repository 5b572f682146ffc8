"""The engine of words in a plan: what is legal, its cycles by hand, and when it is chosen."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.engines.feed import Feed
from bsnn_hw.engines.registry import network_geometries
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Dense, Pool, PoolKind, Shape
from bsnn_hw.ir.schedule import Engine, LayerPlan
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import layer_bounds, predicted_cycles
from bsnn_hw.planning.default import default_plan, default_schedule
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.planning.request import asked_engines
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.reference.network import run
from tests.for_each import for_each
from tests.planning.maps import chain
from tests.planning.test_schedule import INPUTS, network

EVENTS, WORDS = Engine.EVENTS, Engine.WORDS


def test_cycles_by_hand():
    net = network()
    activity = measure_activity(net, INPUTS, run(net, INPUTS))
    schedule = make_schedule(net, (2, 6), (3, 2), (WORDS, WORDS))
    for measure in (layer_bounds, predicted_cycles):
        first, second = measure(net, schedule, activity)
        # Words {0,1} {2,3} {4}: all three have a spike, in sample 1 the first alone; 3 folds and
        # 2 passes, one of them with the last word.  Then 7 neurons in rows of 3, two of which are a
        # word: 2 words of 2 folds, in sample 1 with the readout's pass.
        np.testing.assert_array_equal(first, [(3 + 1) * 3, (1 + 1) * 3])
        np.testing.assert_array_equal(second, [(2 + 1) * 2, 2 * 2])


@for_each("shape", [(12, 4, 2), (12, 4, 4), (13, 4, 8), (13, 4, 16), (7, 7, 3)])
def test_words_with_a_spike_are_counted(shape):
    inputs, width, lanes = shape
    geometry = DenseWords.flat(inputs, width, 1, lanes, 1)
    events = np.random.default_rng(sum(shape)).random((5, 3, inputs)) < .2
    _, row = geometry.lane_row(np.arange(inputs))
    counted = [[len(set(row[step].tolist())) for step in sample] for sample in events]
    np.testing.assert_array_equal(geometry.walk(Feed(events, Shape(inputs))), counted)


def test_summed_rows_come_place_by_place():
    """A 2x2 window of two channels, in rows of one: both channels at the first place, one at the
    last."""
    events = np.zeros((1, 1, 8), bool)
    events[0, 0, [0, 4, 7]] = True
    feed = Feed(events, Shape(2, 2, 2), window=(2, 2))
    assert DenseWords.flat(2, 1, 1, 1, 1).walk(feed).tolist() == [[3]]
    assert DenseWords.flat(2, 2, 1, 2, 1).walk(feed).tolist() == [[2]]


@for_each("lanes, problem", [
    ((0, 3), "layer 'fc1': lanes of words must be 1..5, the inputs, not 0"),
    ((6, 3), "layer 'fc1': lanes of words must be 1..5, the inputs, not 6"),
    ((5, 4), "layer 'out': lanes of words must be 1..3, the parallel neurons of 'fc1', or a "
             "multiple of it up to 9, not 4"),
    ((5, 12), "layer 'out': lanes of words must be 1..3, the parallel neurons of 'fc1', or a "
              "multiple of it up to 9, not 12"),
])
def test_illegal_lanes_are_named(lanes, problem):
    with pytest.raises(InputError, match=f"^{re.escape(problem)}$"):
        make_schedule(network(), lanes, (3, 2), (WORDS, WORDS))


def test_one_row_has_no_multiple():
    with pytest.raises(InputError, match=r"must be 1\.\.7, the parallel .* 'fc1', not 14$"):
        make_schedule(network(), (5, 14), (7, 2), (WORDS, WORDS))


@for_each("lanes", [1, 2, 3, 6, 9])
def test_legal_lanes(lanes):
    net = network()
    schedule = make_schedule(net, (5, lanes), (3, 2), (WORDS, WORDS))
    assert schedule.layers[1] == LayerPlan(lanes, 2, False, WORDS)
    assert network_geometries(net, schedule)[1].lanes == lanes


def test_layers_that_cannot_are_named():
    net = network(coding=Coding.DIRECT)
    net = replace(net, input=replace(net.input, bits=4))
    with pytest.raises(InputError, match="layer 'fc1': engine must be events or unrolled, not "
                                         "words, as the input gives values of 4 bits, not spikes"):
        make_schedule(net, (1, 1), (1, 1), (WORDS, EVENTS))
    wide = replace(net.readout, synapse=replace(net.readout.synapse, weight_bits=8))
    with pytest.raises(InputError, match=r"'out': engine must be events, .* have 8 bits"):
        make_schedule(replace(net, readout=wide), (1, 1), (1, 1), (EVENTS, WORDS))
    with pytest.raises(InputError, match=r"'c2': .* as a convolution walks from event to event"):
        make_schedule(chain(), (1, 1, 1), (1, 1, 1), (EVENTS, WORDS, EVENTS))
    with pytest.raises(InputError, match=r"engine: must have one name per layer, 2 \(fc1, out\)"):
        make_schedule(network(), (1, 1), (1, 1), (WORDS,))


def test_what_a_user_asks_for():
    net = network()
    assert asked_engines(net, None) == (None, None)
    assert asked_engines(net, (WORDS,)) == (WORDS, WORDS)
    assert asked_engines(net, (None, WORDS)) == (None, WORDS)
    with pytest.raises(InputError, match="engine: must be one for all layers or one per layer, 2 "
                                         r"\(fc1, out\), not 3"):
        asked_engines(net, (WORDS,) * 3)
    with pytest.raises(InputError, match="'c1': engine must be events"):
        asked_engines(chain(), (WORDS,))


def test_choices_are_legal_and_fit():
    net = network((40, 50, 10))
    for number in (0, 1):
        for lanes in DenseWords.all_lanes(net, number, (8, 5)):
            make_schedule(net, [lanes if n == number else 1 for n in (0, 1)], (8, 5),
                          (WORDS, WORDS))
    assert DenseWords.all_lanes(net, 1, (8, 5)) == [1, 2, 4, 8, 16, 24, 32, 56]
    fitting = [DenseWords.fitting_lanes(net, 1, lanes, (8, 5)) for lanes in (3, 8, 9, 55, 99)]
    assert fitting == [3, 8, 8, 48, 56]


def test_sums_are_not_gathered():
    net = chain()
    pool = Pool(PoolKind.SUM, 2, 2)
    last = net.hidden[-1].shape
    size = pool.shape(last).size
    readout = replace(net.readout, pool=pool, synapse=Dense(
        np.ones((net.readout.synapse.neurons, size), np.int8),
        np.ones(net.readout.synapse.neurons, bool)))
    summed = replace(net, readout=readout)
    assert max(DenseWords.all_lanes(summed, 2, (2, 2, 1))) == 2
    assert max(DenseWords.all_lanes(net, 2, (2, 2, 1))) > 2


def test_the_memory_is_one_wide_one():
    net = network((64, 32, 10), timesteps=4)
    schedule = make_schedule(net, (8, 16), (8, 5), (EVENTS, WORDS))
    # 2 words of 16 inputs for 2 folds, 5 neurons side by side; the queue holds 8 words of 16
    # spikes with their number, a mark and whether there is any.
    memory = layer_memories(build_layout(net, schedule))[1]
    assert memory.weights == 2 * 2 * 16 * 5
    assert memory.queues == 8 * (16 + 1 + 2)


def busy(share):
    """A network whose hidden neurons fire in that share of the timesteps, and its activity."""
    net = network((64, 128, 64, 10), timesteps=8, threshold=1)
    inputs = np.zeros((4, 8, 64), np.uint8)
    inputs[:, : round(8 * share), 0] = 1
    return net, measure_activity(net, inputs, run(net, inputs))


@pytest.mark.wide
def test_words_are_chosen_where_neurons_fire_much():
    net, activity = busy(1)
    assert WORDS in [plan.engine for plan in default_schedule(net, activity, 300).layers[1:]]
    forced = default_schedule(net, activity, 300, (EVENTS,) * 3)
    assert all(plan.engine is EVENTS for plan in forced.layers)
    forced = default_schedule(net, activity, 300, (WORDS,) * 3)
    assert all(plan.engine is WORDS for plan in forced.layers)


@pytest.mark.wide
def test_the_port_takes_words_only_when_asked():
    net, activity = busy(1)
    assert default_schedule(net, activity, 300).layers[0].engine is EVENTS


@pytest.mark.wide
def test_what_the_other_engine_would_take_is_said():
    net, activity = busy(.5)
    plan = default_plan(net, activity, 300)
    names = [layer.name for layer in net.layers[1:]]  # at the port nothing else is weighed
    for name, chosen, note in zip(names, plan.schedule.layers[1:], plan.notes, strict=True):
        other, = {"events", "words"} - {chosen.engine.value}
        assert note.startswith(f"layer {name} takes {chosen.engine.value}, ")
        assert f"; {other} w" in note
