"""FIFO with registered output and an almost-full flag, behind block RAM."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive

__all__ = ["WordQueue", "require_depth"]


def require_depth(depth: int, margin: int) -> None:
    """Raise ValueError unless a queue of ``depth`` entries can have ``margin``."""
    require_positive(depth=depth, margin=margin)
    # The queue's output register takes a cycle to fill, so two entries are not yet a queue.
    if depth < max(3, margin + 1):
        raise ValueError(f"depth must be {max(3, margin + 1)} or more for a margin of "
                         f"{margin}, not {depth}")


class WordQueue(wiring.Component):
    """A queue whose writer looks ahead: it never overflows if the writer heeds ``room``.

    Parameters
    ----------
    layout : data.StructLayout or ArrayLayout, of a word
    depth : int, words; margin : int, less than ``depth``
    pipelined : bool, a further register stands behind the one that follows block RAM

    Members
    -------
    word, write : In, a word is taken in each cycle with ``write``
    room : Out, more than ``margin`` words could be taken
    words : Out stream
    """

    def __init__(self, layout: data.Layout, *, depth: int, margin: int, pipelined: bool = False):
        require_instance(data.Layout, layout=layout)
        require_depth(depth, margin)
        self._layout = layout
        self._depth = depth
        self._margin = margin
        self._pipelined = pipelined
        super().__init__({
            "word": In(layout),
            "write": In(1),
            "room": Out(1),
            "words": Out(stream.Signature(layout)),
        })

    def elaborate(self, platform):
        m = Module()
        queue = fifo.SyncFIFOBuffered(width=self._layout.size, depth=self._depth)
        m.submodules.queue = queue
        waiting = Signal(self._layout, reset_less=True)
        waits = Signal()
        head, there, passes = self._registered(m, waiting, waits)
        m.d.comb += [
            queue.w_data.eq(self.word),
            queue.w_en.eq(self.write),
            self.room.eq(queue.level < self._depth - self._margin),
            # A queue in block RAM takes most of a cycle to show a word.
            queue.r_en.eq(~waits | passes),
            self.words.payload.eq(head),
            self.words.valid.eq(there),
        ]
        with m.If(queue.r_en):
            m.d.sync += [waiting.eq(queue.r_data), waits.eq(queue.r_rdy)]
        return m

    def _registered(self, m, waiting, waits):
        """The word behind the further register, whether it is there, and whether another may
        come; without one what is given."""
        if not self._pipelined:
            return waiting, waits, self.words.ready
        head = Signal(self._layout, reset_less=True)
        there = Signal()
        passes = Signal()
        m.d.comb += passes.eq(~there | self.words.ready)
        with m.If(passes):
            m.d.sync += [head.eq(waiting), there.eq(waits)]
        return head, there, passes
