"""Binary synapses: signs, straight-through gradients, clipping."""

from functools import partial

import pytest
import torch

from bsnn_hw.nn.synapse import (
    BinaryConv2d,
    BinaryLinear,
    FewBitConv2d,
    FewBitLinear,
    Int8Conv2d,
    Int8Linear,
    binarize,
)
from tests.for_each import for_each, quick


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


@for_each("stride, padding, side", [(1, 1, 5), (2, 1, 3), (1, 0, 3)])
@for_each("seed", [0, 1])
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


def test_kernel_stride_and_padding_may_differ_by_axis():
    torch.manual_seed(0)
    layer = BinaryConv2d(2, 3, (2, 3), stride=(2, 1), padding=(0, 1))
    spikes = (torch.rand(1, 4, 2, 6, 5) < 0.4).float()
    wanted = torch.nn.functional.conv2d(spikes[0], binarize(layer.weight), stride=(2, 1),
                                        padding=(0, 1))
    assert layer(spikes).shape == (1, 4, 3, 3, 5)
    assert torch.equal(layer(spikes)[0], wanted)


@quick(2, wide=None)
@for_each("kind", [BinaryConv2d, partial(FewBitConv2d, bits=3), Int8Conv2d])
@for_each("groups, kernel, more", [
    (2, 3, {"padding": 1}), (4, 3, {"padding": 1, "stride": 2}), (1, 3, {"dilation": 2}),
    (4, (3, 2), {"dilation": (1, 3), "padding": (1, 0)}), (2, 1, {"stride": 2})])
def test_groups_and_dilation_are_those_of_torch(kind, groups, kernel, more):
    torch.manual_seed(0)
    layer = kind(4, 8, kernel, groups=groups, **more)
    plain = torch.nn.Conv2d(4, 8, kernel, groups=groups, bias=False, **more)
    assert layer.weight.shape == plain.weight.shape
    plain.weight.data = layer.integers().float() if layer.weight_bits > 1 else binarize(
        layer.weight.detach())
    spikes = (torch.rand(2, 5, 4, 7, 6) < 0.4).float()
    assert torch.equal(layer(spikes).round(), plain(spikes.flatten(0, 1)).unflatten(0, (2, 5)))
    layer(spikes).square().sum().backward()
    plain(spikes.flatten(0, 1)).square().sum().backward()
    largest = getattr(layer, "largest", 1)  # the slope of a latent weight's integer
    torch.testing.assert_close(layer.weight.grad, largest * plain.weight.grad, rtol=1e-3, atol=1.0)


@for_each("groups", [0, 3, 4])
def test_groups_divide_the_channels(groups):
    with pytest.raises(ValueError, match=f"Groups must divide 4 channels in and 6 out, not be "
                                         f"{groups}"):
        BinaryConv2d(4, 6, 3, groups=groups)


@for_each("synapse", [BinaryLinear(4, 2, binary=False),
                                     BinaryConv2d(4, 2, 1, binary=False)])
def test_a_twin_uses_its_weights_as_they_are(synapse):
    synapse.weight.data.fill_(1.5)
    synapse.clip()
    ones = torch.ones(1, 1, 4) if synapse.weight.dim() == 2 else torch.ones(1, 1, 4, 1, 1)
    assert synapse(ones).flatten().tolist() == [6, 6]


def test_clip_holds_latent_weights_within_one():
    layer = BinaryLinear(2, 1)
    layer.weight.data = torch.tensor([[-1.7, 0.4]])
    layer.clip()
    assert torch.equal(layer.weight.data, torch.tensor([[-1.0, 0.4]]))


@for_each("stride, padding", [(2, 0), ((1, 3), 0), (2, (1, 0))])
def test_single_positions_with_a_stride(stride, padding):
    torch.manual_seed(0)
    layer = BinaryConv2d(4, 6, 1, stride=stride, padding=padding)
    spikes = (torch.rand(2, 16, 4, 7, 6) < 0.4).float()
    flat = torch.nn.functional.conv2d(spikes.flatten(0, 1), binarize(layer.weight), stride=stride,
                                      padding=padding)
    assert torch.equal(layer(spikes), flat.unflatten(0, (2, 16)))
    layer(spikes).sum().backward()
    assert layer.weight.grad.abs().sum() > 0


@for_each("kind", [Int8Linear, Int8Conv2d])
def test_eight_bits_are_rounded_latent_weights(kind):
    torch.manual_seed(0)
    layer = kind(4, 2) if kind is Int8Linear else kind(4, 2, 3, padding=1)
    layer.weight.data.uniform_(-1, 1)
    layer.weight.data[0, :2], layer.weight.data[1, :2] = 1.7, -1.7
    integers = layer.integers()
    assert integers.dtype is torch.int8
    assert (int(integers.min()), int(integers.max())) == (-127, 127)
    torch.testing.assert_close(integers.float(), 127 * layer.weight.clamp(-1, 1), atol=0.5, rtol=0)
    layer.clip()
    assert torch.equal(layer.integers(), integers)
    plain = (BinaryLinear(4, 2, binary=False) if kind is Int8Linear else
             BinaryConv2d(4, 2, 3, padding=1, binary=False))
    plain.weight.data = integers.float()
    spikes = (torch.rand(1, 3, 4) if kind is Int8Linear else torch.rand(1, 3, 4, 5, 5)).round()
    assert torch.equal(layer(spikes).round(), plain(spikes))
    layer(spikes).sum().backward()
    assert layer.weight.grad.abs().sum() > 0, "straight through the rounding"


def test_eight_bits_have_no_twin():
    with pytest.raises(ValueError, match="Binary must be True with"):
        Int8Linear(4, 2, binary=False)


@for_each("bits", [2, 3, 5, 8])
@for_each("kind", [FewBitLinear, FewBitConv2d])
def test_few_bits_are_rounded_latent_weights(kind, bits):
    torch.manual_seed(bits)
    shape = (40, 20) if kind is FewBitLinear else (40, 20, 3)
    layer, largest = kind(*shape, bits=bits), 2 ** (bits - 1) - 1
    assert layer.weight_bits == bits
    assert len(layer.integers().unique()) >= 3, "not all of them 0 at the start"
    layer.weight.data.uniform_(-1.2, 1.2)
    integers = layer.integers()
    assert (int(integers.min()), int(integers.max())) == (-largest, largest)
    torch.testing.assert_close(integers.float(), largest * layer.weight.clamp(-1, 1), atol=0.5,
                               rtol=0)
    layer(torch.ones(1, 1, *(shape[:1] if kind is FewBitLinear else (40, 3, 3)))).sum().backward()
    assert layer.weight.grad.abs().sum() > 0, "straight through the rounding"


def test_eight_bits_start_as_signs_do():
    torch.manual_seed(0)
    signs = BinaryLinear(6, 5).weight
    torch.manual_seed(0)
    assert torch.equal(Int8Linear(6, 5).weight, signs)


@for_each("bits", [0, 1, 9])
def test_bits_are_two_to_eight(bits):
    with pytest.raises(ValueError, match="Bits must be 2 to 8"):
        FewBitLinear(3, 2, bits=bits)
