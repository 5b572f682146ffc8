"""Proofs of pooling: a window's spikes, and its largest sum, are the reference's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from amaranth import Array, Cat, Mux, Signal, Value

from bsnn_hw.ir.network import Pool, PoolKind, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import CurrentPool
from bsnn_hw.reference.pool import largest_sums, pooled
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

WINDOW = (2, 2)


class _Walk:
    """Where the coming row of a map is, rows of all folds position by position.

    row, fold, x, y : Signal, each counts up with ``advance``
    ends : Value, it is the map's last
    """

    def __init__(self, h: Harness, shape: Shape, folds: int, advance: Value):
        self.row = Signal(range(shape.positions * folds), name="row")
        self.fold, self.x, self.y = (Signal(range(max(2, count)), name=name) for name, count in
                                     (("fold", folds), ("x", shape.width), ("y", shape.height)))
        self.ends = self.row == shape.positions * folds - 1
        counters, carry = ((self.fold, folds), (self.x, shape.width), (self.y, shape.height)), 1
        with h.m.If(advance):
            h.m.d.sync += self.row.eq(Mux(self.ends, 0, self.row + 1))
        for counter, count in counters:
            at_end = counter == count - 1
            with h.m.If(advance & carry):
                h.m.d.sync += counter.eq(Mux(at_end, 0, counter + 1))
            carry = carry & at_end


def _window(h: Harness, walk: _Walk, shape: Shape, folds: int, value: Value,
            advance: Value) -> list[Value]:
    """The values of the window of which the walk's position is the last, ``value`` that of the
    coming row: upper left, upper right, lower left, lower right."""
    width = len(value)
    kept = [Signal(width, name=f"kept_{each}") for each in range(shape.positions * folds)]
    for each, signal in enumerate(kept):
        with h.m.If(advance & (walk.row == each)):
            h.m.d.sync += signal.eq(value)
    line = shape.width * folds
    return [Array(kept)[(walk.row - back)[:len(walk.row)]]
            for back in (line + folds, line, folds)] + [value]


def _spikes(parts: Parts, kind: PoolKind) -> Harness:
    """Windows of two by two on four lines of two positions, two folds."""
    source, folds, pool = Shape(2, 4, 2), 2, Pool(kind, *WINDOW)
    target = Raster(pool.shape(source), 1)
    dut = parts("pooling").SpikePool(target, pool)
    h = Harness(dut=dut)
    word, valid = dut.words, dut.words_valid
    h.drive(("valid", valid), ("spike", word.spikes))
    walk = _Walk(h, source, folds, valid)
    h.m.d.comb += [word.row.eq(walk.row), word.last.eq(walk.ends)]
    for name in ("placed_valid", "placed"):
        h.show(name, getattr(dut, name))
    if kind is PoolKind.MAX:
        patterns = torch.tensor([[pattern >> bit & 1 for bit in range(4)] for pattern in range(16)])
        right = table(pooled(pool, Shape(1, 2, 2), patterns)[:, 0].tolist(), 1,
                      Cat(_window(h, walk, source, folds, word.spikes, valid)))
        due = valid & walk.x[0] & walk.y[0]
    else:
        right, due = word.spikes, valid
    _placed(h, dut, target, walk, h.delayed(due, 2, "due"), h.delayed(right, 2, "right"))
    return h


def _overlapping(parts: Parts, source: Shape, pool: Pool) -> Harness:
    """Windows that overlap, a fold for each channel."""
    folds, whole, target = source.channels, Raster(source, 1), Raster(pool.shape(source), 1)
    dut = parts("window_pool").WindowPool(whole, target, pool)
    h = Harness(dut=dut)
    word, valid = dut.words, dut.words_valid
    h.drive(("valid", valid), ("spike", word.spikes))
    walk = _Walk(h, source, folds, valid)
    h.m.d.comb += [word.row.eq(walk.row), word.last.eq(walk.ends)]
    for name in ("placed_valid", "placed"):
        h.show(name, getattr(dut, name))
    # A position alone shows which windows it is in; these are whole with the last of theirs.
    flat = Shape(1, source.height, source.width)
    inside = pooled(pool, flat, torch.eye(flat.positions, dtype=torch.int32)).numpy()
    kept = [Signal(name=f"kept_{row}") for row in range(whole.rows)]
    for row, signal in enumerate(kept):
        with h.m.If(valid & (walk.row == row)):
            h.m.d.sync += signal.eq(word.spikes)
    due, right, place = Signal(), Signal(), Signal(range(target.shape.positions))
    for window, members in enumerate(inside.T):
        *others, last = np.flatnonzero(members).tolist()
        for fold in range(folds):
            with h.m.If(valid & (walk.row == last * folds + fold)):
                h.m.d.comb += [due.eq(1), place.eq(window), right.eq(
                    word.spikes | Cat(kept[each * folds + fold] for each in others).any())]
    at = h.delayed(due, 2, "due")
    place, fold = h.delayed(place, 2, "place"), h.delayed(walk.fold, 2, "fold")
    found, width = dut.placed, target.shape.width
    h.must("a word comes for each window, two cycles behind its last", dut.placed_valid == at)
    h.must("its spikes are the reference's",
           ~at | (found.spikes == h.delayed(right, 2, "right")))
    h.must("it says the window's place and fold", ~at | (
        found.place.y * width + found.place.x == place) & (found.fold == fold))
    h.must("its row, and the last is marked", ~at | (found.row == place * folds + fold) & (
        found.last == (found.row == target.rows - 1)))
    return h


def _placed(h: Harness, dut: Any, target: Raster, walk: _Walk, due: Value, right: Value) -> None:
    """What must come where a word is ``due``."""
    placed = dut.placed
    x, y, fold, ends = (h.delayed(value, 2, name) for name, value in (
        ("then_x", walk.x // 2), ("then_y", walk.y // 2), ("then_fold", walk.fold),
        ("then_ends", walk.ends)))
    row = (y * target.shape.width + x) * target.folds + fold
    h.must("a word comes for each window, two cycles behind its last", dut.placed_valid == due)
    h.must("its spikes are the reference's", ~due | (placed.spikes == right))
    h.must("it says the window's position and fold",
           ~due | (placed.place.x == x) & (placed.place.y == y) & (placed.fold == fold))
    h.must("and its row", ~due | (placed.row == row))
    h.must("the last is marked", ~due | (placed.last == ends))


def _largest(parts: Parts, source: Shape) -> Harness:
    """Windows of two by two on a map that they do not fill."""
    pool = Pool(PoolKind.MAX, *WINDOW)
    windows, width = Raster(pool.shape(source), 1), 2
    block = CurrentPool(Raster(source, 1), windows, WINDOW, width)
    dut = parts("current_pool").LargestSums(block, timesteps=1)
    h = Harness(dut=dut)
    h.drive(("step", dut.op.step))
    acc = h.anything("sum", width)
    folds = source.channels
    walk = _Walk(h, source, folds, dut.op.step)
    h.m.d.comb += [dut.op.row.eq(walk.row), dut.op.fold.eq(walk.fold),
                   dut.sums.as_value().eq(h.register(acc, "sum_then"))]
    every = torch.tensor([[(code >> 2 * place & 3 ^ 2) - 2 for place in range(4)]
                          for code in range(256)])
    found = largest_sums(pool, Shape(1, 2, 2), every)[:, 0].tolist()
    right = table(found, width, Cat(_window(h, walk, source, folds, acc, dut.op.step)))
    used = pool.used(source)
    due = dut.op.step & walk.x[0] & walk.y[0] & (walk.x < used.width) & (walk.y < used.height)
    now, then = h.register(due, "due"), h.delayed(due, 2, "due_then")
    for name in ("pooled_op", "largest"):
        h.show(name, getattr(dut, name))
    row = (walk.y // 2 * windows.shape.width + walk.x // 2) * folds + walk.fold
    h.must("neurons step once for each window, a cycle behind its last sum",
           dut.pooled_op.step == now)
    h.must("those of the window's row", ~now | (
        dut.pooled_op.row == h.register(row, "window_row")) & (
            dut.pooled_op.fold == h.register(walk.fold, "window_fold")))
    h.must("they get the reference's largest sum",
           ~then | (dut.largest[0] == h.delayed(right, 2, "right").as_signed()))
    return h


def _maximum(parts: Parts) -> Harness:
    return _spikes(parts, PoolKind.MAX)


def _sum(parts: Parts) -> Harness:
    return _spikes(parts, PoolKind.SUM)


def _sums(parts: Parts) -> Harness:
    return _largest(parts, Shape(1, 3, 5))


def _sums_of_folds(parts: Parts) -> Harness:
    return _largest(parts, Shape(2, 4, 3))


def _padded(parts: Parts) -> Harness:
    return _overlapping(parts, Shape(2, 3, 3), Pool(PoolKind.MAX, 3, 3, (2, 2), (1, 1)))


def _side_by_side(parts: Parts) -> Harness:
    return _overlapping(parts, Shape(1, 3, 4), Pool(PoolKind.MAX, 2, 3, (1, 1), (0, 0)))


PROOFS = (
    Proof("pooling of spikes, windows that overlap", _side_by_side, Fault(
        "window_pool", "Mux(opens, windows[number - 1] if number else 0, windows[number])",
        "windows[number]")),
    Proof("pooling of spikes, windows that are padded", _padded, Fault(
        "window_pool", "Mux(last, windows[axis.at_last], windows[-1])", "windows[-1]"),
        quick=False),
    Proof("pooling of spikes, maximum", _maximum, Fault(
        "pooling", "arrived.spikes | Mux(first, 0, gathered.read_data)",
        "arrived.spikes | gathered.read_data")),
    Proof("pooling of spikes, sum", _sum, Fault(
        "pooling", "now.row.eq(line)", "now.row.eq(0)")),
    Proof("pooling of sums, a rest", _sums, Fault(
        "current_pool", "own > before", "own >= 0"), quick=False),
    Proof("pooling of sums, two folds", _sums_of_folds, Fault(
        "current_pool", "start + columns * folds", "start + columns"), quick=False),
)
