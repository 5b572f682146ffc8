"""Words of a weight memory."""

import numpy as np

from bsnn_hw.ir.raster import pack_words


def test_weights_of_few_bits_lie_side_by_side():
    assert pack_words(np.array([[1, -1, 0]], np.int8), 2) == [0b00_11_01]
    assert pack_words(np.array([[3, -3, -1]], np.int8), 3) == [0b111_101_011]
    assert pack_words(np.array([[127, -127]], np.int8), 8) == [0x817F]
    assert pack_words(np.array([[1, -1, 1]], np.int8)) == [0b101]
