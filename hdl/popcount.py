"""How many of a number of bits are set, for many numbers side by side, in LUTs of four inputs."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Signal, Value

from bsnn_hw.engines.dense_words import LEAF, popcount_delay
from bsnn_hw.hdl.formats import delayed

__all__ = ["count_bits", "popcount"]


def popcount(m, name: str, bits: Sequence[Value], delay: int | None = None) -> list[Value]:
    """Per position, how many of ``bits`` are set there, ``popcount_delay`` cycles later.

    Three bits take two LUTs and four take three; beyond, the halves are counted apart, and the
    adder that joins them takes the bit in the middle as its carry.  Up to nine bits are one adder
    then, 19 two in a row and 39 three, each with a register behind it.

    bits : values of the same length, a bit per position
    delay : int, cycles to take instead, not fewer
    """
    delay = popcount_delay(len(bits)) if delay is None else delay
    if len(bits) <= LEAF:
        words = [delayed(m, word, delay, f"{name}_bit_{i}", reset_less=True)
                 for i, word in enumerate(bits)]
        return [count_bits([word[i] for word in words]) for i in range(len(bits[0]))]
    half = len(bits) // 2
    left = popcount(m, f"{name}_l", bits[:half], delay - 1)
    right = popcount(m, f"{name}_r", bits[half + 1:], delay - 1)
    carry = delayed(m, bits[half], delay - 1, f"{name}_carry", reset_less=True)
    totals = []
    for i, pair in enumerate(zip(left, right, strict=True)):
        total = Signal(len(bits).bit_length(), name=f"{name}_{i}", reset_less=True)
        m.d.sync += total.eq((Cat(1, pair[0]) + Cat(carry[i], pair[1])) >> 1)
        totals.append(total)
    return totals


def count_bits(bits: Sequence[Value]) -> Value:
    """The popcount of up to four bits, as functions that are a LUT each."""
    match bits:
        case [a]:
            return a
        case [a, b]:
            return Cat(a ^ b, a & b)
        case [a, b, c]:
            return Cat(a ^ b ^ c, a & b | a & c | b & c)
        case [a, b, c, d]:
            return Cat(a ^ b ^ c ^ d, (a & b) ^ (c & d) ^ (a ^ b) & (c ^ d), a & b & c & d)
    raise ValueError(f"bits must be 1 to {LEAF}, not {len(bits)}")
