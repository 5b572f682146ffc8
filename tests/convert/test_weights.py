"""Scales and levels of weights: signs, few bits, and what is neither."""

import numpy as np
import pytest

from bsnn_hw.convert.weights import WeightsError, quantised
from tests.for_each import for_each


def weights(*rows):
    return np.array(rows, dtype=float)


def test_signs_of_one_scale_per_channel():
    found = quantised(weights([0.5, -0.5, 0.5], [-3, -3, 3]))
    assert found.bits == 1 and found.scale.tolist() == [0.5, 3]
    assert found.levels.tolist() == [[1, -1, 1], [-1, -1, 1]] and found.levels.dtype == np.int8


def test_ternary_weights_and_a_channel_of_zeros():
    found = quantised(weights([0.5, 0, -0.5], [0, 0, 0]))
    assert found.bits == 2 and found.levels.tolist() == [[1, 0, -1], [0, 0, 0]]


@for_each("bits", range(2, 9))
def test_few_bits_in_float32(bits):
    rng = np.random.default_rng(bits)
    most = 2 ** (bits - 1) - 1
    levels = rng.integers(-most, most + 1, (6, 40))
    levels[:, :2] = most, 1  # one scale is the largest that fits
    scale = rng.random((6, 1)).astype(np.float32)
    found = quantised((levels.astype(np.float32) * scale).astype(float))
    assert found.bits == bits and (found.levels == levels).all()
    assert np.allclose(found.scale, scale[:, 0], rtol=1e-6)


def test_a_convolution_keeps_its_shape():
    assert quantised(np.ones((2, 3, 3, 3)) / 8).levels.shape == (2, 3, 3, 3)


def test_others_are_refused_with_what_would_do():
    mixed = np.random.default_rng(0).normal(size=(3, 10))
    mixed[0] = np.sign(mixed[0])
    with pytest.raises(WeightsError, match=r"in 2 of 3 channels they are not \(22 different"):
        quantised(mixed)
    with pytest.raises(WeightsError, match="must be finite"):
        quantised(weights([np.nan, 1]))
