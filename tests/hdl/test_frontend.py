"""Frontend against its contract: one inference per packet, whatever is in it."""

import numpy as np
import pytest

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.frontend import Frontend
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls
from tests.hdl.groups import read_group

# inputs, neurons, lanes, parallel, max_value, timesteps
SHAPES = [(1, 1, 1, 1, 1, 1), (5, 4, 2, 2, 15, 1), (9, 3, 3, 1, 1, 3), (7, 5, 4, 3, 1, 2),
          (300, 2, 1, 1, 255, 1), (6, 2, 6, 2, 1, 4)]


def geometry_of(shape):
    inputs, neurons, lanes, parallel, _, _ = shape
    return DenseEvents.flat(inputs, lanes, neurons, lanes, parallel)


def random_packets(rng, shape, count, *, wild):
    """Per packet a list of beats (slots, mark); a slot is (row, value).

    wild : rows beyond the layer, and any number of marks
    """
    geometry, (*_, max_value, timesteps) = geometry_of(shape), shape
    rows = geometry.rows + 3 * wild
    packets = []
    for _ in range(count):
        marks = int(rng.integers(0, timesteps + 3)) if wild else timesteps
        beats = []
        for _ in range(marks):
            for left in reversed(range(int(rng.integers(1, 5)))):
                slots = [(int(rng.integers(rows)), int(rng.integers(max_value + 1)))
                         for _ in range(geometry.lanes)]
                beats.append((slots, left == 0))
        if wild and (not beats or rng.random() < .5):
            beats.append(([(0, max_value)] * geometry.lanes, False))
        packets.append(beats)
    return packets


def expected_groups(shape, packets):
    """Of every beat its events {lane: (row, value)}, and whether it ends a timestep."""
    geometry, timesteps = geometry_of(shape), shape[-1]
    lane, row = geometry.lane_row(np.arange(geometry.inputs))
    known = set(zip(lane.tolist(), row.tolist(), strict=True))
    groups = []
    for beats in packets:
        done = 0
        for number, (slots, mark) in enumerate(beats):
            if done == timesteps:
                break  # the rest is surplus
            events = {lane: slot for lane, slot in enumerate(slots)
                      if slot[1] and (lane, slot[0]) in known}
            mark = (mark and timesteps > 1) or number == len(beats) - 1
            if events or mark:
                groups.append((events, mark))
            done += mark
        groups += [({}, True)] * (timesteps - done)
    return groups


def run(shape, packets, *, depth=4, pause=0.0, full=0.0):
    """What came out, in the form of ``expected_groups``, and the cycles; nothing may follow."""
    geometry, (*_, max_value, timesteps) = geometry_of(shape), shape
    dut = Frontend(geometry, max_value=max_value, timesteps=timesteps, depth=depth)
    payloads = []
    for beats in packets:
        for number, (slots, mark) in enumerate(beats):
            payload = {"slots": [{"row": row, "value": value} for row, value in slots],
                       "last": number == len(beats) - 1}
            payloads.append(payload | ({"mark": mark} if timesteps > 1 else {}))
    count, taken, cycles = len(expected_groups(shape, packets)), [], []
    bench = Bench(dut)

    async def source(context):
        await send(context, dut.beats, payloads, stalls(1, pause))

    async def sink(context):
        await receive(context, dut.groups, count, stalls(5, full), taken)
        cycles.append(bench.cycle)
        context.set(dut.groups.ready, 1)
        for _ in range(20):
            *_, valid = await context.tick().sample(dut.groups.valid)
            assert not valid, "something after the last mark"

    bench.run(sink, background=[source])
    return [read_group(payload) for payload in taken], cycles[0]


@quick(3, wide=14)
@for_each("shape", SHAPES)
@for_each("pause, full", [(0, 0), (0, .7), (.3, .3)])
@for_each("wild", [False, True])
@for_each("depth", [2, 4])
def test_every_packet_is_one_inference(shape, pause, full, wild, depth):
    packets = random_packets(np.random.default_rng(sum(shape)), shape, 6, wild=wild)
    taken, _ = run(shape, packets, depth=depth, pause=pause, full=full)
    assert taken == expected_groups(shape, packets)


@quick(2, wide=None)
@for_each("shape", SHAPES)
def test_a_beat_a_cycle(shape):
    packets = random_packets(np.random.default_rng(1), shape, 12, wild=False)
    beats = sum(map(len, packets))
    assert run(shape, packets)[1] == beats + 3, "one cycle in reset, two through the queue"


EVENTS = (4, 2, 2, 1, 1, 3)  # two rows of two lanes, two folds, three timesteps
PROPER = [([(1, 1), (0, 0)], True), ([(0, 0), (0, 0)], True), ([(1, 1), (1, 1)], True)]
FIRST, SILENT, BOTH = ({0: (1, 1)}, True), ({}, True), ({0: (1, 1), 1: (1, 1)}, True)


@for_each("packet, groups", [
    ([([(0, 0), (0, 0)], False)], [SILENT] * 3),
    (PROPER, [FIRST, SILENT, BOTH]),
    (PROPER[:1], [FIRST, SILENT, SILENT]),
    (PROPER + PROPER, [FIRST, SILENT, BOTH]),
    ([([(2, 1), (200, 1)], True)] * 3, [SILENT] * 3),
    ([([(0, 0), (2, 1)], False), *PROPER], [FIRST, SILENT, BOTH]),
])
def test_known_packets(packet, groups):
    """Each of them followed by a proper packet, which must be unharmed."""
    assert run(EVENTS, [packet, PROPER])[0] == [*groups, FIRST, SILENT, BOTH]


def test_no_beat_is_taken_in_reset():
    dut = Frontend(geometry_of(SHAPES[1]), max_value=15, timesteps=1, depth=4)
    bench = Bench(dut)

    async def check(context):
        context.set(bench.reset, 1)
        context.set(dut.beats.valid, 1)
        await context.tick()
        for _ in range(3):
            assert not context.get(dut.beats.ready)
            await context.tick()
        context.set(bench.reset, 0)
        await context.tick()
        assert context.get(dut.beats.ready)

    bench.run(check)


CORRECT = {"max_value": 1, "timesteps": 2, "depth": 4}


@for_each("name", CORRECT)
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        Frontend(geometry_of(SHAPES[0]), **CORRECT | {name: 0})


def test_wrong_geometry():
    message = "geometry must be a Geometry, not None"
    with pytest.raises(TypeError, match=message):
        Frontend(None, **CORRECT)
