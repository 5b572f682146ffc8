"""Proofs of what passes words on: in order, none lost, none twice, held until taken, and soon."""

from __future__ import annotations

from typing import Any

from amaranth import Signal, Value
from amaranth.lib import data

from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof

__all__ = ["PROOFS", "follow", "heeded", "heeds", "held"]

WORD = data.StructLayout({"word": 2})


def held(h: Harness, name: str, stream: Any) -> None:
    """An offer of ``stream`` stays as it is until it is taken."""
    waits = h.register(stream.valid & ~stream.ready, f"{name}_waits")
    before = h.register(stream.payload, f"{name}_before")
    h.must(f"{name}: an offer must stay until it is taken",
           ~waits | stream.valid & (Value.cast(stream.payload) == before))


def follow(h: Harness, *, enters: Value, word: Value, leaves: Value, seen: Value, most: int,
           within: int, ready: Value) -> Signal:
    """Follow a word, any one, from where it enters to where it leaves, in turn.

    most : int, words that can be inside
    within : int, cycles with ``ready`` after which the oldest word has left
    Returns how many words are inside.
    """
    m = h.m
    inside = Signal(range(most + 2))
    m.d.sync += inside.eq(inside + enters - leaves)
    pick = h.anything("pick")
    picked = Signal()
    followed = Signal(len(word))
    ahead = Signal(range(most + 2))
    with m.If(~picked & pick & enters):
        m.d.sync += [picked.eq(1), followed.eq(word), ahead.eq(inside - leaves)]
    with m.Elif(picked & leaves):
        m.d.sync += ahead.eq(ahead - 1)
        with m.If(ahead == 0):
            m.d.sync += picked.eq(0)
    h.must("words leave in order and as they came",
           ~(picked & leaves & (ahead == 0)) | (seen == followed))
    h.must("nothing leaves that has not come", ~leaves | (inside != 0))
    h.must(f"{most} words fit", inside <= most)
    h.must("where the sink is ready, the oldest word leaves",
           h.soon("oldest", (inside != 0) & ready & ~leaves, within))
    return inside


def _between(parts: Parts, kind: str, most: int, within: int = 0) -> Harness:
    dut = getattr(parts("buffer"), kind)(WORD)
    h = Harness(dut=dut)
    source, words = dut.source, dut.words
    h.drive(("valid", source.valid), ("word", source.payload), ("ready", words.ready))
    h.show("taken", source.ready)
    h.show("given", words.valid)
    h.show("seen", words.payload)
    inside = follow(h, enters=source.valid & source.ready, word=Value.cast(source.payload),
                    leaves=words.valid & words.ready, seen=Value.cast(words.payload), most=most,
                    within=within, ready=words.ready)
    h.must("an empty one takes a word", source.ready | (inside != 0))
    held(h, "words", words)
    return h


def _buffer(parts: Parts) -> Harness:
    return _between(parts, "StreamBuffer", 2)


def _register(parts: Parts) -> Harness:
    return _between(parts, "StreamRegister", 1)


def _pair(parts: Parts) -> Harness:
    return _between(parts, "RegisterPair", 2, within=1)


def heeded(h: Harness, write: Value, room: Value, margin: int, *, before: bool) -> Value:
    """Whether a writer sends ``margin`` words at most where there is no room: those under way.

    before : the word in the cycle before ``room`` goes low is one of them
    """
    late = Signal(range(margin + 1), name="late")
    h.m.d.sync += late.eq(write if before else 0)
    with h.m.If(~room):
        h.m.d.sync += late.eq(late + write)
    return ~write | room | (late < margin)


def heeds(h: Harness, write: Value, room: Value, margin: int, *, before: bool) -> None:
    """Let it send no more."""
    h.limit(heeded(h, write, room, margin, before=before))


def _words(parts: Parts, pipelined: bool) -> Harness:
    depth, margin = 5, 2
    dut = parts("queue").WordQueue(WORD, depth=depth, margin=margin, pipelined=pipelined)
    h = Harness(dut=dut)
    h.drive(("write", dut.write), ("word", dut.word), ("ready", dut.words.ready))
    h.show("room", dut.room)
    h.show("given", dut.words.valid)
    h.show("seen", dut.words.payload)
    heeds(h, dut.write, dut.room, margin, before=False)
    inside = follow(h, enters=dut.write, word=Value.cast(dut.word),
                    leaves=dut.words.valid & dut.words.ready, seen=Value.cast(dut.words.payload),
                    most=depth + 1 + pipelined, within=3 + pipelined, ready=dut.words.ready)
    h.show("inside", inside)
    h.must("there is room until the margin is reached",
           dut.room | (inside >= depth - margin))
    held(h, "words", dut.words)
    return h


def _queue(parts: Parts) -> Harness:
    return _words(parts, False)


def _pipelined_queue(parts: Parts) -> Harness:
    return _words(parts, True)


def _carry(parts: Parts) -> Harness:
    rows, margin = 2, 1
    row = data.ArrayLayout(2, 1)
    depth = rows + margin + 1
    dut = parts("carry").CarryQueue(row, rows=rows, depth=depth, margin=margin)
    h = Harness(dut=dut)
    h.drive(("write", dut.write), ("row", dut.row), ("start", dut.start), ("take", dut.take))
    m = h.m
    number = Signal(range(rows))  # of the coming row in its timestep
    m.d.comb += dut.last.eq(number == rows - 1)
    with m.If(dut.write):
        m.d.sync += number.eq(0)
        with m.If(~dut.last):
            m.d.sync += number.eq(number + 1)
    heeds(h, dut.write, dut.room, margin, before=True)
    # As in a layer, a step takes its rows from three cycles after its start on.
    owed = Signal(range(depth + 3))
    starts = h.delayed(dut.start, 3, "started")
    m.d.sync += owed.eq(owed + rows * starts - dut.take)
    h.limit(~dut.start | dut.whole)
    h.limit(~dut.take | (owed != 0))
    head = Value.cast(dut.head)
    inside = follow(h, enters=dut.write, word=Value.cast(dut.row), leaves=dut.take, seen=head,
                    most=depth + 1, within=0, ready=0)
    ahead = Signal(range(2 * depth))  # rows that no step has started on
    m.d.sync += ahead.eq(ahead + dut.write - rows * dut.start)
    for name, value in (("whole", dut.whole), ("room", dut.room), ("head", head),
                        ("inside", inside)):
        h.show(name, value)
    h.must("a timestep is whole only with all its rows", ~dut.whole | (ahead >= rows))
    h.must("a timestep whose rows are here is whole", dut.whole | (ahead < rows))
    return h


PROOFS = (
    Proof("stream buffer", _buffer, Fault(
        "buffer", "words.valid.eq(spared | source.valid)", "words.valid.eq(source.valid)")),
    Proof("stream register", _register, Fault(
        "buffer", "with m.Elif(words.ready)", "with m.Elif(words.valid)")),
    Proof("register pair", _pair, Fault(
        "buffer", "first.words.ready.eq(words.ready | ~words.valid)", "first.words.ready.eq(1)")),
    Proof("queue and its margin", _queue, Fault(
        "queue", "self._depth - self._margin", "self._depth - self._margin + 1")),
    Proof("queue and its margin, pipelined", _pipelined_queue, Fault(
        "queue", "passes.eq(~there | self.words.ready)", "passes.eq(self.words.ready | ~waits)")),
    Proof("carry queue and its margin", _carry, Fault(
        "carry", "(self.write & self.last)", "self.write")),
)
