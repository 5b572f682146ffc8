"""Packed samples against a scalar loop, and answers worked out by hand."""

import numpy as np
import pytest

from bsnn_hw.ir.schedule import LayerGeometry
from bsnn_hw.sim.stimulus import pack


def geometry(inputs, lanes):
    return LayerGeometry.flat(inputs, lanes, 1, lanes, 1)


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


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("lanes", "bits", "slot_width"), [(1, 1, 8), (3, 8, 16), (7, 5, 24)])
@pytest.mark.parametrize("timesteps", [None, 1, 4])
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
