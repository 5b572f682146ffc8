"""Bytes of samples in the order of the port."""

from dataclasses import replace

import numpy as np

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.ports.bytes import BytePort, byte_counts, byte_walks, sample_bytes
from evidence.proofs.small import dense, pixels, small_network, spiking
from tests.parts import same_parts


def test_a_map_in_front_of_a_convolution_goes_position_by_position():
    """Two channels of three positions; a readout, as of any network, is fully connected."""
    shape = Shape(2, 1, 3)
    network = small_network(shape, spiking("conv", pixels(shape)))
    assert sample_bytes(network, np.arange(6)[None]).tolist() == [[[0, 3, 1, 4, 2, 5]]]
    network = small_network(shape, spiking("fc", dense(2, 6)))
    assert sample_bytes(network, np.arange(6)[None]).tolist() == [[[0, 1, 2, 3, 4, 5]]]


def test_bytes_of_a_silent_sample_are_read_while_a_busy_one_steps():
    """Four bytes a sample and three cycles of steps: eight bytes in 2 + 3 and 0 + 3 cycles."""
    events = np.zeros((2, 1, 4), bool)
    events[0, 0, :2] = True
    geometry = DenseEvents.flat(4, 1, 1, 1, 1)
    walks, = byte_walks([geometry], Feed(events, Shape(4), passes=3))
    assert walks.tolist() == [[2], [0]]


def test_facts_of_a_sample_and_of_timesteps():
    network = small_network(6, spiking("fc", dense(2, 6)))
    geometry = DenseEvents.flat(6, 2, 2, 2, 2)
    several = BytePort().input_facts(network, geometry, None)
    assert several["packet"] == (f"one inference; 6 value(s) in the order of their index, timestep "
                                 f"by timestep ({network.timesteps}); s_axis_tlast with the last")
    assert several["beats"] == 6 * network.timesteps
    source = replace(network.input, coding=Coding.DIRECT)
    once = BytePort().input_facts(replace(network, input=source), geometry, None)
    assert once["packet"] == ("one inference; 6 value(s) in the order of their index; "
                              "s_axis_tlast with the last")
    assert once["beats"] == 6


def test_what_a_narrow_port_is_made_of():
    """Values of 3 bits for two lanes, a lane of one bit and a row of two; a score of two bytes."""
    network = small_network(6, spiking("fc", dense(2, 6)), classes=2)
    geometry = DenseEvents.flat(6, 2, 2, 2, 2)
    port = byte_counts(network)
    assert geometry.value_counters == [1, 2] and (port.score, port.answer) == (1, 1)
    assert same_parts(BytePort().parts(network, geometry, 3), (
        Parts.adders(3 / 2, 2) + Parts.logic(2 * 3, 3)
        + Parts.logic(3 * 2 * 2 + 12, 3 * 3 + 3 + 6)  # two values twice, but one only once
        + Parts.logic(16 + 8, 16 + 4)))


def test_bytes_of_a_class():
    for classes, size in ((1, 1), (2, 1), (256, 1), (257, 2)):
        network = small_network(2, spiking("fc", dense(2, 2)), classes=classes)
        port = byte_counts(network)
        assert (port.answer, port.classes, port.step) == (size, classes, 2)
