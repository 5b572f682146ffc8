"""Cycles of steps and of the pipeline, worked out by hand."""

import numpy as np
import pytest

from bsnn_hw.ir.network import Coding
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.throughput import score_cycles, step_cycles, throughput
from bsnn_hw.reference.network import run
from tests.planning.test_schedule import network


def pieces(net, lanes, parallel, inputs):
    activity = measure_activity(net, inputs, run(net, inputs))
    return make_schedule(net, lanes, parallel), activity


def test_a_step_waits_for_the_row_s_last_one():
    net = network((4, 8, 2), timesteps=3, coding=Coding.DIRECT)
    schedule = make_schedule(net, (1, 1), (8, 2))
    neurons = build_layout(net, schedule).layers[0].neurons
    assert neurons.recovery == 4  # a leak of 0 takes a product
    times = step_cycles(np.array([[5.0]]), 3, neurons.raster.rows, neurons.recovery)
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


def test_never_faster_than_the_output_port():
    net = network((2, 1, 40), timesteps=1)
    inputs = np.zeros((3, 1, 2), np.uint8)
    schedule, activity = pieces(net, (1, 1), (1, 40), inputs)
    assert throughput(net, schedule, activity).cycles == 40
