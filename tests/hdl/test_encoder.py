"""SpikeEncoder against ``LayerGeometry.lane_row``."""

import numpy as np
import pytest

from bsnn_hw.hdl.encoder import SpikeEncoder
from bsnn_hw.hdl.formats import index_width
from bsnn_hw.ir.schedule import LayerGeometry
from tests.hdl.benches import Bench, receive, send, stalls

SHAPES = [(1, 1, 1, 1), (5, 1, 3, 2), (6, 2, 2, 3), (7, 3, 2, 1), (4, 4, 3, 5), (9, 2, 1, 2)]


def component(geometry, lane):
    return SpikeEncoder(
        slots=len(range(lane, geometry.source_width, geometry.lanes)),
        slot_count=geometry.slots, words=geometry.words, stride=geometry.folds,
        address_width=index_width(geometry.depth))


def lane_words(geometry, lane, spikes):
    """A timestep's words for one lane; silent ones are left out, but for the last."""
    words = []
    for fold in range(geometry.words):
        part = spikes[fold * geometry.source_width:][:geometry.source_width][lane::geometry.lanes]
        bits = sum(int(bit) << slot for slot, bit in enumerate(part))
        last = fold == geometry.words - 1
        if bits or last:
            words.append({"spikes": bits, "fold": fold, "last": last})
    return words


def lane_events(geometry, lane, spikes):
    """The same timestep's (address, event, mark) by the geometry's address map."""
    inputs = np.flatnonzero(spikes)
    lanes, rows = geometry.lane_row(inputs)
    mine = lanes == lane
    events = [(int(row) * geometry.folds, 1, 0) for row in rows[mine]]
    in_last_word = inputs[mine] // geometry.source_width == geometry.words - 1
    if in_last_word.any():
        events[-1] = (events[-1][0], 1, 1)
    else:
        events.append((None, 0, 1))
    return events


def readable(event):
    return (event.address if event.event else None, event.event, event.mark)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("pause", "full"), [(0, 0), (.5, 0), (0, .5), (.4, .4)])
def test_every_spike_has_its_address_in_order(shape, pause, full):
    source_width, lanes, words, folds = shape
    rng = np.random.default_rng(sum(shape))
    geometry = LayerGeometry(source_width * words, source_width, folds, lanes, 1)
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
    assert all(event.value == 1 for event in taken)
    if not pause and not full:
        assert bench.cycle - start[0] == len(expected), "one event a cycle"


CORRECT = {"slots": 2, "slot_count": 2, "words": 3, "stride": 2, "address_width": 4}


@pytest.mark.parametrize("name", CORRECT)
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of 1 or more, not 0"):
        SpikeEncoder(**CORRECT | {name: 0})


def test_wrong_slots():
    with pytest.raises(ValueError, match="slots must be at most slot_count 2, not 3"):
        SpikeEncoder(**CORRECT | {"slots": 3})
