"""Pooling of a layer's words on their way to another: what is built, and what it takes."""

from __future__ import annotations

from bsnn_hw.devices.parts import Parts, bits_of
from bsnn_hw.engines.costs import placed_bits
from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.state import StateRows

__all__ = ["POOLING_DELAY", "cropped", "gathers", "pooling_parts"]

POOLING_DELAY = 2  # cycles from a word to what becomes of it


def gathers(pool: Pool | None) -> bool:
    """Whether pooling gives one word for a window of them."""
    return (pool is not None and pool.kind is PoolKind.MAX
            and (not pool.tiles or (pool.height, pool.width) != (1, 1)))


def cropped(pool: Pool | None, whole: Shape) -> Shape | None:
    """The part of the map that the windows cover, None where that is all of it."""
    if pool is None or not pool.tiles or pool.used(whole) == whole:
        return None
    return pool.used(whole)


def pooling_parts(whole: Raster, source: Raster, pool: Pool | None) -> Parts:
    """hdl/pooling.py: counters of where a word belongs, and a line of windows; where windows leave
    a rest, hdl/map_crop.py before it, and where they overlap hdl/window_pool.py.

    whole, source : before and behind the pooling
    """
    positions = placed_bits(source)
    counted = bits_of(whole.rows)
    if pool is not None and not pool.tiles:
        down, across = pool.open
        line = StateRows(source.folds, source.width * across, False)
        windows = StateRows(source.shape.width * source.folds, source.width * down, False)
        kept = source.width * (down + across)
        return (Parts.adders(counted, 2) + Parts.logic(2 * (counted + positions) + 3 * kept)
                + Parts.delays(source.width * 2 + 2 * positions + 4 * counted)
                + Parts(memories=(*line.memories(), *windows.memories())))
    crop = (Parts() if cropped(pool, whole.shape) is None else
            Parts.adders(counted, 2) + Parts.logic(2 * counted, 2 * counted))
    return crop + _tile_parts(source, pool, positions)


def _tile_parts(source: Raster, pool: Pool | None, positions: float) -> Parts:
    """hdl/pooling.py; a word's row is counted only where words are gathered, and goes nowhere."""
    told = positions - max(1, bits_of(source.rows))
    counted = positions if gathers(pool) else told
    parts = (Parts.adders(counted / 3, 4) + Parts.logic(counted, counted)
             + Parts.delays(2 * (source.width + told + 2)))
    if not gathers(pool):
        return parts
    line = StateRows(source.shape.width * source.folds, source.width, False)
    return parts + Parts.logic(2 * source.width) + Parts(memories=line.memories())
