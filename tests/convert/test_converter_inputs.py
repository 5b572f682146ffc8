"""The converter: what forward does to its input before the first layer."""

import pytest
import torch
from torch import nn

from tests.convert.converting import convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def test_an_input_that_forward_normalises_and_reshapes():
    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(BinaryConv2d(1, 4, 3), Fire(), nn.Flatten(),
                                      BinaryLinear(16, 2))

        def forward(self, x):
            return self.body(((x - 3) / 2).view(-1, 1, 4, 4))

    document = convert(Normalised(), (16,))
    assert document["input"]["shape"] == [1, 4, 4]
    assert document["input"]["scale"] == 0.5 and document["input"]["offset"] == -1.5


class Standardised(nn.Module):
    """torchvision's Normalize in front of a padded convolution."""

    def __init__(self, mean=(0.5, 0.4, 0.3), deviation=(0.25, 0.5, 0.125)):
        super().__init__()
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.deviation = torch.tensor(deviation).view(-1, 1, 1)
        self.body = nn.Sequential(BinaryConv2d(3, 4, 3, padding=1), Fire(), nn.Flatten(),
                                  BinaryLinear(64, 2))

    def forward(self, x):
        return self.body((x - self.mean) / self.deviation)


def test_an_input_that_is_normalised_channel_by_channel():
    torch.manual_seed(0)
    document = convert(Standardised(), (3, 4, 4), bits=8, scale=1 / 255)
    assert document["input"]["scale"].tolist() == [4 / 255, 2 / 255, 8 / 255]
    assert torch.allclose(document["input"]["offset"], torch.tensor([-2., -.8, -2.4]).double())
    outside = convert(Standardised().body, (3, 4, 4), bits=8, scale=[4 / 255, 2 / 255, 8 / 255],
                      offset=(-2.0, -0.8, -2.4))
    assert torch.equal(outside["input"]["scale"], document["input"]["scale"])


def test_an_input_that_a_batch_norm_normalises():
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm2d(3), *Standardised().body)
    net[0].running_mean.uniform_(0, 1)
    net[0].running_var.uniform_(0.5, 2)
    document = convert(net, (3, 4, 4))
    assert document["input"]["scale"].shape == document["input"]["offset"].shape == (3,)


def test_an_input_that_is_scaled_place_by_place_or_by_0():
    module = Standardised(deviation=(0.25, -0.5, 0.125))
    refused("scales the input by a number that is not positive", module, (3, 4, 4))
    module.mean, module.deviation = torch.arange(16.).view(4, 4), torch.tensor(2.0)
    refused("something else than a number, or one for each channel", module, (3, 4, 4))
