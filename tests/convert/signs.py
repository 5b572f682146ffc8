"""Layers with signs for weights, as users write them, for the tests of the converters."""

import torch
from torch import nn


def signs(weight, scale=1.0):
    """+scale and -scale; sign(0) is +."""
    return torch.where(weight >= 0, scale, -scale)


class BinaryLinear(nn.Linear):
    """Signs times a power of two."""

    scale = 0.25

    def forward(self, x):
        return nn.functional.linear(x, signs(self.weight, self.scale), self.bias)


class BinaryConv2d(nn.Conv2d):
    """Signs times a power of two."""

    scale = 0.125

    def forward(self, x):
        return nn.functional.conv2d(x, signs(self.weight, self.scale), self.bias, self.stride,
                                    self.padding, self.dilation, self.groups)


class CentredConv2d(nn.Conv2d):
    """Signs of centred filters, each with a scale of its own, as IR-Net and Q-SNN have them."""

    def forward(self, x):
        centred = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        scale = centred.abs().mean(dim=(1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, signs(centred) * scale, self.bias, self.stride,
                                    self.padding)


def stirred(module, seed):
    """Running statistics of normalisations as after training, and random biases."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.running_mean.normal_(0, 0.5, generator=generator)
            part.running_var.uniform_(0.3, 2, generator=generator)
            with torch.no_grad():
                part.weight.normal_(0.8, 0.5, generator=generator)  # some below 0
                part.bias.normal_(0.2, 0.3, generator=generator)
    return module
