"""Frontend of a convolution: beats of one place's channels, whatever is in them."""

import numpy as np

from bsnn_hw.hdl.frontend import Frontend, slot_layout
from bsnn_hw.ir.network import Shape
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls
from tests.hdl.groups import read_group
from tests.hdl.maps import geometry_of

# source, kernel, stride, padding, channels, width of a word = lanes, lanes, parallel; max_value, T
CASES = [
    ((Shape(3, 4, 5), (3, 3), (1, 1), (1, 1), 2, 2, 2, 1), 15, 1),
    ((Shape(1, 1, 6), (1, 3), (1, 1), (0, 1), 1, 1, 1, 1), 1, 3),
    ((Shape(5, 2, 3), (1, 1), (2, 2), (0, 0), 3, 3, 3, 2), 1, 2),
    ((Shape(2, 8, 1), (2, 1), (1, 1), (0, 0), 2, 1, 1, 2), 255, 1),
    ((Shape(1, 1, 1), (1, 1), (1, 1), (0, 0), 1, 1, 1, 1), 1, 1),
    ((Shape(3, 3, 9), (3, 3), (1, 1), (1, 1), 1, 3, 3, 1), 7, 1),
]


def random_packets(rng, geometry, max_value, timesteps, *, wild):
    """Per packet its beats ((y, x), (channel number, value) per slot, mark).

    wild : any number in every field that has the bits for it, and any number of marks
    """
    shape, (_, x_bits) = geometry.source.shape, geometry.position_bits
    row_bits = slot_layout(geometry, max_value)["row"].width
    ends = np.array([shape.height, shape.width])
    if wild:
        ends = np.array([1 << row_bits - x_bits - geometry.row_bits, 1 << x_bits])
    packets = []
    for _ in range(6):
        beats = []
        for _ in range(int(rng.integers(1, timesteps + 3)) if wild else timesteps):
            for left in reversed(range(int(rng.integers(1, 6)))):
                slots = []
                for lane in range(geometry.lanes):
                    channels = 1 << geometry.row_bits if wild else len(
                        range(lane, shape.channels, geometry.lanes))
                    slots.append(tuple(rng.integers([channels, max_value + 1]).tolist()))
                # Places near the map's edge are as frequent as all others.
                place = rng.integers(np.minimum(ends, rng.choice([1, 2, 8]) + ends // 2))
                beats.append((tuple(place.tolist()), slots, left == 0))
        packets.append(beats)
    return packets


def expected_groups(geometry, packets, timesteps):
    """Of every beat its place, its events {lane: (channel number, value)}, and its mark."""
    shape = geometry.source.shape
    groups = []
    for beats in packets:
        done = 0
        for number, ((y, x), slots, mark) in enumerate(beats):
            if done == timesteps:
                break  # the rest is surplus
            there = y < shape.height and x < shape.width
            events = {lane: (channel, value) for lane, (channel, value) in enumerate(slots)
                      if value and there and channel * geometry.lanes + lane < shape.channels}
            mark = (mark and timesteps > 1) or number == len(beats) - 1
            if events or mark:
                groups.append(((y, x) if events else None, events, mark))
            done += mark
        groups += [(None, {}, True)] * (timesteps - done)
    return groups


def payloads_of(rng, geometry, max_value, packets, timesteps):
    """Only slot 0 says where; the others' places are anything."""
    x_bits, row_bits = geometry.position_bits[1], geometry.row_bits
    width = slot_layout(geometry, max_value)["row"].width
    for beats in packets:
        for number, ((y, x), slots, mark) in enumerate(beats):
            given = []
            for lane, (channel, value) in enumerate(slots):
                place = (y << x_bits) + x if lane == 0 else int(
                    rng.integers(1 << width - row_bits))
                given.append({"row": (place << row_bits) + channel, "value": value})
            beat = {"slots": given, "last": number == len(beats) - 1}
            yield beat | ({"mark": mark} if timesteps > 1 else {})


@quick(4, wide=13)
@for_each("case, max_value, timesteps", CASES)
@for_each("wild", [False, True])
@for_each("pause, full", [(0, 0), (.3, .5)])
def test_every_packet_is_one_inference(case, max_value, timesteps, wild, pause, full):
    geometry, rng = geometry_of(case), np.random.default_rng(len(str(case)))
    packets = random_packets(rng, geometry, max_value, timesteps, wild=wild)
    right = expected_groups(geometry, packets, timesteps)
    beats = list(payloads_of(rng, geometry, max_value, packets, timesteps))
    dut, taken = Frontend(geometry, max_value=max_value, timesteps=timesteps, depth=4), []

    async def source(context):
        await send(context, dut.beats, beats, stalls(1, pause))

    async def sink(context):
        await receive(context, dut.groups, len(right), stalls(2, full), taken)
        context.set(dut.groups.ready, 1)
        for _ in range(20):
            *_, valid = await context.tick().sample(dut.groups.valid)
            assert not valid, "something after the last mark"

    Bench(dut).run(sink, background=[source])
    given = [(*read_group(group), group.place) for group in taken]
    assert [((place.y, place.x) if events else None, events, mark)
            for events, mark, place in given] == right
