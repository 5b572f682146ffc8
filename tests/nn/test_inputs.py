"""Which inputs are worth having: known answers."""

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.nn.data import load
from bsnn_hw.nn.inputs import most_telling

LABELS = np.array([0, 0, 1, 1, 2, 2])


def test_by_hand():
    # The second value tells class 0 from the others, the fourth class 2; the third repeats the
    # second, the first never changes, and the last has nothing to do with the classes.
    values = np.array([[3, 9, 9, 0, 0], [3, 9, 9, 0, 1], [3, 0, 0, 1, 0], [3, 0, 0, 1, 1],
                       [3, 0, 0, 7, 0], [3, 0, 0, 7, 1]], np.uint8)
    assert most_telling(values, LABELS, 2).tolist() == [1, 3]
    assert most_telling(values, LABELS, 5).tolist() == [0, 1, 2, 3, 4]


def test_of_frames_the_sum_over_time_counts():
    frames = np.zeros((6, 2, 2), np.uint8)
    frames[:2, :, 1] = 200  # 200 + 200 is more than a byte
    frames[:3, 0, 0] = 1
    assert most_telling(frames, LABELS, 1).tolist() == [1]


def test_more_than_there_are():
    with pytest.raises(InputError, match="inputs_used: must be at most the 2 values of a sample"):
        most_telling(np.zeros((3, 2), np.uint8), np.zeros(3, np.int64), 3)


def test_together_they_tell_more_than_those_with_the_largest_variance():
    digits = load("digits")

    def unexplained(chosen):
        values = np.hstack([digits.train_x[:, chosen], np.ones((len(digits.train_x), 1))])
        return np.linalg.lstsq(values, np.eye(10)[digits.train_y], rcond=None)[1].sum()

    chosen = most_telling(digits.train_x, digits.train_y, 20)
    assert (np.diff(chosen) > 0).all() and len(chosen) == 20
    assert unexplained(chosen) < 0.95 * unexplained(np.argsort(-digits.train_x.var(axis=0))[:20])
