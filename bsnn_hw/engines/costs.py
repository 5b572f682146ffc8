"""The parts of components that several engines have, from the widths that they are built with."""

from __future__ import annotations

from bsnn_hw.devices.parts import Parts, bits_of
from bsnn_hw.ir.raster import Raster

__all__ = ["collector_parts", "encoder_parts", "placed_bits"]

CHUNK = 8  # bits among which hdl/priority.py finds the lowest at a time


def encoder_parts(slots: int, number: int) -> Parts:
    """hdl/encoder.py and hdl/priority.py: one lane's word in work.

    number : bits of the word's number
    """
    chunks = -(-slots // CHUNK)
    return (Parts.logic(2.5 * slots + 3 * chunks + 6, slots + 2) + Parts.delays(number + 1)
            + (Parts.adders(min(slots, CHUNK), chunks) if slots > 1 else Parts()))


def collector_parts(lanes: int, row: float) -> Parts:
    """hdl/collector.py, ``row`` bits of an event kept per lane."""
    return Parts.logic(5 * lanes + 8, lanes + 1 + bits_of(lanes)) + Parts.delays(lanes * row)


def placed_bits(raster: Raster) -> int:
    """Bits of a placed word's row, position and fold."""
    shape = raster.shape
    return sum(max(1, bits_of(count)) for count in
               (raster.rows, shape.height, shape.width, raster.folds))
