"""Cycles of steps and of the pipeline, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.ir.network import Coding, Peak
from bsnn_hw.layout.build import build_layout
from bsnn_hw.layout.supply import FEEDBACK_DELAY
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import most_cycles, pause_cycles, port_cycles, predicted_cycles
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.throughput import score_cycles, step_cycles, throughput
from bsnn_hw.reference.network import run
from tests.for_each import for_each
from tests.planning.test_schedule import network


def pieces(net, lanes, parallel, inputs):
    activity = measure_activity(net, inputs, run(net, inputs))
    return make_schedule(net, lanes, parallel), activity


def test_a_step_waits_for_the_row_s_last_one():
    net = network((4, 8, 2), timesteps=3, coding=Coding.DIRECT)
    schedule = make_schedule(net, (1, 1), (8, 2))
    neurons = build_layout(net, schedule).layers[0].neurons
    assert neurons.recovery == 4  # a leak of 0 takes a product
    times = step_cycles(np.array([[5.0]]), 3, neurons.raster.rows, neurons)
    np.testing.assert_array_equal(times, [[6, 4, 4]])


def test_rows_of_the_readout_wait_for_the_scorer():
    net = network((4, 8, 6), timesteps=2)
    output = build_layout(net, make_schedule(net, (1, 1), (8, 2))).output
    assert output.row_wait == 2 + 3 + 2
    times = score_cycles(np.array([[9.0, 3.0]]), 2, output.synapses.sums.rows, output.row_wait,
                         net.readout.constant_gain)
    np.testing.assert_array_equal(times, [[9, 3 + 2 * 7 + 1]])


def test_the_busiest_layer_sets_the_pace():
    net = network((8, 64, 4), timesteps=2)
    inputs = np.ones((40, 2, 8), np.uint8)
    schedule, activity = pieces(net, (1, 1), (1, 4), inputs)
    found = throughput(net, schedule, activity)
    assert found.layers[0] == 2 * 8 * 64
    assert found.cycles == pytest.approx(found.layers[0], rel=0.01)


def test_busy_and_silent_samples_average_out_in_the_queue():
    net = network((8, 64, 4), timesteps=2)
    inputs = np.zeros((60, 2, 8), np.uint8)
    inputs[::2] = 1
    schedule, activity = pieces(net, (1, 2), (8, 4), inputs)
    found = throughput(net, schedule, activity)
    assert found.layers[0] == 72
    assert found.cycles == pytest.approx(72, rel=0.03)


@for_each("parallel, cycles", [(40, 5 + 40), (13, 4 * 5 + 40)])
def test_never_faster_than_the_scorer(parallel, cycles):
    """A row takes 5 cycles to it, and the last of 13 has one class."""
    net = network((2, 1, 40), timesteps=1)
    inputs = np.zeros((3, 1, 2), np.uint8)
    schedule, activity = pieces(net, (1, 1), (1, parallel), inputs)
    assert throughput(net, schedule, activity).cycles == cycles


def test_one_sample_takes_the_way_through_all_layers():
    """A row is stepped in the walk of its last event, and goes to the next layer, which charges
    events as they come."""
    net = network((4, 8, 8, 2), timesteps=2)
    inputs = np.ones((1, 2, 4), np.uint8)
    schedule, activity = pieces(net, (1, 1, 1), (8, 8, 2), inputs)
    found = throughput(net, schedule, activity)
    layout = build_layout(net, schedule)
    assert layout.layers[0].neurons.recovery == 4
    assert found.layers == (2 * 4, 2 * 8, 2 * 8)
    ways = [layer.margin + FEEDBACK_DELAY for layer in layout.layers]
    # The first layer steps in its fourth cycle; the others have nothing to do before that, and then
    # always; the readout's row is scored in the cycle of its last event.
    assert found.cycles == 3 + ways[0] + (8 - 1) + ways[1] + 8 + 8


def test_like_samples_take_the_same_each():
    net = network((8, 64, 4), timesteps=2)
    inputs = np.ones((20, 2, 8), np.uint8)
    schedule, activity = pieces(net, (1, 1), (1, 4), inputs)
    found = throughput(net, schedule, activity)
    assert found.cycles == found.layers[0]  # the first samples, which fill the layers, do not count


def test_pauses_and_the_most_cycles_of_a_run():
    assert pause_cycles(10, 0) == 0 and pause_cycles(10, 0.5) == 40 + 1000
    assert pause_cycles(10, 0.2) == 10 + 1000
    net = network((2, 3, 4), timesteps=2)
    inputs = np.ones((5, 2, 2), np.uint8)
    schedule, activity = pieces(net, (1, 1), (1, 2), inputs)
    walks = sum(cycles.sum() for cycles in predicted_cycles(net, schedule, activity))
    rows, events, ports = 3 + 2, 2 * 2 + 2 * 3, port_cycles(net, activity)
    assert most_cycles(net, schedule, activity, 7) == (
        walks + 5 * events + 5 * ((rows + 2 * 32) * 3 + ports) + 7 + rows)
    # A peak lets the two rows of a readout wait for each other in both timesteps.
    four = np.ones(4, np.int64)
    peak = replace(net, readout=replace(net.readout, peak=Peak(four, 0, np.ones((2, 4), np.int64))))
    assert most_cycles(peak, schedule, activity, 7) - most_cycles(net, schedule, activity, 7) == (
        5 * 2 * 2 * (2 + 32))


def test_a_gate_of_each_timestep_has_rows_wait_in_each():
    """Four rows, of which the last three wait seven cycles each, and one is there at once."""
    for constant, times in ((False, [[9 + 22, 3 + 22]]), (True, [[9, 3 + 22]])):
        np.testing.assert_array_equal(
            score_cycles(np.array([[9.0, 3.0]]), 2, 4, 7, constant), times)
