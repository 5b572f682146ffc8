"""Frontend against its contract: one inference per packet, whatever is in it."""

import numpy as np
import pytest

from bsnn_hw.hdl.frontend import Frontend
from bsnn_hw.ir.schedule import LayerGeometry
from tests.hdl.benches import Bench, receive, send, stalls

# inputs, neurons, lanes, parallel, max_value, timesteps
SHAPES = [(1, 1, 1, 1, 1, 1), (5, 4, 2, 2, 15, 1), (9, 3, 3, 1, 1, 3), (7, 5, 4, 3, 1, 2),
          (300, 2, 1, 1, 255, 1), (6, 2, 6, 2, 1, 4)]


def geometry_of(shape):
    inputs, neurons, lanes, parallel, _, _ = shape
    return LayerGeometry(inputs, lanes, neurons, lanes, parallel)


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


def expected_heads(shape, packets):
    """Per lane the events (address, value) and marks (None) of every timestep of each packet."""
    geometry, timesteps = geometry_of(shape), shape[-1]
    lanes = [[] for _ in range(geometry.lanes)]
    for beats in packets:
        done = 0
        for number, (slots, mark) in enumerate(beats):
            mark = (mark and timesteps > 1) or number == len(beats) - 1
            if done == timesteps:
                continue  # surplus
            for lane, (row, value) in zip(lanes, slots, strict=True):
                if value and row < geometry.rows:
                    lane.append((row * geometry.folds, value))
                if mark:
                    lane.append(None)
            done += mark
        for lane in lanes:
            lane += [None] * (timesteps - done)
    return lanes


def run(shape, packets, *, depth=4, pause=0.0, full=0.0):
    """Per lane what came out, in the form of ``expected_heads``; nothing may follow it."""
    geometry, (*_, max_value, timesteps) = geometry_of(shape), shape
    dut = Frontend(geometry, max_value=max_value, timesteps=timesteps, depth=depth)
    payloads = []
    for beats in packets:
        for number, (slots, mark) in enumerate(beats):
            payload = {"slots": [{"row": row, "value": value} for row, value in slots],
                       "last": number == len(beats) - 1}
            payloads.append(payload | ({"mark": mark} if timesteps > 1 else {}))
    expected = expected_heads(shape, packets)
    taken = [[] for _ in expected]

    async def source(context):
        await send(context, dut.beats, payloads, stalls(1, pause))

    def sink(lane):
        async def process(context):
            pauses = stalls(lane + 5, full)
            while len(taken[lane]) < len(expected[lane]):
                one = []
                await receive(context, dut.heads[lane], 1, pauses, one)
                head = one[0]
                event = [(head.address, head.value)] if head.event else []
                assert head.event or head.mark
                taken[lane] += event + [None] * head.mark
            context.set(dut.heads[lane].ready, 1)
            for _ in range(20):
                *_, valid = await context.tick().sample(dut.heads[lane].valid)
                assert not valid, "something after the last mark"
        return process

    Bench(dut).run(*map(sink, range(geometry.lanes)), background=[source])
    return taken


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("pause", "full"), [(0, 0), (0, .7), (.3, .3)])
@pytest.mark.parametrize("wild", [False, True], ids=["proper", "wild"])
def test_every_packet_is_one_inference(shape, pause, full, wild):
    packets = random_packets(np.random.default_rng(sum(shape)), shape, 8, wild=wild)
    taken = run(shape, packets, pause=pause, full=full)
    for lane, right in enumerate(expected_heads(shape, packets)):
        assert taken[lane] == right, f"lane {lane}"


EVENTS = (4, 2, 2, 1, 1, 3)  # two rows of two lanes, two folds, three timesteps
PROPER = [([(1, 1), (0, 0)], True), ([(0, 0), (0, 0)], True), ([(1, 1), (1, 1)], True)]


@pytest.mark.parametrize(("packet", "lane_0", "lane_1"), [
    ([([(0, 0), (0, 0)], False)], [None] * 3, [None] * 3),
    (PROPER, [(2, 1), None, None, (2, 1), None], [None, None, (2, 1), None]),
    (PROPER[:1], [(2, 1), None, None, None], [None] * 3),
    (PROPER + PROPER, [(2, 1), None, None, (2, 1), None], [None, None, (2, 1), None]),
    ([([(2, 1), (200, 1)], True)] * 3, [None] * 3, [None] * 3),
], ids=["an empty beat", "proper", "marks missing", "marks and events too many",
        "rows beyond the layer"])
def test_known_packets(packet, lane_0, lane_1):
    """Each of them followed by a proper packet, which must be unharmed."""
    taken = run(EVENTS, [packet, PROPER])
    right = [(2, 1), None, None, (2, 1), None], [None, None, (2, 1), None]
    assert taken == [lane_0 + right[0], lane_1 + right[1]]


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


@pytest.mark.parametrize("name", CORRECT)
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        Frontend(geometry_of(SHAPES[0]), **CORRECT | {name: 0})


def test_wrong_geometry():
    with pytest.raises(TypeError, match="geometry must be a LayerGeometry, not None"):
        Frontend(None, **CORRECT)
