"""Pools of spikes: known answers, the smallest window, arguments."""

import pytest
import torch

from bsnn_hw.nn import Pool
from tests.for_each import for_each

SPIKES = torch.tensor([[1.0, 0, 0, 0],
                       [1, 0, 0, 0],
                       [1, 1, 0, 1],
                       [1, 1, 0, 0]]).view(1, 1, 1, 4, 4)


@for_each("kind, wanted", [
    ("max", [1, 0, 1, 1]), ("sum", [2, 0, 4, 1]), ("avg", [0.5, 0, 1, 0.25])])
def test_known_answers(kind, wanted):
    assert Pool(kind, 2)(SPIKES).flatten().tolist() == wanted


def test_windows_need_not_be_square():
    assert Pool("sum", (1, 4))(SPIKES).flatten().tolist() == [1, 1, 3, 2]
    assert Pool("sum", (4, 2))(SPIKES).shape == (1, 1, 1, 1, 2)


@for_each("kind", ["max", "sum", "avg"])
def test_a_window_of_one_changes_nothing(kind):
    assert torch.equal(Pool(kind, 1)(SPIKES), SPIKES)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"Pool kind must be one of .*, not 'min'"):
        Pool("min", 2)
    with pytest.raises(ValueError, match="Pool of 3x3 must divide the map, which is 4x4"):
        Pool("max", 3)(SPIKES)
