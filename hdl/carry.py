"""FIFO of a residual shortcut, past the layers between."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive
from bsnn_hw.hdl.queue import WordQueue

__all__ = ["CarryQueue"]


class CarryQueue(wiring.Component):
    """Keeps rows, currents or spikes, until the step of the layer that adds them.

    Parameters
    ----------
    layout : data.ArrayLayout, of a row
    rows : int, per timestep; depth : int, rows that it holds, a timestep and ``margin`` or more
    margin : int, rows that come in the cycle before ``room`` goes low and after

    Members
    -------
    row, write, last : In, a row is taken in each cycle with ``write``; ``last`` ends a timestep
    room : Out, from the cycle before on, more than ``margin`` rows could be taken
    head : Out, the row to be taken next; take : In
    whole : Out, a timestep that no step has started on is here; start : In, a step starts on it
    """

    def __init__(self, layout: data.ArrayLayout, *, rows: int, depth: int, margin: int):
        require_instance(data.ArrayLayout, layout=layout)
        require_positive(rows=rows, depth=depth, margin=margin)
        if depth < rows + margin:
            raise ValueError(f"depth must be {rows + margin} or more, a timestep and the margin, "
                             f"not {depth}")
        self._depth = depth
        self._most = self._depth // rows + 1  # one more may be in the queue's registers
        self._margin = margin
        super().__init__({
            "row": In(layout),
            "write": In(1),
            "last": In(1),
            "room": Out(1, init=1),
            "head": Out(layout),
            "take": In(1),
            "whole": Out(1),
            "start": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = WordQueue(self.row.shape(), depth=self._depth,
                                               margin=self._margin)
        m.d.comb += [
            queue.word.eq(self.row),
            queue.write.eq(self.write),
            self.head.eq(queue.words.payload),
            queue.words.ready.eq(self.take),
        ]
        m.d.sync += self.room.eq(queue.room)

        count = Signal(range(self._most + 1))
        m.d.comb += self.whole.eq(count != 0)
        m.d.sync += count.eq(count + (self.write & self.last) - self.start)
        return m
