"""Bytes of samples in the order of the port."""

import numpy as np

from bsnn_hw.ir.network import Shape
from bsnn_hw.ports.bytes import sample_bytes
from evidence.proofs.small import dense, pixels, small_network, spiking


def test_a_map_in_front_of_a_convolution_goes_position_by_position():
    """Two channels of three positions; a readout, as of any network, is fully connected."""
    shape = Shape(2, 1, 3)
    network = small_network(shape, spiking("conv", pixels(shape)))
    assert sample_bytes(network, np.arange(6)[None]).tolist() == [[[0, 3, 1, 4, 2, 5]]]
    network = small_network(shape, spiking("fc", dense(2, 6)))
    assert sample_bytes(network, np.arange(6)[None]).tolist() == [[[0, 1, 2, 3, 4, 5]]]
