"""A walk that reaches all output places of a line at once; as engines/conv_lines.py says."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import index_width
from bsnn_hw.hdl.walk import count_folds

__all__ = ["LineWalk", "line_reach", "places_layout"]


def line_reach(geometry: ConvLines) -> data.StructLayout:
    """What an event reaches: its first line with its kernel line, how many lines follow, and of
    each bank whether it has a place in these lines, in which column and with which kernel
    column."""
    column = data.StructLayout({"column": geometry.column_bits, "tap": geometry.tap_bits[1],
                                "active": 1})
    return data.StructLayout({
        "line": index_width(geometry.out.height), "tap": geometry.tap_bits[0],
        "lines": index_width(int(geometry.vertical.count.max())),
        "places": data.ArrayLayout(column, geometry.places)})


def places_layout(geometry: ConvLines) -> data.ArrayLayout:
    """Of each bank the row and the tap of its place, and whether it has one."""
    return data.ArrayLayout(data.StructLayout({
        "row": index_width(geometry.sums_raster.rows), "tap": index_width(geometry.taps),
        "active": 1}), geometry.places)


class LineWalk(wiring.Component):
    """The walk of a convolution with a bank for each neighbour of a line: a line, and fold, a
    cycle.  A step's walk goes from place to place, each in the next bank.

    Parameters
    ----------
    geometry : ConvLines

    Members
    -------
    load, advance, whole, fold, last : as in `FoldWalk`
    reach : In, ``line_reach``, of the walk that starts
    row : Out, of the neurons, in a step's walk
    places : Out, ``places_layout``
    """

    def __init__(self, geometry: ConvLines):
        require_instance(ConvLines, geometry=geometry)
        self._geometry = geometry
        self.folds = geometry.folds
        self.rows = geometry.raster.rows
        super().__init__({
            "load": In(1),
            "advance": In(1),
            "whole": In(1),
            "reach": In(line_reach(geometry)),
            "row": Out(index_width(self.rows)),
            "fold": Out(index_width(self.folds)),
            "places": Out(places_layout(geometry)),
            "last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        geometry, reach = self._geometry, self.reach
        place_ends = count_folds(m, self)

        # Lines still to come; a reset starts with a walk over everything.
        height = geometry.out.height
        stepping = Signal(init=1)
        lines = Signal(range(max(2, height)), init=height - 1)
        line = Signal.like(reach.line)
        tap = Signal.like(reach.tap)
        active = Signal(geometry.places, init=1)
        columns = [Signal(geometry.column_bits, name=f"column_{bank}")
                   for bank in range(geometry.places)]
        taps = [Signal(geometry.tap_bits[1], name=f"tap_{bank}") for bank in range(geometry.places)]
        column, bank = divmod(geometry.out.width - 1, geometry.places)
        line_ends = Signal()
        m.d.comb += [
            line_ends.eq(~stepping | active[bank] & (columns[bank] == column)),
            self.last.eq(place_ends & line_ends & (lines == 0)),
        ]
        with m.If(self.load):
            m.d.sync += [
                self.row.eq(0),
                stepping.eq(self.whole),
                lines.eq(Mux(self.whole, height - 1, reach.lines)),
                line.eq(Mux(self.whole, 0, reach.line)),
                tap.eq(reach.tap),
                active.eq(Mux(self.whole, 1, Cat(each.active for each in reach.places))),
            ]
            for number, each in enumerate(reach.places):
                m.d.sync += [columns[number].eq(Mux(self.whole, 0, each.column)),
                             taps[number].eq(each.tap)]
        with m.Elif(self.advance):
            m.d.sync += self.row.eq(self.row + 1)
            with m.If(place_ends & line_ends):
                m.d.sync += [lines.eq(lines - 1), line.eq(line + 1),
                             tap.eq(tap + geometry.stride[0])]
            with m.If(place_ends & stepping):
                m.d.sync += active.eq(Mux(line_ends, 1, active.rotate_left(1)))
                for each in columns:
                    m.d.sync += each.eq(Mux(line_ends, 0, each + active[-1]))
        for number, place in enumerate(self.places):
            fold = self.fold[:geometry.fold_bits]
            m.d.comb += [
                place.row.eq(Cat(fold, columns[number], line)),
                place.tap.eq(Cat(fold, taps[number], tap)),
                place.active.eq(active[number]),
            ]
        return m
