"""Cycles behind a port of bytes: by hand, by a scalar count, and in the simulation."""

import numpy as np
import pytest

from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.engines.registry import network_geometries
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.ir.schedule import Port
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound, walk
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.throughput import throughput
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.reference.network import run
from bsnn_hw.verification.native import build_model, verify_native
from tests.for_each import for_each, quick
from tests.planning.maps import chain
from tests.planning.test_schedule import network


def measured(net, inputs):
    return measure_activity(net, inputs, run(net, inputs), Port.BYTES)


def cycles(net, lanes, parallel, inputs):
    """Of the first layer from mark to mark, (N, marks)."""
    activity = measured(net, inputs)
    geometry = network_geometries(net, make_schedule(net, lanes, parallel))[0]
    return walk(geometry, activity[0].feed) * geometry.folds


def flat(size=12, timesteps=1):
    return network((size, 8, 2), timesteps=timesteps, coding=Coding.DIRECT)


def test_a_silent_sample_takes_its_bytes_less_what_came_during_the_pass():
    assert cycles(flat(), (1, 1), (2, 2), np.zeros((1, 12), np.uint8)) == [[12 - 4]]
    assert cycles(flat(timesteps=2), (1, 1), (2, 2), np.zeros((1, 12), np.uint8)) == [[12 - 8]]


def test_the_engine_waits_for_a_late_byte():
    inputs = np.zeros((1, 12), np.uint8)
    inputs[0, 11] = 1
    # Its last group takes 4, the pass among them: 4 bytes of the next sample are there by then.
    assert cycles(flat(), (1, 1), (2, 2), inputs) == [[12 - 4 + 4]]


def test_bytes_wait_for_the_engine():
    # One is worked on until it leaves its register, two wait in the queue, and one is complete.
    inputs = np.zeros((1, 12), np.uint8)
    inputs[0, :4] = 1
    assert cycles(flat(), (1, 1), (1, 2), inputs)[0, 0] == 4 * 8
    inputs[0, 11] = 1  # comes behind seven silent ones, while the engine works
    assert cycles(flat(), (1, 1), (1, 2), inputs)[0, 0] == 5 * 8


def by_hand(samples, passes, waiting, shared=0):
    """(bytes, cycles) of each group of each sample to cycles; the first sample comes again, behind
    the last.

    shared : cycles of the pass that are in the walk of a sample's last group
    """
    reader, free, ends, found = 0, 0, [0] * waiting, []
    for groups in [*samples, *samples]:
        began = free
        for size, cost in groups:
            reader += size
            if cost:
                reader = max(reader, ends[-waiting])
                free = max(reader, free) + cost
                ends.append(free)
        found.append(max(reader, free) - began)
        free = max(reader, free) + passes - (shared if groups[-1][1] else 0)
    return found[len(samples):]


@for_each("lanes", [1, 3, 5])
def test_as_counted_group_by_group(lanes):
    rng = np.random.default_rng(lanes)
    inputs = (rng.random((6, 40)) < 0.3).astype(np.uint8)
    groups = [[(len(group), 4 * group.any()) for group in np.split(sample, range(lanes, 40, lanes))]
              for sample in inputs]
    found = cycles(flat(40), (lanes, 1), (2, 2), inputs)[:, 0]
    np.testing.assert_allclose(found.mean(), np.mean(by_hand(groups, 4, 3, 4)), rtol=0.03)


@for_each("lanes", [1, 2])
def test_maps_come_place_by_place(lanes):
    net = chain(Shape(3, 3, 4), (4, 5))
    rng = np.random.default_rng(1)
    inputs = (rng.random((5, 2, 36)) < 0.3).astype(np.uint8)
    geometry = network_geometries(net, make_schedule(net, (lanes, 1, 1), (2, 5, 2)))[0]
    groups = [[(len(group), geometry.reach[y, x] * geometry.folds * group.any())
               for y, x in np.ndindex(3, 4)
               for group in np.split(step.reshape(3, 3, 4)[:, y, x], range(lanes, 3, lanes))]
              for step in inputs.reshape(10, 36)]
    found = cycles(net, (lanes, 1, 1), (2, 5, 2), inputs).ravel()
    np.testing.assert_array_equal(found, by_hand(groups, geometry.raster.rows, 2))


def test_no_plan_is_faster_than_the_ports():
    net = flat(200)
    activity = measured(net, np.zeros((9, 200), np.uint8))
    schedule = make_schedule(net, (20, 1), (8, 2))
    assert event_bound(net, schedule, activity) == 200
    assert throughput(net, schedule, activity).cycles >= 200
    port = byte_counts(net)
    few = network((2, 1, 40), timesteps=1, coding=Coding.DIRECT)
    activity = measured(few, np.zeros((9, 2), np.uint8))
    assert throughput(few, make_schedule(few, (1, 1), (1, 40)), activity).cycles >= 40 * (
        port.score + 1)


def late(size, timesteps):
    """Events in the last inputs of the first timestep only."""
    inputs = np.zeros((40, timesteps, size), np.uint8)
    inputs[:, 0, -4:] = 1
    return inputs


@quick(0, wide=1)
@for_each("size, timesteps", [(12, 6), (16, 3)])
def test_a_lead_lasts_over_timesteps(size, timesteps, tmp_path):
    net = network((size, 8, 2), timesteps=timesteps)
    inputs, schedule = late(size, timesteps), make_schedule(net, (1, 1), (1, 2))
    found = simulated(net, schedule, inputs, tmp_path)
    assert throughput(net, schedule, measured(net, inputs)).cycles == pytest.approx(found, rel=.05)


@quick(0, wide=1)
@for_each("size, timesteps", [(12, 6), (24, 3), (72, 1)])
def test_silent_bytes_hold_up_none(size, timesteps, tmp_path):
    coding = Coding.EVENTS if timesteps > 1 else Coding.DIRECT
    net = network((size, 8, 2), timesteps=timesteps, coding=coding)
    shape = (40, timesteps, size) if timesteps > 1 else (40, size)
    found = simulated(net, make_schedule(net, (1, 1), (1, 2)), np.zeros(shape, np.uint8), tmp_path)
    assert found == size * timesteps


def simulated(net, schedule, inputs, folder):
    (folder / "rtl").mkdir()
    design = emit_verilog(net, schedule, folder / "rtl", port=Port.BYTES)
    model = build_model(design, folder / "native", optimize="-O0", probes=False)
    return verify_native(design, model, inputs).cycles


@quick(0, wide=2)
@for_each("net, lanes, parallel", [
    (flat(120, 2), (4, 1), (1, 2)),
    (flat(120, 2), (3, 1), (8, 2)),
    (chain(Shape(2, 6, 7), (4, 5)), (1, 1, 1), (4, 5, 2)),
    (chain(Shape(2, 6, 7), (4, 5), coding=Coding.DIRECT), (2, 2, 1), (2, 5, 2)),
])
def test_as_simulated(net, lanes, parallel, tmp_path):
    rng = np.random.default_rng(1)
    steps = 1 if net.input.coding is Coding.DIRECT else net.timesteps
    inputs = (rng.random((40, steps * net.input.size)) < 0.3).astype(np.uint8)
    inputs[:, : steps * net.input.size // 3] = 0
    inputs = inputs if steps == 1 else inputs.reshape(40, steps, -1)
    schedule = make_schedule(net, lanes, parallel)
    found = simulated(net, schedule, inputs, tmp_path)
    assert throughput(net, schedule, measured(net, inputs)).cycles == pytest.approx(found, rel=.03)
