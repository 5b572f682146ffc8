"""Spike words of a map to an OR over windows that overlap; the reference is reference/pool.py."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import delayed, spike_word
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.hdl.pooling import placed_word
from bsnn_hw.ir.network import Pool
from bsnn_hw.ir.raster import Raster

__all__ = ["WindowPool"]


class WindowPool(wiring.Component):
    """Gives a window's word, with its place, once the window's last word is there; a word a cycle,
    no stalls.

    Windows end in raster order, one at most with a position, as the padding is less than the
    stride.  A position is in several windows that are open: of its line those across, and of its
    column those down.  Two memories keep what each of them has so far: per fold those of the line,
    and per column of windows those down.  What a window of the line has when it ends is added to
    these.

    Parameters
    ----------
    whole, pooled : Raster, of the words that come in and that go out
    pool : Pool

    Members
    -------
    words, words_valid : In, ``spike_word``, in the order of ``whole``
    placed, placed_valid : Out, ``placed_word``, POOLING_DELAY cycles later
    """

    def __init__(self, whole: Raster, pooled: Raster, pool: Pool):
        require_instance(Raster, whole=whole)
        require_instance(Raster, pooled=pooled)
        require_instance(Pool, pool=pool)
        self._pooled = pooled
        sides = zip((whole.shape.height, whole.shape.width),
                    (pooled.shape.height, pooled.shape.width),
                    (pool.height, pool.width), pool.stride, pool.padding, strict=True)
        self._down, self._across = (_Axis(*side) for side in sides)
        super().__init__({
            "words": In(spike_word(parallel=whole.width, rows=whole.rows)),
            "words_valid": In(1),
            "placed": Out(placed_word(pooled)),
            "placed_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        shape, folds = self._pooled.shape, self._pooled.folds
        fold, place_ends = _counted(m, "fold", folds, self.words_valid)
        across = self._across.at(m, "across", place_ends)
        down = self._down.at(m, "down", place_ends & across.last)
        in_line = self.words_valid & across.ends
        column, _ = _counted(m, "column", shape.width * folds, in_line)
        row, _ = _counted(m, "row", self._pooled.rows, in_line & down.ends)

        spikes = delayed(m, self.words.spikes, 1, "spikes", reset_less=True)
        line = self._joined(m, "line", folds, fold, self._across, across, spikes,
                            self.words_valid)
        window = self._joined(m, "map", shape.width * folds, column, self._down, down, line,
                              in_line)
        now = Signal(self.placed.shape(), name="now")
        m.d.comb += [
            now.row.eq(row),
            now.place.x.eq(across.window),
            now.place.y.eq(down.window),
            now.fold.eq(fold),
            now.last.eq(row == self._pooled.rows - 1),
        ]
        m.d.sync += [
            self.placed.eq(delayed(m, now, 1, "now", reset_less=True)),
            self.placed.spikes.eq(window),
            self.placed_valid.eq(delayed(m, in_line & down.ends, 1, "ends")),
        ]
        return m

    def _joined(self, m, name, rows, row, axis, at, spikes, valid):
        """The OR of the window that ends here, a cycle after its ``row`` of the memory is known and
        with its ``spikes``; what the others have that stay open is kept."""
        width = self._pooled.width
        m.submodules[name] = kept = StateMemory(rows=rows, width=width * axis.open)
        first, opens, last = (delayed(m, signal, 1, f"{name}_{what}", reset_less=True)
                              for what, signal in (("first", at.first), ("opens", at.opens),
                                                   ("last", at.last)))
        # The latest window first; at an axis' first position none has anything.
        windows = [spikes | Mux(first, 0, kept.read_data.word_select(number, width))
                   for number in range(axis.open)]
        m.d.comb += kept.write_enable.eq(delayed(m, valid, 1, f"{name}_valid"))
        if rows > 1:
            m.d.comb += [
                kept.read_row.eq(row),
                kept.write_row.eq(delayed(m, kept.read_row, 1, f"{name}_row", reset_less=True)),
            ]
        m.d.comb += [kept.write_data.word_select(number, width).eq(
            Mux(opens, windows[number - 1] if number else 0, windows[number]))
            for number in range(axis.open)]
        found = Signal(width, name=f"{name}_found")
        m.d.comb += found.eq(Mux(last, windows[axis.at_last], windows[-1]))
        return found


@dataclass(frozen=True)
class _At:
    """Where the coming word is along an axis.

    first, last : it is the axis' first or last position; opens : the next one is a window's first
    ends : a window ends here, number ``window``
    """

    first: Value
    last: Value
    opens: Value
    ends: Value
    window: Signal


class _Axis:
    """``count`` windows of ``size`` along ``side`` positions, each ``stride`` from the one before.

    open : int, windows that hold a position at most
    at_last : int, how many windows open behind the one that ends with the last position
    """

    def __init__(self, side, count, size, stride, padding):
        self._side, self._count, self._size = side, count, size
        self._stride, self._padding = stride, padding
        self.open = -(-size // stride)
        beyond = (count - 1) * stride - padding + size > side
        self._ends_beyond = beyond
        self.at_last = (side - 1 + padding) // stride - (count - 1) if beyond else self.open - 1

    def at(self, m, name, advance):
        """`_At` of the coming word; ``advance``: it is the last of its place."""
        place, _ = _counted(m, f"{name}_place", self._side, advance)
        phase = Signal(range(max(2, self._stride)), init=self._padding, name=f"{name}_phase")
        window = Signal(range(max(2, self._count + 1)), name=f"{name}_window")
        opens = phase == self._stride - 1
        ends = phase == (self._size - 1) % self._stride
        first_end = self._size - 1 - self._padding
        if first_end > 0:
            ends = ends & (place >= first_end)
        at_end = place == self._side - 1
        if self._ends_beyond:
            ends = ends | at_end
        with m.If(advance):
            m.d.sync += phase.eq(Mux(opens, 0, phase + 1))
            with m.If(ends):
                m.d.sync += window.eq(window + 1)
            with m.If(at_end):
                m.d.sync += [phase.eq(self._padding), window.eq(0)]
        return _At(place == 0, at_end, opens, ends, window)


def _counted(m, name, count, advance):
    """A counter of ``count`` that goes round and round, and whether it ends with this
    ``advance``."""
    if count == 1:
        return Const(0), advance
    counter = Signal(range(count), name=name)
    with m.If(advance):
        m.d.sync += counter.eq(Mux(counter == count - 1, 0, counter + 1))
    return counter, advance & (counter == count - 1)
