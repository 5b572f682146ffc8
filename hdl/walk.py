"""Which rows an operation visits, and by which weights; as engines/conv_events.py says."""

from __future__ import annotations

from amaranth import Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import index_width

__all__ = ["FoldWalk", "MapWalk", "count_folds", "reach_layout"]


def reach_layout(geometry: ConvEvents) -> data.StructLayout:
    """What an event of a convolution reaches: the first row and tap, and how many columns and
    lines of positions follow the first."""
    return data.StructLayout(dict(zip(("row", "tap", "columns", "lines"), geometry.reach_bits,
                                      strict=True)))


class FoldWalk(wiring.Component):
    """The walk of a fully connected layer: over all folds, which are its rows and its taps.

    Parameters
    ----------
    folds : int, 1 or more

    Members
    -------
    load : In, a walk starts in the next cycle; advance : In, else the next row follows
    whole : In, the walk that starts is a step's
    row, fold, tap : Out; last : Out, the walk ends here
    """

    def __init__(self, folds: int):
        require_positive(folds=folds)
        self.folds = self.rows = folds
        super().__init__({
            "load": In(1),
            "advance": In(1),
            "whole": In(1),
            "row": Out(index_width(folds)),
            "fold": Out(index_width(folds)),
            "tap": Out(index_width(folds)),
            "last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.row.eq(self.fold),
            self.tap.eq(self.fold),
            self.last.eq(count_folds(m, self)),
        ]
        return m


class MapWalk(wiring.Component):
    """The walk of a convolution: over the places that an event reaches, at each all folds.

    A row a cycle, also from one line, and from one walk, to the next.  A step's walk is one line
    of all places.

    Parameters
    ----------
    geometry : ConvEvents

    Members
    -------
    load, advance, whole, row, fold, tap, last : as in `FoldWalk`
    reach : In, ``reach_layout``, of the walk that starts
    """

    def __init__(self, geometry: ConvEvents):
        require_instance(ConvEvents, geometry=geometry)
        self._geometry = geometry
        self.folds = geometry.folds
        self.rows = geometry.raster.rows
        reach = self._reach(geometry)
        super().__init__({
            "load": In(1),
            "advance": In(1),
            "whole": In(1),
            "reach": In(reach),
            "row": Out(reach["row"].shape),
            "fold": Out(index_width(self.folds)),
            "tap": Out(reach["tap"].shape),
            "last": Out(1),
        })

    def _reach(self, geometry):
        return reach_layout(geometry)

    def elaborate(self, platform):
        m = Module()
        geometry, folds, reach = self._geometry, self.folds, self.reach
        places = geometry.out.positions
        next_place = 1 + (geometry.stride[1] - 1) * folds  # of the tap, from its last fold
        next_line = geometry.stride[0] * geometry.kernel[1] * folds

        # Positions and lines still to come; a reset starts with a walk over everything.
        columns = Signal(range(places), init=places - 1)
        lines = Signal.like(reach.lines)
        line_columns = Signal.like(reach.columns)
        line_row = Signal.like(self.row)  # where the next line starts
        line_tap = Signal.like(self.tap)
        place_ends = count_folds(m, self)
        m.d.comb += self.last.eq(place_ends & (columns == 0) & (lines == 0))
        with m.If(self.load):
            m.d.sync += [
                self.row.eq(reach.row),
                self.tap.eq(reach.tap),
                columns.eq(reach.columns),
                lines.eq(reach.lines),
                line_columns.eq(reach.columns),
                line_row.eq(reach.row + geometry.out.width * folds),
                line_tap.eq(reach.tap + next_line),
            ]
            with m.If(self.whole):
                m.d.sync += [self.row.eq(0), columns.eq(places - 1), lines.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [self.row.eq(self.row + 1), self.tap.eq(self.tap + 1)]
            with m.If(place_ends):
                m.d.sync += [self.tap.eq(self.tap + next_place), columns.eq(columns - 1)]
            with m.If(place_ends & (columns == 0)):
                m.d.sync += [
                    self.row.eq(line_row),
                    self.tap.eq(line_tap),
                    columns.eq(line_columns),
                    lines.eq(lines - 1),
                    line_row.eq(line_row + geometry.out.width * folds),
                    line_tap.eq(line_tap + next_line),
                ]
        return m


def count_folds(m, walk):
    """Count ``walk.fold`` round and round; returns whether it is the last, known a cycle before,
    as what a layer takes next hangs on it."""
    if walk.folds == 1:
        return Const(1)
    ends = Signal(name="fold_ends")
    with m.If(walk.load | walk.advance & ends):
        m.d.sync += [walk.fold.eq(0), ends.eq(0)]
    with m.Elif(walk.advance):
        m.d.sync += [walk.fold.eq(walk.fold + 1), ends.eq(walk.fold == walk.folds - 2)]
    return ends
