"""Proofs of AXI: every request has its answer, in turn and held; packets stay packets."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Signal, Value

from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.streams import held

__all__ = ["PROOFS"]

BITS = 2  # of addresses and data


def _lite(parts: Parts) -> Harness:
    dut = parts("axi_lite").AxiLite(address_bits=BITS)
    h = Harness(dut=dut)
    bus = dut.bus
    for name in ("aw", "w", "ar"):
        h.drive((f"{name}valid", getattr(bus, f"{name}valid")))
    h.drive(("awaddr", bus.awaddr), ("wdata", bus.wdata[:BITS]), ("araddr", bus.araddr),
            ("bready", bus.bready), ("rready", bus.rready), ("data", dut.read_data[:BITS]),
            ("read_known", dut.read_known), ("write_known", dut.write_known))
    for name in ("arready", "rvalid", "awready", "wready", "bvalid"):
        h.show(name, getattr(bus, name))
    h.show("write", dut.write)
    _answered(h, "read", asked=dut.read, valid=bus.rvalid, ready=bus.rready,
              answer=Cat(bus.rdata, bus.rresp), meant=Cat(dut.read_data, dut.read_known))
    _answered(h, "write", asked=dut.write, valid=bus.bvalid, ready=bus.bready,
              answer=Cat(bus.bresp), meant=Cat(dut.write_known))
    addressed = _pending(h, "address", bus.awvalid & bus.awready, bus.awaddr, dut)
    filled = _pending(h, "data", bus.wvalid & bus.wready, bus.wdata, dut)
    h.must("a write has its address", ~dut.write | (dut.write_address == addressed[1]))
    h.must("a write has its data", ~dut.write | (dut.write_data == filled[1]))
    h.must("nothing is written without both", ~dut.write | addressed[0] & filled[0])
    h.must("what has both is written", h.soon(
        "both", addressed[0] & filled[0] & bus.bready & ~dut.write, 1))
    h.must("a read is taken where the answer is", h.soon(
        "asks", bus.arvalid & bus.rready & ~bus.arready, 1))
    return h


def _answered(h: Harness, name: str, *, asked: Value, valid: Value, ready: Value, answer: Value,
              meant: Value) -> None:
    """Each request has one answer, of the cycle in which it was made, held until it is taken."""
    m = h.m
    waiting = Signal(name=f"{name}_waiting")
    kept = Signal(len(meant), name=f"{name}_kept")
    with m.If(asked):
        m.d.sync += [waiting.eq(1), kept.eq(meant)]
    with m.Elif(valid & ready):
        m.d.sync += waiting.eq(0)
    h.must(f"{name}: an answer for each request, and for nothing else", valid == waiting)
    h.must(f"{name}: no request before the answer is taken", ~asked | ~waiting)
    known = kept[-1]
    h.must(f"{name}: the answer says whether it is known", ~valid | (answer[-1] == ~known))
    h.must(f"{name}: the answer is what was there", ~valid | (answer[:-2] == kept[:-1]))


def _pending(h: Harness, name: str, taken: Value, value: Value, dut: Any) -> tuple[Value, Value]:
    """Whether one was taken and not yet written, and which."""
    waits = Signal(name=f"{name}_waits")
    kept = Signal(len(value), name=f"{name}_kept")
    with h.m.If(taken):
        h.m.d.sync += [waits.eq(1), kept.eq(value)]
    with h.m.Elif(dut.write):
        h.m.d.sync += waits.eq(0)
    h.must(f"{name}: one at a time", ~taken | ~waits)
    return waits, kept


def _packets(h: Harness, given: Any, taken: Any, most: int, within: int) -> None:
    """A packet goes for each that comes, soon, and what is offered is held."""
    enters = given.valid & given.ready & given.payload.last
    leaves = taken.valid & taken.ready & taken.payload.last
    inside = Signal(range(most + 2), name="inside")
    h.m.d.sync += inside.eq(inside + enters - leaves)
    h.show("inside", inside)
    h.must("no end of a packet that has not come", ~leaves | (inside != 0))
    h.must(f"{most} ends fit", inside <= most)
    h.must("where the sink is ready, a packet ends",
           h.soon("ends", (inside != 0) & taken.ready & ~leaves, within))
    held(h, "offer", taken)


def _unpacker(parts: Parts) -> Harness:
    dut = parts("byte_words").ByteUnpacker()
    h = Harness(dut=dut)
    word = dut.words.payload
    h.drive(("valid", dut.words.valid), ("keep", word.keep), ("last", word.last),
            ("ready", dut.bytes.ready), ("bit", word.bytes[1][:1]))
    # As in a stream: an offer stays.
    waits = h.register(dut.words.valid & ~dut.words.ready, "waits")
    before = h.register(word, "before")
    h.limit(~waits | dut.words.valid & (Value.cast(word) == before))
    h.show("taken", dut.words.ready)
    h.show("given", dut.bytes.valid)
    _packets(h, dut.words, dut.bytes, 2, 2)
    return h


def _packer(parts: Parts) -> Harness:
    dut = parts("byte_words").BytePacker()
    h = Harness(dut=dut)
    byte = dut.bytes.payload
    h.drive(("valid", dut.bytes.valid), ("bit", byte.byte[:1]), ("last", byte.last),
            ("ready", dut.words.ready))
    h.show("taken", dut.bytes.ready)
    h.show("given", dut.words.valid)
    keep = dut.words.payload.keep
    h.must("the bytes of a word are its lowest", ~dut.words.valid | ~(keep & (keep + 1)).any())
    h.must("a word that is not full is the last",
           ~dut.words.valid | keep.all() | dut.words.payload.last)
    _packets(h, dut.bytes, dut.words, 1, 0)
    return h


PROOFS = (
    Proof("AXI4-Lite", _lite, Fault(
        "axi_lite", "addressed & filled & ~bus.bvalid", "addressed & filled")),
    Proof("words to bytes", _unpacker, Fault(
        "byte_words", "ending.eq(at_end & word.last)", "ending.eq(word.last)")),
    Proof("bytes to words", _packer, Fault(
        "byte_words", "keep << 1 | 1", "keep << 1")),
)
