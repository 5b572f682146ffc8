"""Proofs of the readout: scores and the class that leads are the reference's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from amaranth import Array, Mux, Signal, Value, signed

from bsnn_hw.ir.bounds import readout_bounds
from bsnn_hw.ir.network import Dense, Readout
from bsnn_hw.reference.readout import score
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.streams import held

__all__ = ["PROOFS"]

CLASSES, PARALLEL = 3, 2


def _scorer(parts: Parts, gain: list[list[int]]) -> Harness:
    """Three classes in rows of two and one, sums of -1..1, whatever the pace of either side.

    gain : of each timestep and class; one timestep's where it does not change
    """
    weights = np.tile(np.array([1, -1], np.int8), (CLASSES, 1))
    layer = Readout("out", Dense(weights, np.ones(CLASSES, bool)), np.array(gain),
                    np.array([1, 0, 1]), 1.0)
    passes = 1 if layer.constant_gain else len(gain)
    bounds = readout_bounds(layer, 1, len(gain), 1)
    dut = parts("readout").Scorer(layer, bounds, parallel=PARALLEL)
    h = Harness(dut=dut)
    h.drive(("load", dut.load), ("ready", dut.beats.ready))
    h.limit(~dut.load | dut.idle)
    row, turn = Signal(), Signal(range(max(2, passes)))
    ends = row & (turn == passes - 1)
    # Of this inference and the one before, whose last classes may still be on their way.
    entering, kept = Signal(), [[Signal(2 * passes, name=f"sums_{side}_{each}")
                                 for each in range(CLASSES)] for side in range(2)]
    for position in range(PARALLEL):
        acc = h.anything(f"sum_{position}", signed(2))
        h.limit(acc != -2)
        h.m.d.comb += dut.sums[position].eq(acc)
        for each in range(position, CLASSES, PARALLEL):
            for side in range(2):
                with h.m.If(dut.load & (row == each // PARALLEL) & (entering == side)):
                    h.m.d.sync += kept[side][each].word_select(turn, 2).eq(acc)
    with h.m.If(dut.load):
        h.m.d.sync += row.eq(~row)
        with h.m.If(row):
            h.m.d.sync += turn.eq(Mux(turn == passes - 1, 0, turn + 1))
    with h.m.If(dut.load & ends):
        h.m.d.sync += entering.eq(~entering)
    leaving = Signal()
    with h.m.If(dut.beats.valid & dut.beats.ready & dut.beats.payload.last):
        h.m.d.sync += leaving.eq(~leaving)
    _beats(h, dut, [_score(layer, each, Mux(leaving, *(side[each] for side in reversed(kept))),
                           bounds.score.width, passes) for each in range(CLASSES)],
           Mux(dut.load & (turn == passes - 1), Mux(row, CLASSES - PARALLEL, PARALLEL), 0))
    held(h, "beats", dut.beats)
    return h


def _score(layer: Readout, number: int, sums: Value, width: int, passes: int) -> Value:
    """The reference's score of class ``number``, 2 bits of ``sums`` being a timestep's."""
    found = []
    for code in range(1 << 2 * passes):
        accs = torch.zeros((1, len(layer.gain), CLASSES), dtype=torch.int64)
        accs[0, :passes, number] = torch.tensor([(code >> 2 * t & 3 ^ 2) - 2
                                                 for t in range(passes)])
        found.append(int(score(layer, accs)[0, number]))
    return table(found, width, sums).as_signed()


def _beats(h: Harness, dut: Any, scores: list[Value], complete: Value) -> None:
    """A beat for each class in turn; ``complete`` of them have all their sums with this cycle."""
    beats = dut.beats
    number = Signal(range(CLASSES))
    taken = beats.valid & beats.ready
    with h.m.If(taken):
        h.m.d.sync += number.eq(Mux(number == CLASSES - 1, 0, number + 1))
    for name in ("idle", "beats"):
        h.show(name, dut.idle if name == "idle" else beats.payload)
    h.show("given", beats.valid)
    beat = beats.payload
    h.must("scores are the reference's, class by class",
           ~beats.valid | (beat.score == Array(scores)[number]))
    first, second, third = scores
    leaders = [0, Mux(second > first, 1, 0),
               Mux((third > first) & (third > second), 2, Mux(second > first, 1, 0))]
    h.must("the leader is the lowest of the largest so far",
           ~beats.valid | (beat.leader == Array(leaders)[number]))
    h.must("the last class is marked", ~beats.valid | (beat.last == (number == CLASSES - 1)))
    due = Signal(range(2 * CLASSES + 1), name="due")
    h.m.d.sync += due.eq(due - taken + complete)
    h.must("where the sink is ready, what is complete comes",
           h.soon("awaited", (due != 0) & beats.ready & ~beats.valid, 5))
    h.must("once all is out, a row may come",
           h.soon("busy", (due == 0) & beats.ready & ~dut.idle & ~dut.load, 4))


def _constant(parts: Parts) -> Harness:
    return _scorer(parts, [[3, 2, -1]])


def _gained(parts: Parts) -> Harness:
    return _scorer(parts, [[1, 2, -1], [3, 1, 1]])


PROOFS = (
    Proof("scores of a constant gain", _constant, Fault(
        "readout", "(final.index == 0) | (score > best)",
        "(final.index == 0) | (score >= best)"), quick=False),
    Proof("scores summed over timesteps", _gained, Fault(
        "readout", "partial.write_enable.eq(place[2].valid & advance)",
        "partial.write_enable.eq(place[2].valid)"), quick=False),
)
