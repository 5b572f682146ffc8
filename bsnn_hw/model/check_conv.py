"""What only a convolution has: stride and padding, and a kernel that must fit its map."""

from __future__ import annotations

from bsnn_hw.model.check_feed import MAX_KERNEL, MAX_SIDE, Incoming, sides
from bsnn_hw.model.description import Shape
from bsnn_hw.model.values import Table, equals, shown

__all__ = ["MAX_NEURONS", "Geometry", "check_geometry", "check_map"]

MAX_NEURONS = 1 << 24  # of one layer: a small file can ask for a huge map

# Stride and padding, each (vertical, horizontal).
Geometry = tuple[tuple[int, int], tuple[int, int]]

ONLY_ONE = {
    "groups": "grouped and depthwise convolutions are not supported, an output channel reads all "
              "channels that come in; use a full or a 1x1 convolution",
    "dilation": "a kernel's places lie side by side; use a larger kernel",
}


def check_geometry(table: Table) -> Geometry | None:
    """Stride and padding; None after a problem."""
    for key, why in ONLY_ONE.items():
        if table.has(key) and not _is_one(table.raw(key)):
            table.problem(key, f"must be 1 or absent, not {shown(table.raw(key))}: {why}")
    stride = table.pair("stride", 1, MAX_KERNEL, 1)
    if isinstance(table.raw("padding"), str):
        table.problem("padding", "must be an integer or two, [vertical, horizontal], not "
                                 f"{shown(table.raw('padding'))}; 'valid' is 0, 'same' is "
                                 "(k - 1) / 2 for an odd kernel side k")
        return None
    padding = table.pair("padding", 0, MAX_KERNEL - 1, 0)
    return (stride, padding) if stride and padding else None


def _is_one(value: object) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return 0 < len(values) <= 2 and all(equals(item, 1) for item in values)


def check_map(table: Table, weight: tuple[int, ...], geometry: Geometry, incoming: Incoming
              ) -> Shape | None:
    """The shape that a convolution gives, None if it does not fit what comes in.

    weight : (channels out, channels in, kernel height, kernel width)
    """
    if incoming.feed is None:
        return None
    stride, padding = geometry
    source, kernel = incoming.feed.shape, weight[2:]
    if weight[1] != source.channels:
        why = ("; depthwise convolutions are not supported, use a full or a 1x1 one"
               if weight[1] == 1 else "")
        if not _is_grouped(table):
            table.problem("weight", f"must be (channels out, {source.channels}, height, width) "
                                    f"because {incoming.producer} gives {sides(source)}, not shape "
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


def _is_grouped(table: Table) -> bool:
    """Whether groups have been refused, which explains the weight's shape."""
    return table.has("groups") and not _is_one(table.raw("groups"))
