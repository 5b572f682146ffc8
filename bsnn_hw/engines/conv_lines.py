"""How a convolution is laid out whose events reach all output places of a line at once.

Place ``(oy, ox)`` belongs to bank ``ox % places``.  An event reaches ``places`` neighbours of a
line at most, so each is in a bank of its own, with sums, adders and weights of its own, and one
cycle charges them all.  An event takes a cycle for each line and fold; the neurons step place by
place as before, and take the sums of one bank at a time.  Rows and taps of a bank are numbers side
by side, which no adder joins::

    row = {oy, ox // places, fold}        tap = {ty, tx, fold}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, bits_of
from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.ir.network import Conv, Shape, Synapse
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan

__all__ = ["ConvLines"]


@dataclass(frozen=True)
class ConvLines(ConvEvents):
    """As `ConvEvents`, see the module's text.

    places : int, 2 or more: the most that an event reaches in a line
    """

    places: int = field(default=2, kw_only=True)

    many_places: ClassVar = True

    @classmethod
    def of(cls, synapse: Synapse, source: Raster, plan: LayerPlan) -> ConvLines:
        """The layer laid out."""
        assert isinstance(synapse, Conv)
        return cls(source, synapse.shape, synapse.kernel, synapse.stride, synapse.padding,
                   plan.lanes, plan.parallel, plan.shared, places=plan.places)

    @property
    def plan(self) -> LayerPlan:
        """The plan that leads here."""
        return LayerPlan(self.lanes, self.parallel, self.shared, self.takes, places=self.places)

    @property
    def column_bits(self) -> int:
        """Bits of a column's number in a bank."""
        return (-(-self.out.width // self.places) - 1).bit_length()

    @property
    def tap_bits(self) -> tuple[int, int]:
        """Bits of a kernel line's and of a kernel column's number."""
        return (self.kernel[0] - 1).bit_length(), (self.kernel[1] - 1).bit_length()

    @property
    def sums_raster(self) -> Raster:
        """Order of a bank's sums, with numbers that are not used."""
        shape = Shape(self.parallel << self.fold_bits, self.out.height, 1 << self.column_bits)
        return Raster(shape, self.parallel)

    @property
    def taps(self) -> int:
        """Weight words of one input channel, and numbers that are not used."""
        return self.kernel[0] << self.tap_bits[1] + self.fold_bits

    @property
    def walked(self) -> np.ndarray:
        """Lines that an event reaches."""
        found: np.ndarray = np.multiply.outer(self.vertical.count,
                                              np.minimum(self.horizontal.count, 1))
        return found

    def columns(self, x: int) -> list[tuple[int, int] | None]:
        """Of each bank the (column, turned kernel column) that an event at ``x`` reaches."""
        axis = self.horizontal
        found: list[tuple[int, int] | None] = [None] * self.places
        for number in range(int(axis.count[x])):
            column, bank = divmod(int(axis.first[x]) + number, self.places)
            found[bank] = column, int(axis.tap[x]) + number * self.stride[1]
        return found

    def _spaced(self, taps: np.ndarray) -> np.ndarray:
        _, _, width, folds, *_ = taps.shape
        more = (1 << self.tap_bits[1]) - width, (1 << self.fold_bits) - folds
        return np.pad(taps, [(0, 0), (0, 0), (0, more[0]), (0, more[1]), (0, 0), (0, 0)])

    def walk_key(self) -> tuple[Any, ...]:
        """As in `Geometry`."""
        return *super().walk_key(), self.places

    # What it is made of.

    def walk_parts(self) -> Parts:
        """hdl/line_walk.py: counters of rows, lines and folds, and of each bank's column."""
        counted = sum(map(bits_of, (self.raster.rows, self.folds, self.out.height,
                                    self.kernel[0], self.out.height)))
        held = self.places * (self.column_bits + self.tap_bits[1] + 1)
        return (Parts.adders(counted / 5, 5) + Parts.adders(self.column_bits, self.places)
                + Parts.logic(counted + held, counted + held))

    def lookup_parts(self, value_bits: int) -> Parts:
        """hdl/line_lookup.py: a table per axis."""
        shape, line, tap = self.source.shape, bits_of(self.out.height), self.tap_bits
        down = line + tap[0] + bits_of(int(self.vertical.count.max(initial=1))) + 1
        right = self.places * (self.column_bits + tap[1] + 1) + 1
        tables = tuple(Memory(side, bits, Access.TABLE) for side, bits in
                       ((shape.height, down), (shape.width, right)))
        held = self.lanes * (max(1, self.row_bits) + value_bits)
        return (Parts.delays(2 * held + sum(self.position_bits) + 8) + Parts.logic(10, 0)
                + Parts.delays(down + right) + Parts(memories=tables) + Parts.path("reach"))
