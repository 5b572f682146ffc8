"""The weights of a layer or shortcut, linear or a convolution, and whether they fit the map."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bsnn_hw.ir.network import largest_weight
from bsnn_hw.model.check_conv import Geometry, check_geometry, check_map, check_spread
from bsnn_hw.model.check_feed import Incoming, Seen, sides
from bsnn_hw.model.check_signs import no_signs
from bsnn_hw.model.description import Conv2d, Linear, Shape, Synapse
from bsnn_hw.model.expanded import PLAIN, Spread
from bsnn_hw.model.values import Table, word

__all__ = ["KINDS", "MAX_WEIGHTS", "Kind", "Weights", "check_weights"]

# Weights become float64, and layers of a damaged file may share one tensor: 512 MiB in all.
MAX_WEIGHTS = 1 << 26
MAX_BITS = 8  # of a weight


@dataclass(frozen=True)
class Kind:
    """A ``type`` of layers and ``kind`` of shortcuts.

    keys : optional keys of its own; hints : why other keys are not accepted
    per : str, what has one bias and norm of its own
    dimensions : of ``weight``, in words
    """

    keys: tuple[str, ...]
    hints: dict[str, str]
    per: str
    dimensions: tuple[str, ...]


KINDS = {
    "linear": Kind((), dict.fromkeys(
        ("dilation", "stride", "padding", "groups", "kernel_size"),
        "a linear layer has none; a convolution has type 'conv2d'"), "neuron",
        ("neurons", "fan_in")),
    "conv2d": Kind(("stride", "padding", "dilation", "groups"), {
        "kernel_size": "it is the weight's shape",
        "padding_mode": "the padding is of zeros",
        "output_padding": "transposed convolutions are not supported",
        "transposed": "transposed convolutions are not supported"}, "output channel",
        ("channels out", "channels in", "kernel height", "kernel width")),
}


@dataclass(frozen=True)
class Weights:
    """What is known of the weights; None where a problem hides it.

    channels : int, neurons or output channels
    shape : Shape of what goes out
    values : float64; geometry : of a convolution; bits : int, of a weight; 1: only signs count
    spread : what is written out with zeros; groups : what is not
    """

    channels: int | None = None
    shape: Shape | None = None
    values: np.ndarray | None = None
    geometry: Geometry | None = None
    bits: int = 1
    spread: Spread = PLAIN
    groups: int = 1

    @property
    def pads(self) -> bool:
        """Whether they stand beyond the border of what comes in."""
        return self.geometry is not None and any(self.geometry[1])

    def synapse(self, bias: np.ndarray) -> Synapse:
        """The synapse of weights without a problem."""
        assert self.values is not None
        if self.geometry is None:
            return Linear(self.values, bias, self.bits)
        if self.spread.is_plain:
            return Conv2d(self.values, bias, *self.geometry, self.bits, self.groups)
        levels = np.where(self.values >= 0, 1.0, -1.0) if self.bits == 1 else self.values
        return Conv2d(self.spread.dense(levels), bias, *self.geometry,
                      self.spread.bits(self.bits), self.groups)


def check_weights(table: Table, kind: str, incoming: Incoming, seen: Seen) -> Weights:
    """The weights of ``table``, a layer or shortcut, against what comes in."""
    geometry = check_geometry(table) if kind == "conv2d" else None
    bits = (table.integer("weight_bits", 1, MAX_BITS) if table.has("weight_bits") else None) or 1
    weight = _weight_shape(table, KINDS[kind], seen)
    spread = PLAIN if kind == "linear" else check_spread(table, weight[0] if weight else None)
    if weight is None:
        return Weights()
    if kind == "linear":
        output: Shape | None = Shape(weight[0])
        _check_fan_in(table, weight, incoming)
    elif geometry and spread:
        output = check_map(table, weight, geometry, spread, incoming)
    else:
        output = None
    written, groups = _written_out(table, spread or PLAIN)
    written = _fitting(table, written, weight, seen)
    return Weights(weight[0], output, _values(table, bits), geometry, bits, written, groups)


def _written_out(table: Table, spread: Spread) -> tuple[Spread, int]:
    """What of ``spread`` becomes zeros, and the groups that stay: none where a sample makes the
    gate, which takes the mean over all of them."""
    if word(table.raw("gate"), "kind") == "sample":
        return spread, 1
    return replace(spread, groups=1), spread.groups


def _fitting(table: Table, spread: Spread, weight: tuple[int, ...], seen: Seen) -> Spread:
    """``spread``, whose zeros have room as well; else a problem, and none."""
    count = math.prod(weight if spread.is_plain else spread.shape(weight))
    if count > seen.room:
        table.problem("weight", f"must fit the limit of {MAX_WEIGHTS} weights in all layers, "
                                f"{count} with the zeros between its groups or places")
        return PLAIN
    seen.room -= count
    return spread


def _weight_shape(table: Table, kind: Kind, seen: Seen) -> tuple[int, ...] | None:
    """The shape of a weight that can be read; None after a problem."""
    if not table.has("weight") or not table.check_tensor("weight"):
        return None
    weight = table.raw("weight")
    shape = tuple(weight.shape)
    if len(shape) != len(kind.dimensions):
        table.problem("weight", f"must have {len(kind.dimensions)} dimensions "
                                f"({', '.join(kind.dimensions)}), not shape {shape}")
    elif 0 in shape:
        table.problem("weight", f"must have at least one {kind.per} and one input, not shape "
                                f"{shape}")
    elif weight.untyped_storage().nbytes() < weight.numel() * weight.element_size():
        table.problem("weight", f"must hold each of its values, but shape {shape} repeats fewer; "
                                "save a contiguous tensor")
    elif weight.numel() > seen.room:
        table.problem("weight", f"must fit the limit of {MAX_WEIGHTS} weights in all layers, and "
                                f"shape {shape} goes beyond it")
    else:
        return shape
    return None


def _check_fan_in(table: Table, weight: tuple[int, ...], incoming: Incoming) -> None:
    source = incoming.feed.shape if incoming.feed else None
    if incoming.scaled:
        table.problem("type", "must be 'conv2d' where each channel of the input has a scale of its "
                              "own; give one scale for all, and scale the pixels before they come "
                              "in")
    if source and weight[1] != source.size:
        of_map = f" ({sides(source)})" if source.positions > 1 else ""
        table.problem("weight", f"must be (neurons, {source.size}) because {incoming.producer} "
                                f"gives {source.size} values{of_map}, not shape {weight}")


def _values(table: Table, bits: int) -> np.ndarray | None:
    """The weights as float64; None after a problem."""
    dtype = str(table.raw("weight").dtype).removeprefix("torch.")
    if bits > 1 and dtype != "int8":
        table.problem("weight", f"must be int8 where weight_bits is {bits}, not {dtype}")
        return None
    if dtype.startswith("uint"):
        table.problem("weight", f"must have a signed type, not {dtype}: without negative values "
                                "every synapse would be +1; write 0 as -1")
        return None
    values = table.finite("weight")
    if values is None:
        return None
    if bits == 1:
        found = no_signs(values, dtype.startswith("int"))
        if found:
            table.problem("weight", found)
        return None if found else values
    most = largest_weight(bits)
    outside = values[np.abs(values) > most]
    if outside.size:
        table.problem("weight", f"must be from -{most} to {most} where weight_bits is {bits}, not "
                                f"{int(outside[0])}")
        return None
    return values
