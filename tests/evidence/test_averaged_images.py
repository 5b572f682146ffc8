"""Images made smaller: means of squares, and a file that training takes."""

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.nn.own import load_own
from evidence.averaged_images import averaged, main
from tests.for_each import for_each
from tests.nn.test_examples import EXAMPLES

pytestmark = pytest.mark.wide  # an experiment, no part of the program


def test_means_are_rounded_half_up():
    images = np.array([[[0, 1, 255, 255], [0, 1, 255, 254]]], np.uint8)
    assert averaged(images, 2).tolist() == [[[1, 255]]]


@for_each("side", [0, 3])
def test_squares_that_leave_a_rest(side):
    with pytest.raises(InputError, match=f"`by`: must divide 4 and 8, not be {side}"):
        averaged(np.zeros((1, 4, 8), np.uint8), side)


def test_the_sample_of_the_example(tmp_path):
    out = tmp_path / "small.npz"
    assert main([str(EXAMPLES / "fashion_mnist_sample.npz"), "--out", str(out)]) == 0
    made, kept = load_own(out), load_own(EXAMPLES / "fashion_mnist_14x14_sample.npz")
    assert made.shape == (14, 14)
    assert np.array_equal(made.train_x, kept.train_x)
    assert np.array_equal(made.test_x, kept.test_x)
    assert main([str(EXAMPLES / "fashion_mnist_sample.npz"), "--bits", "9", "--out",
                 str(out)]) == 1
