"""Raster order of a feature map: position after position, each in rows of neighbouring channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Shape

__all__ = ["Raster", "pack_words"]


@dataclass(frozen=True)
class Raster:
    """A map cut into rows of ``width`` channels at one position, line by line.

    Neuron (c, y, x) is position ``c % width`` of the row ``(y * shape.width + x) * folds + fold``
    with ``fold = c // width``.  State memories and spike words have this order; the last fold may
    not be full.

    shape : Shape
    width : int, 1 or more
    bits : int, of what stands at a bit of a row: 1 of spikes, more of values at the input
    """

    shape: Shape
    width: int
    bits: int = 1

    @property
    def folds(self) -> int:
        """Rows of one place."""
        return -(-self.shape.channels // self.width)

    @property
    def rows(self) -> int:
        """Rows of the map."""
        return self.shape.positions * self.folds

    def locate(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row, and bit of it, of the neurons ``index``, counted as (c, y, x)."""
        channel, position = np.divmod(np.asarray(index), self.shape.positions)
        fold, bit = np.divmod(channel, self.width)
        return position * self.folds + fold, bit

    def by_neuron(self, values: np.ndarray) -> np.ndarray:
        """``values`` (..., rows, width), in raster order, as (..., neurons)."""
        *outer, _, _ = values.shape
        places = values.reshape(*outer, self.shape.positions, self.folds * self.width)
        channels = np.swapaxes(places, -1, -2)[..., : self.shape.channels, :]
        return channels.reshape(*outer, self.shape.size)


def pack_words(rows: np.ndarray, weight_bits: int = 1) -> list[int]:
    """Rows of weights as words of a memory, the first position lowest.

    rows : int8 (rows, width), 0 where there is no weight
    weight_bits : 1, a bit says whether the weight is +1, or 2..8, two's complement
    """
    if weight_bits == 1:
        rows = np.packbits(rows > 0, axis=-1, bitorder="little")
    elif weight_bits < 8:
        bits = np.unpackbits(rows.astype(np.int8).view(np.uint8)[..., None], axis=-1,
                             count=weight_bits, bitorder="little")
        rows = np.packbits(bits.reshape(len(rows), -1), axis=-1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
