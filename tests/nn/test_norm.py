"""Norms: one statistic for all timesteps, one scale for all classes."""

import pytest
import torch

from bsnn_hw.nn.norm import BatchNorm, SharedScaleNorm
from tests.for_each import for_each


@for_each("seed", [0, 1])
@for_each("shape", [(3, 8, 5), (3, 8, 5, 2, 2)])  # linear, convolution
def test_statistics_are_shared_over_timesteps(seed, shape):
    torch.manual_seed(seed)
    sums = torch.randn(shape) * 3 + 2
    norm = BatchNorm(5)
    result = norm(sums)
    channels = result.transpose(0, 2).flatten(1)
    assert channels.mean(1).abs().max() < 1e-5
    assert (channels.var(1, correction=0) - 1).abs().max() < 1e-3


def test_static_input_normalises_like_its_copies():
    sums = torch.randn(1, 16, 4, generator=torch.Generator().manual_seed(0))
    alone, copied = BatchNorm(4)(sums), BatchNorm(4)(sums.expand(6, 16, 4))
    assert torch.allclose(alone.expand(6, 16, 4), copied, atol=1e-6)


def test_running_average_takes_a_tenth_of_the_newest():
    norm = BatchNorm(1)
    norm(torch.full((2, 4, 1), 5.0))
    assert norm.running_mean.item() == pytest.approx(0.5)
    norm.eval()
    assert norm(torch.tensor([[[0.5]]])).item() == pytest.approx(0)


def test_readout_norm_has_one_scale_and_a_bias_per_class():
    norm = SharedScaleNorm(3)
    norm.bias.data = torch.tensor([0.0, 10.0, 20.0])
    sums = torch.tensor([[[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]])
    result = norm(sums)
    assert norm.running_mean.tolist() == pytest.approx([0.4])
    wanted = (sums - 4) / torch.sqrt(sums.var(correction=0) + 1e-5) + norm.bias
    assert torch.allclose(result, wanted, atol=1e-5)
