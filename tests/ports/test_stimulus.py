"""Packed samples against a scalar loop, and answers worked out by hand."""

import numpy as np

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ports.events import EventPort
from bsnn_hw.ports.slots import Slots
from tests.for_each import for_each


def pack(geometry, *, slot_width, value_width, inputs):
    slots = Slots(geometry.slots, slot_width, value_width, True, 1, 1)
    return EventPort().stimulus(None, geometry, slots, np.asarray(inputs))


def geometry(inputs, lanes):
    return DenseEvents.flat(inputs, lanes, 1, lanes, 1)


def unpacked(stimulus, lanes, slot_width, value_width):
    """Packets of timesteps of [(input, value)], by reading bit after bit."""
    packets, step, packet = [], [], []
    for data, last, mark in zip(stimulus.data, stimulus.last, stimulus.mark, strict=True):
        word = int.from_bytes(data.tobytes(), "little")
        for lane in range(lanes):
            slot = word >> lane * slot_width & (1 << slot_width) - 1
            value, row = slot & (1 << value_width) - 1, slot >> value_width
            if value:
                step.append((row * lanes + lane, value))
            else:
                assert row == 0
        if mark:
            packet.append(step)
            step = []
        if last:
            assert mark
            packets.append(packet)
            packet = []
    assert not step
    assert not packet
    return packets


@for_each("seed", range(3))
@for_each("lanes, bits, slot_width", [(1, 1, 8), (3, 8, 16), (7, 5, 24)])
@for_each("timesteps", [None, 1, 4])
def test_everything_is_in_its_place(seed, lanes, bits, slot_width, timesteps):
    rng = np.random.default_rng(seed)
    shape = (6, 23) if timesteps is None else (6, timesteps, 23)
    density = rng.random((*shape[:-1], 1))
    inputs = rng.integers(0, 1 << bits, shape) * (rng.random(shape) < density)
    stimulus = pack(geometry(23, lanes), slot_width=slot_width, value_width=bits, inputs=inputs)
    packets = unpacked(stimulus, lanes, slot_width, bits)
    steps = inputs[:, None] if timesteps is None else inputs
    expected = [[[(i, int(v)) for i, v in enumerate(step) if v] for step in sample]
                for sample in steps]
    assert [[sorted(step) for step in packet] for packet in packets] == expected


def test_as_few_beats_as_the_fullest_lane_needs():
    inputs = np.array([[1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    stimulus = pack(geometry(6, 2), slot_width=8, value_width=1, inputs=inputs)
    # Inputs 0, 2, 4 are rows 0, 1, 2 of lane 0; a silent sample is one empty beat.
    assert stimulus.data.tolist() == [[1, 0], [3, 0], [5, 0], [1, 1], [0, 0]]
    assert stimulus.last.tolist() == [False, False, True, True, True]
    assert stimulus.mark.tolist() == stimulus.last.tolist()


def test_marks_end_timesteps():
    inputs = np.array([[[1, 0], [0, 0], [0, 1]]])
    stimulus = pack(geometry(2, 1), slot_width=8, value_width=1, inputs=inputs)
    assert stimulus.data.tolist() == [[1], [0], [3]]
    assert stimulus.mark.all()
    assert stimulus.last.tolist() == [False, False, True]


def map_geometry(channels, height, width, lanes):
    source = Raster(Shape(channels, height, width), lanes)
    return ConvEvents(source, Shape(2, height, width), (1, 1), (1, 1), (0, 0), lanes, 1)


def map_beats(stimulus, geometry, slot_width, value_width):
    """Packets of timesteps of beats, each a place and its (channel, value)."""
    packets, step, packet = [], [], []
    y_bits, x_bits = geometry.position_bits
    for data, last, mark in zip(stimulus.data, stimulus.last, stimulus.mark, strict=True):
        word = int.from_bytes(data.tobytes(), "little")
        slots = [word >> lane * slot_width & (1 << slot_width) - 1
                 for lane in range(geometry.lanes)]
        rows = [slot >> value_width for slot in slots]
        place = rows[0] >> geometry.row_bits  # whatever the value of slot 0 is
        y, x = place >> x_bits, place & (1 << x_bits) - 1
        assert y < 1 << y_bits
        events = []
        for lane, (slot, row) in enumerate(zip(slots, rows, strict=True)):
            value = slot & (1 << value_width) - 1
            if value:
                assert row >> geometry.row_bits == place
                channel = (row & (1 << geometry.row_bits) - 1) * geometry.lanes + lane
                events.append((channel, value))
        step.append(((y, x), events))
        if mark:
            packet.append(step)
            step = []
        if last:
            packets.append(packet)
            packet = []
    return packets


@for_each("seed", range(3))
@for_each("shape, lanes", [((1, 1, 1), 1), ((1, 5, 3), 1), ((3, 4, 6), 2),
                                              ((5, 3, 3), 3), ((4, 1, 9), 4), ((3, 1, 1), 3)])
@for_each("timesteps", [None, 3])
def test_a_beat_is_of_one_place(seed, shape, lanes, timesteps):
    rng = np.random.default_rng(seed)
    size = (4, *(() if timesteps is None else (timesteps,)), *shape)
    inputs = rng.integers(0, 8, size) * (rng.random(size) < rng.random((4, *[1] * (len(size) - 1))))
    inputs[1] = 0
    geometry = map_geometry(*shape, lanes)
    flat = inputs.reshape(*size[:-3], -1)
    stimulus = pack(geometry, slot_width=16, value_width=3, inputs=flat)
    packets = map_beats(stimulus, geometry, 16, 3)
    steps = inputs.reshape(4, -1, *shape)
    assert [len(packet) for packet in packets] == [steps.shape[1]] * 4
    for packet, sample in zip(packets, steps, strict=True):
        for beats, frame in zip(packet, sample, strict=True):
            seen = sorted((c, *place, v) for place, events in beats for c, v in events)
            assert seen == [(c, y, x, frame[c, y, x]) for c, y, x in np.argwhere(frame).tolist()]
            # As few beats as the fullest lanes of the places need; an empty one if none.
            loads = [np.count_nonzero(frame[lane::lanes], axis=0) for lane in range(lanes)]
            assert len(beats) == max(1, np.max(loads, axis=0).sum())
            assert all(events for _, events in beats) or not frame.any()


def test_an_empty_slot_0_says_the_place():
    geometry = map_geometry(2, 2, 3, 2)
    inputs = np.zeros((1, 2, 2, 3), int)
    inputs[0, 1, 1, 2] = 1
    stimulus = pack(geometry, slot_width=8, value_width=1, inputs=inputs.reshape(1, -1))
    assert stimulus.data.tolist() == [[0b110 << 1, 0b110 << 1 | 1]]  # y = 1, x = 2
