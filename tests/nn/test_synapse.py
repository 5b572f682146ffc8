"""Binary synapses: signs, straight-through gradients, clipping."""

import pytest
import torch

from bsnn_hw.nn.synapse import BinaryConv2d, BinaryLinear, binarize


def test_sign_of_zero_is_plus_one():
    signs = binarize(torch.tensor([-0.5, -0.0, 0.0, 1e-9, 3.0]))
    assert signs.tolist() == [-1, 1, 1, 1, 1]


def test_gradient_passes_inside_one_and_stops_beyond():
    latent = torch.tensor([-1.5, -1.0, 0.2, 1.0, 1.1], requires_grad=True)
    (binarize(latent) * torch.arange(1.0, 6.0)).sum().backward()
    assert latent.grad.tolist() == [0, 2, 3, 4, 0]


def test_linear_counts_signs():
    layer = BinaryLinear(3, 2)
    layer.weight.data = torch.tensor([[0.1, -0.2, 0.3], [-0.9, -0.1, 0.0]])
    spikes = torch.tensor([[[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]])
    assert layer(spikes).tolist() == [[[0, -2], [1, -1]]]


def test_initial_weights_are_within_a_tenth():
    assert BinaryLinear(100, 10).weight.abs().max() <= 0.1


@pytest.mark.parametrize(("stride", "padding", "side"), [(1, 1, 5), (2, 1, 3), (1, 0, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_convolution_matches_sums_over_windows(seed, stride, padding, side):
    torch.manual_seed(seed)
    layer = BinaryConv2d(2, 3, 3, stride=stride, padding=padding)
    spikes = (torch.rand(2, 4, 2, 5, 5) < 0.4).float()
    result = layer(spikes)
    assert result.shape == (2, 4, 3, side, side)
    padded = torch.nn.functional.pad(spikes, (padding,) * 4)
    signs = torch.where(layer.weight >= 0, 1.0, -1.0)
    for row in range(side):
        for column in range(side):
            top, left = row * stride, column * stride
            window = padded[..., top:top + 3, left:left + 3]
            wanted = (window.unsqueeze(2) * signs).sum((3, 4, 5))
            assert torch.equal(result[..., row, column], wanted)


def test_clip_holds_latent_weights_within_one():
    layer = BinaryLinear(2, 1)
    layer.weight.data = torch.tensor([[-1.7, 0.4]])
    layer.clip()
    assert torch.equal(layer.weight.data, torch.tensor([[-1.0, 0.4]]))
