"""The narrow ports: samples byte by byte to events, scores to bytes."""

import numpy as np
import pytest
from amaranth.hdl import Fragment

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.byte_port import SampleReader, ScoreWriter
from bsnn_hw.ir.network import Shape
from bsnn_hw.ports.bytes import ByteCounts
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls
from tests.hdl.maps import geometry_of

# Of flat layers: inputs, lanes; of convolutions: source, lanes. Then max_value, timesteps.
FLAT = [((1, 1), 1, 1), ((5, 2), 15, 1), ((9, 3), 1, 3), ((7, 4), 1, 2), ((40, 1), 255, 1),
        ((6, 6), 1, 4)]
MAPS = [((Shape(3, 4, 5), 2), 15, 1), ((Shape(1, 1, 6), 1), 1, 3), ((Shape(5, 2, 3), 3), 1, 2),
        ((Shape(1, 3, 3), 1), 7, 1), ((Shape(4, 1, 1), 2), 1, 1)]


def layout(case):
    """The case's geometry, and its inputs in the order of the port."""
    size, lanes = case
    if not isinstance(size, Shape):
        return DenseEvents.flat(size, lanes, 3, lanes, 2), np.arange(size)
    geometry = geometry_of((size, (1, 1), (1, 1), (0, 0), 2, lanes, lanes, 1))
    return geometry, np.arange(size.size).reshape(size.channels, -1).T.ravel()


def events_of(geometry, beats, timesteps):
    """Per packet and timestep the set of (lane, row, value); what comes behind is surplus."""
    packets, steps, events = [], [], set()
    for beat in beats:
        events |= {(lane, slot.row, slot.value) for lane, slot in enumerate(beat.slots)
                   if slot.value}
        if beat.last or (timesteps > 1 and beat.mark):
            steps.append(events)
            events = set()
        if beat.last:
            packets.append((steps + [set()] * timesteps)[:timesteps])
            steps = []
    return packets


def run_reader(case, max_value, timesteps, packets, *, pause=0.0, full=0.0):
    geometry, _ = layout(case)
    dut = SampleReader(geometry, ByteCounts(geometry.inputs, timesteps, 1, 1, 2),
                       max_value=max_value, slots=geometry.lanes)
    payloads = [{"byte": int(value), "last": number == len(packet) - 1}
                for packet in packets for number, value in enumerate(packet)]
    beats, bench = [], Bench(dut)

    async def source(context):
        await send(context, dut.bytes, payloads, stalls(1, pause))

    async def sink(context):
        pauses = stalls(2, full)
        while sum(beat.last for beat in beats) < len(packets):
            await receive(context, dut.beats, len(beats) + 1, pauses, beats)

    bench.run(source, sink)
    return events_of(geometry, beats, timesteps), bench.cycle


def expected_events(case, timesteps, packets):
    geometry, order = layout(case)
    lane, row = geometry.lane_row(order)
    found = []
    for packet in packets:
        values = np.zeros(timesteps * len(order), int)
        values[:len(packet)] = packet[:len(values)]
        found.append([{(int(lane[i]), int(row[i]), int(step[i])) for i in np.flatnonzero(step)}
                      for step in values.reshape(timesteps, -1)])
    return found


@quick(3, wide=9)
@for_each("case, max_value, timesteps", FLAT + MAPS)
@for_each("pause, full", [(0, 0), (.4, 0), (0, .6)])
def test_a_sample_becomes_its_events(case, max_value, timesteps, pause, full):
    size = len(layout(case)[1]) * timesteps
    rng = np.random.default_rng(size)
    packets = [rng.integers(max_value + 1, size=size) * (rng.random(size) < .6) for _ in range(5)]
    events, cycles = run_reader(case, max_value, timesteps, packets, pause=pause, full=full)
    assert events == expected_events(case, timesteps, packets)
    if not pause and not full:
        assert cycles <= 5 * size + 4, "a byte a cycle"


@quick(3, wide=None)
@for_each("case, max_value, timesteps", FLAT + MAPS)
def test_a_packet_of_another_length_leaves_no_trace(case, max_value, timesteps):
    size = len(layout(case)[1]) * timesteps
    rng = np.random.default_rng(size)
    lengths = [size + 1, size, max(1, size // 2), 2 * size + 3, 1, size]
    packets = [rng.integers(1, max_value + 1, length) for length in lengths]
    events, _ = run_reader(case, max_value, timesteps, packets, full=.2)
    assert events == expected_events(case, timesteps, packets)


def test_the_bits_above_the_largest_value_are_ignored():
    events, _ = run_reader((2, 1), 15, 1, [[0xF3, 0x10]])
    assert events == [[{(0, 0, 3)}]]


def carried(source, payloads, sink, count, dut, pause=0, full=0):
    """``count`` payloads that come out while ``payloads`` go in."""
    taken = []

    async def give(context):
        await send(context, source, payloads, stalls(3, pause))

    async def take(context):
        await receive(context, sink, count, stalls(4, full), taken)

    Bench(dut).run(give, take)
    return taken


def test_one_slot_holds_a_bit_of_each_lane():
    geometry = DenseEvents.flat(3, 2, 3, 2, 1)
    dut = SampleReader(geometry, ByteCounts(3, 1, 1, 1, 2), max_value=3, slots=1)
    payloads = [{"byte": 1, "last": number == 2} for number in range(3)]
    beats = carried(dut.bytes, payloads, dut.beats, 2, dut)
    assert [(beat.slots[0].row, beat.last) for beat in beats] == [(0, 0), (1, 1)]


@quick(3, wide=None)
@for_each("score_width, classes", [(5, 2), (8, 3), (9, 10), (20, 300)])
@for_each("pause, full", [(0, 0), (.4, .5)])
def test_scores_become_bytes(score_width, classes, pause, full):
    rng = np.random.default_rng(score_width)
    port = ByteCounts(1, 1, -(-score_width // 8), 2 if classes > 256 else 1, classes)
    dut = ScoreWriter(port, score_width=score_width)
    half = 1 << score_width - 1
    scores = rng.integers(-half, half, (2, classes))
    scores[0, :2] = -half, half - 1
    payloads = [{"score": int(score), "leader": (index * 7) % classes, "last": index == classes - 1}
                for packet in scores for index, score in enumerate(packet)]
    taken = carried(dut.beats, payloads, dut.bytes, 2 * port.output, dut, pause, full)
    expected = b"".join(
        b"".join(int(score).to_bytes(port.score, "little", signed=True) for score in packet)
        + ((classes - 1) * 7 % classes).to_bytes(port.answer, "little") for packet in scores)
    assert bytes(beat.byte for beat in taken) == expected
    ends = [(number + 1) % port.output == 0 for number in range(len(taken))]
    assert [bool(beat.last) for beat in taken] == ends


def test_wrong_arguments():
    geometry, port = DenseEvents.flat(6, 3, 3, 3, 2), ByteCounts(6, 1, 1, 1, 2)
    with pytest.raises(TypeError, match=r"geometry must be a .*Geometry, not 3"):
        SampleReader(3, port, max_value=1, slots=3)
    with pytest.raises(TypeError, match="port must be a ByteCounts, not 3"):
        SampleReader(geometry, 3, max_value=1, slots=3)
    with pytest.raises(ValueError, match="max_value must be an integer of 1 or more, not 0"):
        SampleReader(geometry, port, max_value=0, slots=3)
    with pytest.raises(ValueError, match="slots must be 1 or 3, not 2"):
        SampleReader(geometry, port, max_value=1, slots=2)
    with pytest.raises(TypeError, match="port must be a ByteCounts, not 3"):
        ScoreWriter(3, score_width=4)
    with pytest.raises(ValueError, match="score_width must be an integer of 1 or more, not 0"):
        ScoreWriter(port, score_width=0)


def test_ends_of_a_beat_are_a_bit_each():
    geometry, _ = layout(FLAT[2][0])
    for timesteps, ends in ((1, ["last"]), (3, ["last", "mark"])):
        dut = SampleReader(geometry, ByteCounts(geometry.inputs, timesteps, 1, 1, 2),
                           max_value=1, slots=geometry.lanes)
        Fragment.get(dut, None)
        fields = dut.beats.payload.shape().members
        assert {name: fields[name] for name in ends} == dict.fromkeys(ends, 1)
        assert set(fields) == {"slots", *ends}
