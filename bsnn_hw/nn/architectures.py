"""Networks by kind: fully connected, recurrent, convolutional, and residual with the current
carried on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import torch
from torch import nn

from bsnn_hw.errors import InputError
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.layer import CurrentShortcut, Layer, Readout, Recurrence, SynapseShortcut
from bsnn_hw.nn.network import Network
from bsnn_hw.nn.neuron import LIF
from bsnn_hw.nn.norm import BatchNorm, Scale, SharedScaleNorm
from bsnn_hw.nn.synapse import BinaryConv2d, BinaryLinear, FewBitConv2d, FewBitLinear

__all__ = ["Style", "convolutional", "fully_connected", "recurrent", "residual"]

GATES = ("agmm", "agmm-sample", "none")
_DENSE = (BinaryLinear, FewBitLinear)
_CONVOLUTIONS = (BinaryConv2d, FewBitConv2d)


@dataclass(frozen=True, kw_only=True)
class Style:
    """What all layers of a network have in common.

    timesteps : int, T
    gate : {"agmm", "agmm-sample", "none"}, behind each norm but the readout's; or a function of
        a layer's channels or neurons that makes its gate
    gate_ratios : {"free", "equal"}, as `AGMMGate`; of gates made here
    gate_first : bool, the gate before the norm; an experiment, which no model file holds
    leak : float in (0, 1]; 1 is integrate and fire
    threshold : float, positive
    reset : {"hard", "soft"}
    coding : {"direct", "events"}
    binary : bool, False for the full-precision twin
    int8_ends : bool, weights of 8 bits in the first layer and the readout, as in the literature
    weight_bits : int, 1 to 8, of all other weights; 1 are signs
    """

    timesteps: int
    gate: str | Callable[[int], nn.Module | None] = "agmm"
    gate_ratios: str = "free"
    gate_first: bool = False
    leak: float = 0.5
    threshold: float = 1.0
    reset: str = "hard"
    coding: str = "direct"
    binary: bool = True
    int8_ends: bool = False
    weight_bits: int = 1

    def __post_init__(self):
        if not callable(self.gate) and self.gate not in GATES:
            raise ValueError(f"Gate must be one of {GATES}, not {self.gate!r}")
        if self.int8_ends and not self.binary:
            raise ValueError("Binary must be True with int8_ends, not False: a full-precision twin "
                             "has real weights everywhere")

    def convolution(self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1,
                    first: bool = False, **others: Any) -> Layer:
        """Return a layer whose odd kernel is padded so that stride 1 keeps the map's size; an even
        one is not padded."""
        synapse = self._synapse(_CONVOLUTIONS, channels_in, channels_out, kernel, end=first,
                                stride=stride, padding=_padding(kernel))
        return self._layer(synapse, channels_out, others)

    def dense(self, fan_in: int, neurons: int, *, first: bool = False, **others: Any) -> Layer:
        """Return a fully connected layer."""
        return self._layer(self._linear(fan_in, neurons, end=first), neurons, others)

    def recurrence(self, neurons: int) -> Recurrence:
        """Return what brings a layer its own spikes back; at the start, some of them weigh about
        as much as the norm's unit."""
        synapse = self._linear(neurons, neurons)
        return Recurrence(synapse, Scale(neurons, neurons ** -0.5 / _typical(synapse)))

    def projection(self, source: str, channels_in: int, channels_out: int, *,
                   stride: int = 1) -> SynapseShortcut:
        """Return a 1x1 convolution of the spikes of `source`, where shapes change."""
        synapse = self._synapse(_CONVOLUTIONS, channels_in, channels_out, 1, stride=stride)
        shortcut = SynapseShortcut(source, synapse, BatchNorm(channels_out),
                                   self._gate(channels_out))
        shortcut.gate_first = self.gate_first
        return shortcut

    def network(self, hidden: dict[str, Layer], fan_in: int, classes: int, **others: Any
                ) -> Network:
        """Return the network of `hidden` and a fully connected readout."""
        readout = Readout(self._linear(fan_in, classes, end=True), SharedScaleNorm(classes),
                          **others)
        return Network(hidden, readout, timesteps=self.timesteps, coding=self.coding)

    def _linear(self, fan_in: int, neurons: int, *, end: bool = False) -> BinaryLinear:
        return self._synapse(_DENSE, fan_in, neurons, end=end)

    def _synapse(self, kinds: tuple[Any, Any], *shape: int, end: bool = False, **geometry: Any
                 ) -> Any:
        """Return synapses of signs, of few bits, or real ones."""
        signs, few_bits = kinds
        bits = 8 if end and self.int8_ends else self.weight_bits
        if bits == 1 or not self.binary:
            return signs(*shape, binary=self.binary, **geometry)
        return few_bits(*shape, bits=bits, **geometry)

    def _layer(self, synapse, channels: int, others: dict[str, Any]) -> Layer:
        neuron = LIF(self.leak, threshold=self.threshold, reset=self.reset)
        layer = Layer(synapse, BatchNorm(channels), self._gate(channels), neuron, **others)
        layer.gate_first = self.gate_first
        return layer

    def _gate(self, channels: int) -> nn.Module | None:
        if callable(self.gate):
            return self.gate(channels)
        if self.gate == "agmm-sample":
            return AGMMGate(self.timesteps, over="sample", inference="sample",
                            ratios=self.gate_ratios)
        return AGMMGate(self.timesteps, ratios=self.gate_ratios) if self.gate == "agmm" else None


def fully_connected(sizes: Sequence[int], **style: Any) -> Network:
    """Build a network of `BinaryLinear` layers, ``fc1``, ``fc2``, …, and a readout.

    Parameters
    ----------
    sizes : input size, hidden sizes, number of classes; at least two numbers
    style : as `Style`
    """
    common = Style(**style)
    hidden = {f"fc{index}": common.dense(fan_in, neurons, first=index == 1)
              for index, (fan_in, neurons) in enumerate(pairwise(sizes[:-1]), 1)}
    return common.network(hidden, sizes[-2], sizes[-1])


def recurrent(sizes: Sequence[int], **style: Any) -> Network:
    """Build a network as `fully_connected`, whose hidden layers get their own spikes of the
    timestep before through weights of their own.

    Parameters
    ----------
    sizes : input size, hidden sizes, number of classes; at least three numbers
    style : as `Style`
    """
    common = Style(**style)
    hidden = {f"fc{index}": common.dense(fan_in, neurons, first=index == 1,
                                         shortcuts=[common.recurrence(neurons)])
              for index, (fan_in, neurons) in enumerate(pairwise(sizes[:-1]), 1)}
    return common.network(hidden, sizes[-2], sizes[-1])


def convolutional(shape: Sequence[int], channels: Sequence[int], neurons: Sequence[int],
                  classes: int, *, kernels: Sequence[tuple[int, int]] = (), **style: Any
                  ) -> Network:
    """Build convolutions ``conv1``, ``conv2``, …, then fully connected ``fc1``, …, and a readout.

    The first convolution is 5x5, the others 3x3. The first two have stride 2: an event-driven
    circuit pays for each position that a spike reaches, so maps shrink early and without pools.
    With a kernel of 4x4 and stride 4 in the first, a pixel reaches one position.

    Parameters
    ----------
    shape : (channels, height, width) of a sample
    channels : of each convolution, one or more
    neurons : of each hidden fully connected layer; may be empty
    kernels : (side, stride) of each convolution, in place of those; an even side is not padded
    style : as `Style`

    Raises
    ------
    InputError
        When a kernel is larger than its map.
    """
    common, hidden = Style(**style), {}
    fan_in, *sides = shape
    kernels = kernels or ((5, 2), (3, 2), *[(3, 1)] * len(channels))[:len(channels)]
    for index, (width, (kernel, stride)) in enumerate(zip(channels, kernels, strict=True), 1):
        hidden[f"conv{index}"] = common.convolution(fan_in, width, kernel, stride=stride,
                                                    first=index == 1)
        fan_in, sides = width, _strided(sides, stride, kernel)
        if min(sides) < 1:
            raise InputError(f"kernels: must fit into the map, {kernel}x{kernel} of conv{index} "
                             "does not; take a smaller one, or a smaller stride before it")
    flat = fan_in * prod(sides)
    for index, (size, width) in enumerate(pairwise((flat, *neurons)), 1):
        hidden[f"fc{index}"] = common.dense(size, width)
    return common.network(hidden, (flat, *neurons)[-1], classes)


def residual(shape: Sequence[int], channels: Sequence[int], classes: int, **style: Any) -> Network:
    """Build a network that carries its current around every 3x3 binary convolution.

    ``conv1`` is 5x5 with stride 2. Each ``conv2``, … adds the whole current of the layer before
    it to its own. Where the number of channels changes, the map is halved and the shortcut is a
    1x1 binary convolution, of the same spikes, with stride 2 and a norm and gate of its own.

    Parameters
    ----------
    shape : (channels, height, width) of a sample
    channels : of each convolution, one or more
    style : as `Style`

    Source
        Liu et al. 2018 (ECCV), Bi-Real Net, with spikes for its signs.
    """
    common = Style(**style)
    hidden = {"conv1": common.convolution(shape[0], channels[0], 5, stride=2, first=True)}
    sides = _strided(shape[1:], 2)
    for index, (fan_in, width) in enumerate(pairwise(channels), 2):
        hidden[f"conv{index}"] = carrying(common, f"conv{index - 1}", fan_in, width)
        sides = _strided(sides, 1 if fan_in == width else 2)
    return common.network(hidden, channels[-1] * prod(sides), classes)


def carrying(common: Style, source: str, fan_in: int, width: int) -> Layer:
    """Return a 3x3 convolution with a shortcut: the current, or a projection of the spikes."""
    if fan_in == width:
        return common.convolution(fan_in, width, 3, shortcuts=[CurrentShortcut(source)])
    return common.convolution(fan_in, width, 3, stride=2, shortcuts=[
        common.projection(source, fan_in, width, stride=2)])


def _padding(kernel: int) -> int:
    return kernel // 2 if kernel % 2 else 0


def _typical(synapse: BinaryLinear) -> float:
    """Return the root of the mean square of what spikes are multiplied with."""
    with torch.no_grad():
        effective = synapse(torch.eye(synapse.weight.shape[1]))
    return float(effective.square().mean().sqrt())


def _strided(sides: Sequence[int], stride: int, kernel: int = 3) -> list[int]:
    """Return the sides of a map behind a convolution."""
    return [(side + 2 * _padding(kernel) - kernel) // stride + 1 for side in sides]
