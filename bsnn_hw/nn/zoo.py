"""Networks of the literature, of CIFAR's shape, and narrow ones of the same form to train."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from bsnn_hw.nn.architectures import Style, carrying
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.layer import Layer, SpikeShortcut
from bsnn_hw.nn.network import Network
from bsnn_hw.nn.norm import BatchNorm, SharedScaleNorm
from bsnn_hw.nn.pooling import Pool

__all__ = ["DEPTHS", "calibrate", "narrow_resnet", "narrow_vgg11", "resnet19", "vgg", "vgg11"]

_CIFAR = (3, 32, 32)
_JOINS = ("tdbn", "bireal")
# Channels of the convolutions of a VGG with 16 layers; an OR-pool of 2x2 where a group ends.
_VGG = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_VGG11 = ((64,), (128,), (256, 256), (512, 512), (512, 512))
# Blocks and channels per stage of the narrow networks, by layers with weights along the path.
DEPTHS: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    3: ((0,), (64,)), 7: ((1, 1), (32, 64)), 11: ((2, 1, 1), (16, 32, 64)),
    19: ((3, 3, 2), (16, 32, 64))}
_NARROW = (1, 16, 16)


def resnet19(join: str = "tdbn", *, blocks: Sequence[int] = (3, 3, 2),
             channels: Sequence[int] = (128, 256, 512), neurons: int = 256, classes: int = 10,
             shape: Sequence[int] = _CIFAR, head: int = 1, **style: Any) -> Network:
    """Build the spiking ResNet-19: a 3x3 stem, eight blocks of two convolutions, two dense layers.

    Parameters
    ----------
    join : "tdbn", one join per block, behind its second convolution: the spikes that came into
        the block, as numbers, or a 1x1 convolution of them where shapes change; "bireal", the
        current carried around every convolution
    blocks, channels : per stage; each stage but the first halves the map
    neurons : of the hidden dense layer behind the average pool
    shape : (channels, height, width) of a sample
    head : side of the map that the average pool leaves
    style : as `Style`

    Source
        Zheng et al. 2021 (AAAI), tdBN; Liu et al. 2018 (ECCV), Bi-Real Net.
    """
    if join not in _JOINS:
        raise ValueError(f"Join must be one of {_JOINS}, not {join!r}")
    common = Style(**style)
    hidden = {"conv1": common.convolution(shape[0], channels[0], 3, first=True)}
    widths = [width for count, width in zip(blocks, channels, strict=True) for _ in range(count)]
    add = _tdbn_block if join == "tdbn" else _bireal_block
    for index, (fan_in, width) in enumerate(pairwise((channels[0], *widths)), 1):
        add(common, hidden, f"block{index}", fan_in, width)
    shrunk = 2 ** (len(channels) - 1)
    windows = [side // shrunk // head for side in shape[1:]]
    hidden["fc1"] = common.dense(channels[-1] * head ** 2, neurons, pool=Pool("avg", windows))
    return common.network(hidden, neurons, classes)


def narrow_resnet(depth: int, join: str = "bireal", **style: Any) -> Network:
    """Build `resnet19` at 8 to 64 channels for images of 16x16, at a depth of 3, 7, 11 or 19.

    Parameters
    ----------
    depth : of `DEPTHS`: layers with weights from input to readout
    join, style : as `resnet19`
    """
    if depth not in DEPTHS:
        raise ValueError(f"Depth must be one of {tuple(DEPTHS)}, not {depth!r}")
    blocks, channels = DEPTHS[depth]
    return resnet19(join, **{"blocks": blocks, "channels": channels, "neurons": 128,
                             "shape": _NARROW, "head": 2, **style})


def vgg11(**options: Any) -> Network:
    """Build `vgg` with eight convolutions and three dense layers."""
    return vgg(_VGG11, **{"neurons": (512, 512), **options})


def narrow_vgg11(**options: Any) -> Network:
    """Build `vgg11` at 16 to 64 channels for images of 16x16."""
    return vgg(((16,), (32, 32), (64, 64, 64, 64, 64)),
               **{"neurons": (128, 128), "shape": _NARROW, **options})


def vgg(groups: Sequence[Sequence[int]] = _VGG, *, neurons: int | Sequence[int] = 512,
        classes: int = 10, shape: Sequence[int] = _CIFAR, **style: Any) -> Network:
    """Build 3x3 convolutions in groups with a 2x2 OR-pool behind each, then dense layers.

    Parameters
    ----------
    groups : channels of the convolutions of each group
    neurons : of the hidden dense layer, or of each
    shape : (channels, height, width) of a sample, sides divisible by 2 per group
    style : as `Style`

    Source
        Simonyan and Zisserman 2015 (ICLR), for CIFAR.
    """
    hidden: dict[str, Layer] = {}
    common, fan_in = Style(**style), shape[0]
    for number, group in enumerate(groups, 1):
        for index, width in enumerate(group, 1):
            pool = Pool("max", 2) if index == 1 and number > 1 else None
            hidden[f"conv{number}_{index}"] = common.convolution(fan_in, width, 3, pool=pool,
                                                                 first=not hidden)
            fan_in = width
    positions = (shape[1] >> len(groups)) * (shape[2] >> len(groups))
    sizes = (fan_in * positions, *((neurons,) if isinstance(neurons, int) else neurons))
    for number, (size, width) in enumerate(pairwise(sizes), 1):
        pool = Pool("max", 2) if number == 1 else None
        hidden[f"fc{number}"] = common.dense(size, width, pool=pool)
    return common.network(hidden, sizes[-1], classes)


@torch.no_grad()
def calibrate(network: Network, samples: Tensor) -> None:
    """Set the statistics of all norms and gates to those of one batch, in one pass.

    Each layer sees what layers with these very statistics send it, so one pass is enough. It
    makes a network of random weights fire as a trained one does.

    Parameters
    ----------
    samples : what the network takes, (batch, ...) or with events (T, batch, ...)
    """
    averaging: list[Any] = [module for module in network.modules() if
                                  isinstance(module, BatchNorm | SharedScaleNorm | AGMMGate)]
    before = [module.momentum for module in averaging]
    for module in averaging:
        module.momentum = 1.0
    training = network.training
    network.train()(samples)
    network.train(training)
    for module, momentum in zip(averaging, before, strict=True):
        module.momentum = momentum


def _tdbn_block(common: Style, hidden: dict[str, Layer], name: str, fan_in: int, width: int
                ) -> None:
    source, changes = list(hidden)[-1], fan_in != width
    stride = 2 if changes else 1
    join = common.projection(source, fan_in, width, stride=2) if changes else SpikeShortcut(source)
    hidden[f"{name}_1"] = common.convolution(fan_in, width, 3, stride=stride)
    hidden[f"{name}_2"] = common.convolution(width, width, 3, shortcuts=[join])


def _bireal_block(common: Style, hidden: dict[str, Layer], name: str, fan_in: int, width: int
                  ) -> None:
    hidden[f"{name}_1"] = carrying(common, list(hidden)[-1], fan_in, width)
    hidden[f"{name}_2"] = carrying(common, f"{name}_1", width, width)
