"""Rows of spikes are cut into words; parts without a spike are left out."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import event_group, index_width
from bsnn_hw.hdl.priority import take_lowest

__all__ = ["RowParts"]


class RowParts(wiring.Component):
    """Gives a row's parts that have spikes, the lowest first; a word a cycle, also across rows.

    The last word of a timestep carries the mark; a last row without spikes becomes a lone mark.

    Parameters
    ----------
    geometry : DenseWords, rows of 2 parts or more

    Members
    -------
    rows : In stream of {spikes, row, last}; a row must carry a spike or be the last
    groups : Out stream of ``event_group``
    """

    def __init__(self, geometry: DenseWords):
        require_instance(DenseWords, geometry=geometry)
        if geometry.parts < 2:
            raise ValueError(f"geometry must have rows of 2 parts or more, not {geometry.parts}")
        self._geometry = geometry
        row = data.StructLayout({"spikes": geometry.source_width,
                                 "row": index_width(geometry.source.rows), "last": 1})
        group = event_group(lanes=geometry.lanes, row_width=index_width(geometry.rows),
                            value_width=1, row_count=1)
        super().__init__({
            "rows": In(stream.Signature(row)),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        geometry, row, group = self._geometry, self.rows.payload, self.groups.payload

        def parts(spikes):
            return [spikes[start:start + geometry.lanes]
                    for start in range(0, geometry.source_width, geometry.lanes)]

        # The row in work: its spikes, and which of its parts are not yet sent.
        spikes = Signal(geometry.source_width, reset_less=True)
        pending = Signal(geometry.parts)
        number = Signal.like(row.row)
        last = Signal()
        busy = Signal()

        lowest, rest, more = take_lowest(m, "lowest", pending)
        finished = Signal()
        send = Signal()
        m.d.comb += [finished.eq(~more), send.eq(~self.groups.valid | self.groups.ready)]
        with m.If(send):
            m.d.sync += [
                self.groups.valid.eq(busy),
                group.rows[0].eq(Cat(lowest, number)),
                group.values.eq(Array(parts(spikes))[lowest]),
                group.charge.eq(pending != 0),
                group.mark.eq(last & finished),
                pending.eq(rest),
            ]

        m.d.comb += self.rows.ready.eq(~busy | (send & finished))
        with m.If(self.rows.ready):
            m.d.sync += [
                busy.eq(self.rows.valid),
                spikes.eq(row.spikes),
                pending.eq(Cat(part.any() for part in parts(row.spikes))),
                number.eq(row.row),
                last.eq(row.last),
            ]
        return m
