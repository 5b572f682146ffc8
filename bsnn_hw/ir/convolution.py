"""How a convolution is laid out: which rows an event at a place reaches, and by which weights.

An event at place (y, x) walks over the output places that its pixel reaches, line by line, and at
each over the folds.  Outputs and kernel run in opposite directions, so weights are stored with the
kernel turned by 180 degrees: then row and tap both only count up.

    row = (oy * out.width + ox) * folds + fold           of the state memories
    tap = (ty * kernel width + tx) * folds + fold        ty = kernel height - 1 - ky, tx likewise

A weight bank holds at ``{tap, channel}`` the weights of ``parallel`` output channels, where
``channel = {fold of the source, slot}`` is the input channel's number within the bank.  Per axis, a
table says for each input coordinate where the walk starts and how long it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster, pack_words

__all__ = ["AxisReach", "ConvGeometry"]


@dataclass(frozen=True)
class AxisReach:
    """Along one axis, for each input coordinate, the output coordinates that it reaches.

    first : int (side,), the lowest one; count : int (side,), how many, 0 or more
    tap : int (side,), turned kernel coordinate at ``first``; it grows by the stride per output
    """

    first: np.ndarray
    count: np.ndarray
    tap: np.ndarray


def _axis(side: int, outputs: int, kernel: int, stride: int, padding: int) -> AxisReach:
    place = np.arange(side) + padding
    first = np.maximum(0, -((kernel - 1 - place) // stride))
    last = np.minimum(outputs - 1, place // stride)
    return AxisReach(first, np.maximum(0, last - first + 1), kernel - 1 - (place - first * stride))


@dataclass(frozen=True)
class ConvGeometry:
    """Counts and address maps of one convolution, see the module's text.

    source : Raster of the words that come in, pooled
    out : Shape of the output map
    kernel, stride, padding : (vertical, horizontal)
    lanes : int, 1..source width: events of one place that are taken per cycle
    parallel : int, 1..output channels
    shared : bool, every lane takes any event, as in `LayerPlan`
    """

    source: Raster
    out: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    lanes: int
    parallel: int
    shared: bool = False

    @property
    def raster(self) -> Raster:
        """Order of the layer's own neurons."""
        return Raster(self.out, self.parallel)

    @property
    def neurons(self) -> int:
        """Neurons of the map."""
        return self.out.size

    @property
    def inputs(self) -> int:
        """Inputs of the layer."""
        return self.source.shape.size

    @property
    def source_width(self) -> int:
        """Inputs of one word."""
        return self.source.width

    @property
    def banks(self) -> int:
        """Lanes that the input channels are divided among."""
        return 1 if self.shared else self.lanes

    @property
    def folds(self) -> int:
        """Cycles at one output place."""
        return self.raster.folds

    @property
    def slots(self) -> int:
        """Input channels of one word that share a bank, at most."""
        return -(-self.source_width // self.banks)

    @property
    def slot_bits(self) -> int:
        """Bits of a slot's number in a channel's."""
        return (self.slots - 1).bit_length()

    @property
    def rows(self) -> int:
        """Input channels of one weight bank, and unused numbers among them."""
        return self.source.folds << self.slot_bits

    @property
    def row_bits(self) -> int:
        """Bits of an input channel's number in an address."""
        return (self.rows - 1).bit_length()

    @property
    def taps(self) -> int:
        """Weight words of one input channel."""
        return self.kernel[0] * self.kernel[1] * self.folds

    @property
    def depth(self) -> int:
        """Words of one weight bank, ``parallel`` bits each."""
        return self.taps << self.row_bits

    @property
    def vertical(self) -> AxisReach:
        """Reach of each input line."""
        return _axis(self.source.shape.height, self.out.height, self.kernel[0], self.stride[0],
                     self.padding[0])

    @property
    def horizontal(self) -> AxisReach:
        """Reach of each input column."""
        return _axis(self.source.shape.width, self.out.width, self.kernel[1], self.stride[1],
                     self.padding[1])

    @property
    def reach(self) -> np.ndarray:
        """Output places that an event reaches, int (height, width) of the input map."""
        return np.multiply.outer(self.vertical.count, self.horizontal.count)

    @property
    def place_bits(self) -> tuple[int, int]:
        """Bits of an input line's and of a column's number."""
        height, width = self.source.shape.height, self.source.shape.width
        return (height - 1).bit_length(), (width - 1).bit_length()

    @property
    def address_bits(self) -> int:
        """Bits of what ``lane_row`` gives, in an event at the network's input."""
        return max(1, sum(self.place_bits) + self.row_bits)

    def lane_row(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bank, which is the lane unless lanes are shared, and ``{y, x, channel}`` as a number, of
        the inputs ``index``."""
        row, bit = self.source.locate(index)
        place, fold = np.divmod(row, self.source.folds)
        y, x = np.divmod(place, self.source.shape.width)
        channel = (fold << self.slot_bits) + bit // self.banks
        return bit % self.banks, (((y << self.place_bits[1]) + x) << self.row_bits) + channel

    def bank_words(self, weights: np.ndarray, weight_bits: int = 1) -> list[list[int]]:
        """Weight banks, ``banks`` lists of ``depth`` integers, see ``raster.pack_words``.

        weights : int8 (output channels, input channels, kernel height, kernel width)
        """
        outputs, inputs, height, width = weights.shape
        padded = np.zeros((self.folds * self.parallel, inputs, height, width), np.int8)
        padded[:outputs] = weights[:, :, ::-1, ::-1]
        fold, bit = np.divmod(np.arange(inputs), self.source_width)
        channel = (fold << self.slot_bits) + bit // self.banks
        banks = np.zeros((self.banks, 1 << self.row_bits, height, width, self.folds,
                          self.parallel), np.int8)
        by_fold = padded.reshape(self.folds, self.parallel, inputs, height, width)
        banks[bit % self.banks, channel] = by_fold.transpose(2, 3, 4, 0, 1)
        flat = np.moveaxis(banks, 1, 4).reshape(self.banks, self.depth, self.parallel)
        return [pack_words(bank, weight_bits) for bank in flat]
