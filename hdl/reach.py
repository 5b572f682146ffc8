"""Where an event's walk starts and how far it goes, looked up by its place."""

from __future__ import annotations

import numpy as np
from amaranth import Array, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.formats import event_group, rom_attributes
from bsnn_hw.hdl.map_encoder import placed_group
from bsnn_hw.hdl.walk import reach_layout

__all__ = ["ReachLookup"]


class ReachLookup(wiring.Component):
    """Replaces a group's place by its reach; two cycles, a group a cycle.

    A table per axis holds first row, first tap and count; rows and taps of both are added.  A
    group that reaches nothing, as the stride passes over it, is no event: it is dropped, or a lone
    mark.  Where the input's channels have factors, a value comes out times that of its channel.

    Parameters
    ----------
    geometry : ConvEvents
    value_width : int, bits of an event's value
    factors : of each channel, 1 or more; empty where values come out as they are

    Members
    -------
    placed : In stream of ``placed_group``
    groups : Out stream of ``event_group`` with ``reach``
    """

    def __init__(self, geometry: ConvEvents, *, value_width: int, factors: tuple[int, ...] = ()):
        require_instance(ConvEvents, geometry=geometry)
        require_positive(value_width=value_width)
        if factors and (len(factors) != geometry.source.shape.channels or min(factors) < 1):
            raise ValueError(f"factors must be {geometry.source.shape.channels} numbers of 1 or "
                             f"more, not {factors!r}")
        self._geometry = geometry
        self._factors = factors
        largest = ((1 << value_width) - 1) * max(factors, default=1)
        group = event_group(lanes=geometry.lanes, row_width=max(1, geometry.row_bits),
                            value_width=largest.bit_length(), reach=self._layout(geometry))
        super().__init__({
            "placed": In(stream.Signature(placed_group(geometry, value_width))),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        geometry, placed, group = self._geometry, self.placed.payload, self.groups.payload

        # One cycle to look up, one to add.
        looks = Signal()
        adds = Signal()
        waiting = Signal.like(placed)
        waits = Signal()
        m.d.comb += [
            adds.eq(~self.groups.valid | self.groups.ready),
            looks.eq(~waits | adds),
            self.placed.ready.eq(looks),
        ]
        with m.If(looks):
            m.d.sync += [waits.eq(self.placed.valid), waiting.eq(placed)]
        line, column = self._tables(m, geometry, looks)

        given = group.values.eq(waiting.values)
        if self._factors:
            given = [to.eq(value) for to, value in zip(
                group.values, self._products(m, placed.rows, looks, waiting.values), strict=True)]
        charge = Signal()
        m.d.comb += charge.eq(waiting.charge & ~line.nothing & ~column.nothing)
        with m.If(adds):
            m.d.sync += [
                self.groups.valid.eq(waits & (charge | waiting.mark)),
                group.rows.eq(waiting.rows),
                given,
                group.charge.eq(charge),
                group.mark.eq(waiting.mark),
                *self._reached(group.reach, line, column),
            ]
        return m

    def _products(self, m, rows, enable, values):
        """Each lane's value times the factor of its channel."""
        geometry = self._geometry
        channels = np.arange(geometry.source.shape.channels)
        banks, numbers = geometry.lane_row(channels * geometry.source.shape.positions)
        found = []
        for lane, value in enumerate(values):
            table = [1] * (1 << geometry.row_bits)
            for channel in channels[banks == lane % geometry.banks]:
                table[numbers[channel]] = self._factors[channel]
            factor = Signal(range(max(self._factors) + 1), name=f"factor_{lane}")
            with m.If(enable):
                m.d.sync += factor.eq(Array(table)[rows[lane][:geometry.row_bits]])
            found.append(value * factor)
        return found

    @staticmethod
    def _layout(geometry):
        """Of what a group reaches."""
        return reach_layout(geometry)

    def _tables(self, m, geometry, looks):
        """What an event's line and its column reach, a cycle after ``looks``."""
        place, reach = self.placed.payload.place, reach_layout(geometry)
        folds, own = geometry.folds, geometry.event_folds
        line = self._axis(m, "lines", geometry.vertical, looks, place.y,
                          row=geometry.out.width * folds, tap=geometry.kernel[1] * own,
                          count=reach["lines"].shape, layout=reach)
        column = self._axis(m, "columns", geometry.horizontal, looks, place.x,
                            row=folds, tap=own, count=reach["columns"].shape, layout=reach)
        return line, column

    def _reached(self, reach, line, column):
        """Statements that make ``reach`` of both."""
        return [
            reach.row.eq(line.row + column.row),
            reach.tap.eq(line.tap + column.tap),
            reach.lines.eq(line.more),
            reach.columns.eq(column.more),
        ]

    def _axis(self, m, name, axis, enable, place, *, row, tap, count, layout):
        """One axis's reach at ``place``, in units of rows and taps, a cycle after ``enable``."""
        shape = data.StructLayout({"row": layout["row"].shape, "tap": layout["tap"].shape,
                                   "more": count, "nothing": 1})
        entries = [{"row": int(first) * row, "tap": int(at) * tap, "more": int(number) - 1,
                    "nothing": 0} if number else {"nothing": 1}
                   for first, number, at in zip(axis.first, axis.count, axis.tap, strict=True)]
        return self._table(m, name, shape, entries, enable, place)

    def _table(self, m, name, shape, entries, enable, place):
        """The entry at ``place``, a cycle after ``enable``."""
        m.submodules[name] = table = memory.Memory(shape=shape, depth=len(entries), init=entries,
                                                   attrs=rom_attributes(0))
        read = table.read_port()
        m.d.comb += [read.addr.eq(place), read.en.eq(enable)]
        return read.data
