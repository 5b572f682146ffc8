"""What a network learns from: the distance of scores from a teacher's."""

import math

import torch

from bsnn_hw.nn.building import distance


def test_equal_scores_have_no_distance():
    scores = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert distance(scores, scores).abs() < 1e-6
    # Softmax does not see what all classes have in common.
    assert distance(scores + 3, scores).abs() < 1e-5


def test_distance_by_hand():
    # Probabilities (1/2, 1/2) where (3/4, 1/4) are wanted, at temperature 3.
    scores, wanted = torch.zeros(1, 2), torch.tensor([[3 * math.log(3), 0.0]])
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert abs(distance(scores, wanted).item() - 9 * divergence) < 1e-5
