"""The lowest of many spikes, without a carry chain as long as the word."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value

__all__ = ["take_lowest"]

CHUNK = 8  # bits that are searched as one


def take_lowest(m: Module, name: str, spikes: Value, *,
                chained: bool = True) -> tuple[Value, Value, Value]:
    """``(slot, rest, more)``: the lowest spike's number, the word without it, whether any is left.

    Chunks are searched side by side, then the first that has a spike is chosen.  ``chained`` : a
    chunk's rest is a difference, on a carry chain; else each bit of it looks at those below, a few
    LUTs more and faster.
    """
    slot = Signal(range(len(spikes)), name=f"{name}_slot")
    rests: list[Value] = []
    mores: list[Value] = []
    before: list[Value] = []
    for start in range(0, len(spikes), CHUNK):
        chunk = spikes[start:start + CHUNK]
        rest = (chunk & (chunk - 1))[:len(chunk)] if chained else _without_lowest(chunk)
        first = ~Cat(before).any() if before else 1
        rests.append(Mux(first, rest, chunk))
        mores.append(Mux(first, rest.any(), chunk.any()))
        before.append(chunk.any())
    for start in reversed(range(0, len(spikes), CHUNK)):
        chunk = spikes[start:start + CHUNK]
        low = Signal(range(min(CHUNK, len(chunk))), name=f"{name}_low_{start}")
        for index in reversed(range(len(chunk))):
            with m.If(chunk[index]):
                m.d.comb += low.eq(index)
        with m.If(chunk.any()):
            m.d.comb += slot.eq(low + start)
    return slot, Cat(rests), Cat(mores).any()


def _without_lowest(chunk: Value) -> Value:
    """Each bit that has another below it."""
    return Cat(bit & chunk[:index].any() if index else Const(0)
               for index, bit in enumerate(chunk))
