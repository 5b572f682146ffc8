"""What a circuit is made of, whatever the family: bits of adders, LUTs, registers, memories."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

__all__ = ["Access", "Memory", "Parts", "Product", "bits_of", "fifo_parts", "pair_parts"]

SHORT = 4  # bits of an adder


class Access(enum.Enum):
    """How a memory is used, which decides what can hold it."""

    TABLE = "table"  # never written, read with the clock
    QUEUE = "queue"  # written and read with the clock
    STATE = "state"  # written with the clock, read without one


@dataclass(frozen=True)
class Memory:
    """``count`` memories of ``rows`` words of ``width`` bits.

    block : bool, the circuit asks for block RAM; logic : bool, for none
    readers : int, ports that read
    """

    rows: int
    width: int
    access: Access
    block: bool = False
    logic: bool = False
    count: int = 1
    readers: int = 1


@dataclass(frozen=True)
class Product:
    """``count`` multiplications of signed numbers of so many bits."""

    left: int
    right: int
    count: int = 1


@dataclass(frozen=True)
class Parts:
    """Of one component or of several together.

    sum_bits : bits of adders, subtracters and comparisons; chains : how many of them
    short_bits : those of `SHORT` bits or fewer, of which some families make look-up tables
    luts : functions of four inputs, about
    registers : flip-flops, those of memories not counted
    bare : those of them with nothing in front: a pipeline's delays
    cleared : those behind an adder that another signal makes 0
    paths : that take as long in a small design as in a large one, see `Family.paths`
    """

    sum_bits: float = 0
    chains: float = 0
    luts: float = 0
    registers: float = 0
    bare: float = 0
    cleared: float = 0
    memories: tuple[Memory, ...] = ()
    products: tuple[Product, ...] = ()
    short_bits: float = field(default=0, compare=False)  # a part of sum_bits
    paths: frozenset[str] = frozenset()

    def __add__(self, other: Parts) -> Parts:
        return Parts(self.sum_bits + other.sum_bits, self.chains + other.chains,
                     self.luts + other.luts, self.registers + other.registers,
                     self.bare + other.bare, self.cleared + other.cleared,
                     self.memories + other.memories, self.products + other.products,
                     self.short_bits + other.short_bits, self.paths | other.paths)

    def __rmul__(self, count: int) -> Parts:
        return Parts(count * self.sum_bits, count * self.chains, count * self.luts,
                     count * self.registers, count * self.bare, count * self.cleared,
                     tuple(replace(each, count=count * each.count) for each in self.memories),
                     tuple(replace(each, count=count * each.count) for each in self.products),
                     count * self.short_bits, self.paths)

    @classmethod
    def adders(cls, width: float, count: float = 1) -> Parts:
        """``count`` carry chains of ``width`` bits."""
        bits = width * count
        return cls(sum_bits=bits, chains=count, short_bits=bits if width <= SHORT else 0)

    @classmethod
    def delays(cls, bits: float) -> Parts:
        """Registers with nothing in front."""
        return cls(registers=bits, bare=bits)

    @classmethod
    def logic(cls, luts: float, registers: float = 0) -> Parts:
        """LUTs, and registers that lie behind some of them."""
        return cls(luts=luts, registers=registers)

    @classmethod
    def path(cls, name: str) -> Parts:
        """No part, but a path of its own length."""
        return cls(paths=frozenset({name}))


def bits_of(count: int) -> int:
    """Bits of an index into ``count`` things; 0 for a single one, whose bit is a constant."""
    return (count - 1).bit_length()


def fifo_parts(rows: int, width: int, *, registered: bool = True) -> Parts:
    """amaranth.lib.fifo.SyncFIFOBuffered of ``rows`` words behind its output, and, ``registered``,
    what hdl/queue.py adds."""
    index, level = bits_of(rows), bits_of(rows + 2)
    counters = (Parts.adders(index, 2) + Parts.adders(level, 4)
                + Parts.logic(2 * level + 8, 2 * index + 2 * level + 1))
    ours = Parts.adders(level) + Parts.delays(width + 1) if registered else Parts()
    return counters + ours + Parts(memories=(Memory(rows, width, Access.QUEUE),))


def pair_parts(width: int) -> Parts:
    """hdl/buffer.py's RegisterPair, of words of so many bits."""
    return Parts.delays(2 * width) + Parts.logic(2, 2)
