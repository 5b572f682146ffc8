"""SpikeEncoder against ``DenseEvents.lane_row``."""

import itertools

import numpy as np
import pytest

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.encoder import SpikeEncoder
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, receive, send, stalls

SHAPES = [(1, 1, 1, 1), (5, 1, 3, 2), (6, 2, 2, 3), (7, 3, 2, 1), (4, 4, 3, 5), (9, 2, 1, 2)]


def component(geometry, lane):
    return SpikeEncoder(
        slots=len(range(lane, geometry.source_width, geometry.lanes)),
        slot_bits=geometry.slot_bits, words=geometry.words)


def lane_words(geometry, lane, spikes):
    """A timestep's words for one lane; silent ones are left out, but for the last."""
    words = []
    for row in range(geometry.words):
        part = spikes[row * geometry.source_width:][:geometry.source_width][lane::geometry.lanes]
        bits = sum(int(bit) << slot for slot, bit in enumerate(part))
        last = row == geometry.words - 1
        if bits or last:
            words.append({"spikes": bits, "row": row, "last": last})
    return words


def lane_events(geometry, lane, spikes):
    """The same timestep's (row, event, mark) by the geometry's address map."""
    inputs = np.flatnonzero(spikes)
    lanes, rows = geometry.lane_row(inputs)
    mine = lanes == lane
    events = [(int(row), 1, 0) for row in rows[mine]]
    in_last_word = inputs[mine] // geometry.source_width == geometry.words - 1
    if in_last_word.any():
        events[-1] = (events[-1][0], 1, 1)
    else:
        events.append((None, 0, 1))
    return events


def readable(event):
    return (event.row if event.event else None, event.event, event.mark)


@quick(5, wide=None)
@for_each("shape", SHAPES)
@for_each("pause, full", [(0, 0), (.5, 0), (0, .5), (.4, .4)])
def test_every_spike_has_its_row_in_order(shape, pause, full):
    source_width, lanes, words, folds = shape
    rng = np.random.default_rng(sum(shape))
    geometry = DenseEvents.flat(source_width * words, source_width, folds, lanes, 1)
    lane = int(rng.integers(lanes))
    dut = component(geometry, lane)
    timesteps = rng.random((12, geometry.inputs)) < np.array([0, .2, .6, 1] * 3)[:, None]
    words = [word for spikes in timesteps for word in lane_words(geometry, lane, spikes)]
    expected = [event for spikes in timesteps for event in lane_events(geometry, lane, spikes)]
    taken, start, bench = [], [], Bench(dut)

    async def source(context):
        await send(context, dut.words, words, stalls(1, pause))

    async def sink(context):
        await context.tick().until(dut.events.valid)
        start.append(bench.cycle)
        await receive(context, dut.events, len(expected), stalls(2, full), taken)

    bench.run(sink, background=[source])
    assert list(map(readable, taken)) == expected
    if not pause and not full:
        assert bench.cycle - start[0] == len(expected), "one event a cycle"


def test_every_pattern_of_tiny_words():
    """Three slots and two words, each of the 64 timesteps after eight others."""
    geometry = DenseEvents.flat(6, 3, 1, 1, 1)
    patterns = np.array(list(itertools.product((0, 1), repeat=6)), bool)
    rng = np.random.default_rng(0)
    timesteps = patterns[np.concatenate([rng.permutation(64) for _ in range(8)])]
    words = [word for spikes in timesteps for word in lane_words(geometry, 0, spikes)]
    expected = [event for spikes in timesteps for event in lane_events(geometry, 0, spikes)]
    dut, taken = component(geometry, 0), []

    async def source(context):
        await send(context, dut.words, words, stalls(0, 0))

    async def sink(context):
        await receive(context, dut.events, len(expected), stalls(0, 0), taken)

    bench = Bench(dut)
    bench.run(sink, background=[source])
    assert list(map(readable, taken)) == expected
    assert bench.cycle == len(expected) + 2, "one event a cycle"


CORRECT = {"slots": 2, "slot_bits": 1, "words": 3}


@for_each("name", ["slots", "words"])
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        SpikeEncoder(**CORRECT | {name: 0})


@for_each("slots, slot_bits, most", [(3, 1, 2), (2, 0, 1)])
def test_wrong_slots(slots, slot_bits, most):
    message = f"slots must be at most {most} with slot_bits {slot_bits}, not {slots}"
    with pytest.raises(ValueError, match=message):
        SpikeEncoder(slots=slots, slot_bits=slot_bits, words=3)


@for_each("value", [-1, 1.0])
def test_wrong_slot_bits(value):
    with pytest.raises(ValueError, match=f"slot_bits must be an integer of 0 or more, not {value}"):
        SpikeEncoder(**CORRECT | {"slot_bits": value})
