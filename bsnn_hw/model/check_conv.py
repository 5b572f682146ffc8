"""What only a convolution has: stride, padding, groups, and a kernel that must fit its map."""

from __future__ import annotations

from bsnn_hw.model.check_feed import MAX_KERNEL, MAX_SIDE, Incoming, sides
from bsnn_hw.model.description import Shape
from bsnn_hw.model.expanded import Spread
from bsnn_hw.model.values import Table, shown

__all__ = ["MAX_NEURONS", "Geometry", "check_geometry", "check_map", "check_spread"]

MAX_GROUPS = 1 << 16
MAX_NEURONS = 1 << 24  # of one layer: a small file can ask for a huge map

# Stride and padding, each (vertical, horizontal).
Geometry = tuple[tuple[int, int], tuple[int, int]]

def check_geometry(table: Table) -> Geometry | None:
    """Stride and padding; None after a problem."""
    stride = table.pair("stride", 1, MAX_KERNEL, 1)
    if isinstance(table.raw("padding"), str):
        table.problem("padding", "must be an integer or two, [vertical, horizontal], not "
                                 f"{shown(table.raw('padding'))}; 'valid' is 0, 'same' is "
                                 "(k - 1) / 2 for an odd kernel side k")
        return None
    padding = table.pair("padding", 0, MAX_KERNEL - 1, 0)
    return (stride, padding) if stride and padding else None


def check_spread(table: Table, channels: int | None) -> Spread | None:
    """Groups and dilation of a convolution of ``channels`` outputs; None after a problem."""
    groups = table.integer("groups", 1, MAX_GROUPS) if table.has("groups") else 1
    dilation = table.pair("dilation", 1, MAX_KERNEL, 1)
    if groups is None or dilation is None:
        return None
    if channels is not None and channels % groups:
        table.problem("groups", f"must divide the {channels} channels out, not be {groups}")
        return None
    return Spread(groups, dilation)


def check_map(table: Table, weight: tuple[int, ...], geometry: Geometry, spread: Spread,
              incoming: Incoming) -> Shape | None:
    """The shape that a convolution gives, None if it does not fit what comes in.

    weight : (channels out, channels in / groups, kernel height, kernel width)
    """
    if incoming.feed is None:
        return None
    stride, padding = geometry
    source, kernel = incoming.feed.shape, spread.shape(weight)[2:]
    if weight[1] * spread.groups != source.channels:
        read = f"{source.channels}{f' / {spread.groups}' if spread.groups > 1 else ''}"
        why = ("; a depthwise convolution has groups of one channel, give `groups`"
               if weight[1] == 1 and spread.groups == 1 else "")
        table.problem("weight", f"must be (channels out, {read}, height, width) because "
                                f"{incoming.producer} gives {sides(source)}, not shape "
                                f"{weight}{why}")
        return None
    if max(kernel) > MAX_KERNEL:
        table.problem("weight", f"must have a kernel with sides of at most {MAX_KERNEL}, not "
                                f"{kernel[0]} x {kernel[1]}")
        return None
    if max(source.height, source.width) > MAX_SIDE:
        table.problem("weight", f"must stand on a map with sides of at most {MAX_SIDE}, and "
                                f"{incoming.producer} gives {sides(source)}")
        return None
    if padding[0] >= kernel[0] or padding[1] >= kernel[1]:
        table.problem("padding", f"must be less than the kernel's sides, {kernel[0]} x {kernel[1]}"
                                 f", not {list(padding)}: the border would hold outputs without "
                                 "an input")
        return None
    padded = source.height + 2 * padding[0], source.width + 2 * padding[1]
    if kernel[0] > padded[0] or kernel[1] > padded[1]:
        table.problem("weight", f"must have a kernel that fits the padded map, {padded[0]} x "
                                f"{padded[1]}, not {kernel[0]} x {kernel[1]}; {incoming.producer} "
                                f"gives {sides(source)}")
        return None
    output = Shape(weight[0], *((across - side) // step + 1 for across, side, step in zip(
        padded, kernel, stride, strict=True)))
    if output.size > MAX_NEURONS:
        table.problem("weight", f"must give at most {MAX_NEURONS} neurons, not {sides(output)}; "
                                "use a stride or pooling")
        return None
    return output
