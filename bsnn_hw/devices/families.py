"""What a family's synthesis makes of parts: one row of coefficients and RAM shapes per family.

Which RAM a memory gets is computed as Yosys's memory_libmap does, from the costs and shapes in
its ``brams.txt`` and ``lutrams.txt``, so that block RAMs are exact.  Logic cells are a weighted sum
of ``Parts``; the weights are fitted to placed designs (docs/planning.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from bsnn_hw.devices.parts import Access, Memory, Parts, Product

__all__ = ["FAMILIES", "Cost", "Family", "Mapped", "Period", "Ram", "Weights"]

MUX, EMULATED = 0.5, 2  # memory_libmap's weights of a multiplexer's bit and of what it adds
LOGIC_TABLE, LOGIC_WRITTEN = 1 / 16, 1.0  # and its cost of a bit of memory in logic


@dataclass(frozen=True)
class Cost:
    """What something takes of a part.

    path : float, ns of its slowest path that is as long in a small design as in a large one; 0
        where none is known
    """

    cells: float = 0
    registers: float = 0
    blocks: int = 0
    multipliers: int = 0
    path: float = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cells + other.cells, self.registers + other.registers,
                    self.blocks + other.blocks, self.multipliers + other.multipliers,
                    max(self.path, other.path))

    @property
    def row(self) -> tuple[float, ...]:
        """All of it but for the path, in this order."""
        return self.cells, self.registers, self.blocks, self.multipliers


@dataclass(frozen=True)
class Ram:
    """A RAM of Yosys's library.

    address_bits : of its narrowest shape; widths : data bits, each step halves the words
    byte : bits that share a write enable, 0 for all
    cost : of one, in Yosys's unit; blocks : that it counts as, 0 for LUTs
    access : what it can hold; readers : ports that can read a table
    most_written, most_read : widths that a port can have at most
    """

    address_bits: int
    widths: tuple[int, ...]
    byte: int
    cost: int
    blocks: int
    access: frozenset[Access]
    most_written: int = 1 << 16
    least_written: int = 0
    readers: int = 1


@dataclass(frozen=True)
class Mapped:
    """Where a memory went: ``rams`` of ``ram``, ``deep`` of them one upon the other; logic if
    there is none."""

    ram: Ram | None
    rams: int = 0
    deep: int = 1


@dataclass(frozen=True)
class Weights:
    """Logic cells per unit of each kind of part.

    register : flip-flops, not cells, per register: some are never needed
    short_bit : of an adder of so few bits that Yosys makes look-up tables of it, which merge with
        what is around it; None where it makes a chain of these too
    lut_ram : cells of one LUT RAM; table_bit : of a bit of a table in logic, per 16 rows;
    table_mux : of what chooses among several such 16 rows
    bit, bit_row : of a written memory's bit that became a flip-flop, and of each such row
    product_bit : of a product without a multiplier, per bit of one factor times the other's
    multiplier : of a product that has one
    """

    sum_bit: float = 1.0
    short_bit: float | None = None
    chain: float = 0.0
    lut: float = 1.0
    bare: float = 0.0
    cleared: float = 0.0
    register: float = 0.9
    lut_ram: float = 0.0
    table_bit: float = 1.0
    table_mux: float = 0.0
    bit: float = 2.0
    bit_row: float = 1.0
    mux_bit: float = 0.7
    product_bit: float = 1.0
    multiplier: float = 0.0


@dataclass(frozen=True)
class Period:
    """How long the slowest path is likely to be, in ns: its logic, and wires that grow with what
    stands between.

    cells : of 1,000 logic cells; block, multiplier : of each
    """

    base: float
    cells: float = 0.0
    block: float = 0.0
    multiplier: float = 0.0

    def of(self, cost: Cost) -> float:
        """Of a design."""
        return max(cost.path, self.base + self.cells * cost.cells / 1000
                   + self.block * cost.blocks + self.multiplier * cost.multipliers)


@dataclass(frozen=True)
class Family:
    """A family of parts.

    logic, registers, blocks, multipliers : nextpnr's names; None where the row has no such thing
    rams : in the order in which Yosys reads them
    largest_factor : bits of a multiplier's input; 0 where products are logic
    least_product : bits of a product from which on Yosys takes a multiplier
    clock : MHz that plans count on at most; clocks : of parts that differ
    period : likely, fitted to placed designs (docs/planning.md); periods : of parts that differ
    plain : of plans that are not pipelined, where others are
    paths : ns of paths that have a length of their own; none of those that are not named
    pipelined : bool, plans are unless they say otherwise, see `LayerPlan`: block RAMs and
        multipliers have registers of their own, which take no cell
    """

    logic: str
    rams: tuple[Ram, ...]
    weights: Weights
    clock: float
    period: Period
    registers: str | None = None
    blocks: str | None = None
    multipliers: str | None = None
    largest_factor: int = 0
    least_product: int = 9
    clocks: dict[str, float] = field(default_factory=dict)
    pipelined: bool = False
    plain: Period | None = None
    periods: dict[str, Period] = field(default_factory=dict)
    paths: dict[str, float] = field(default_factory=dict)

    def cost(self, parts: Parts) -> Cost:
        """What ``parts`` take of a part of this family."""
        weights, blocks = self.weights, 0
        registers = weights.register * parts.registers
        short = weights.sum_bit if weights.short_bit is None else weights.short_bit
        cells = (weights.sum_bit * (parts.sum_bits - parts.short_bits) + short * parts.short_bits
                 + weights.chain * parts.chains
                 + weights.lut * parts.luts + weights.bare * parts.bare
                 + weights.cleared * parts.cleared)
        for memory in parts.memories:
            each = self._memory(memory)
            cells += memory.count * each.cells
            registers += memory.count * each.registers
            blocks += memory.count * each.blocks
        multipliers = 0
        for product in parts.products:
            number = self._multipliers(product)
            multipliers += product.count * number
            cells += product.count * (weights.multiplier * number if number else
                                      weights.product_bit * product.left * product.right)
        path = max((self.paths.get(name, 0.0) for name in parts.paths), default=0.0)
        return Cost(cells, registers, blocks, multipliers, path)

    def _multipliers(self, product: Product) -> int:
        if not self.largest_factor or min(product.left, product.right) < 2:
            return 0
        if product.left + product.right < self.least_product:
            return 0
        most = self.largest_factor
        return -(-product.left // most) * -(-product.right // most)

    def _memory(self, memory: Memory) -> Cost:
        weights, mapped = self.weights, place_memory(self.rams, memory)
        bits, rows, width = memory.rows * memory.width, memory.rows, memory.width
        if mapped.ram is None:
            if memory.access is Access.TABLE:
                width, luts = memory.readers * width, -(-rows // 16)
                return Cost(width * (weights.table_bit * luts + weights.table_mux * (luts - 1)),
                            width)
            return Cost(weights.bit * bits + weights.bit_row * rows
                        + weights.mux_bit * (rows - 1) * width,
                        bits + (width if memory.access is Access.QUEUE else 0))
        chosen = weights.mux_bit * (mapped.deep - 1) * width
        if mapped.ram.blocks:
            return Cost(chosen, 0, mapped.rams * mapped.ram.blocks)
        clocked = memory.access is not Access.STATE
        return Cost(weights.lut_ram * mapped.rams + chosen
                    + 2 * (mapped.deep if mapped.deep > 1 else 0),
                    width if clocked else 0)


@lru_cache(maxsize=1 << 16)
def place_memory(rams: tuple[Ram, ...], memory: Memory) -> Mapped:
    """Where Yosys puts one such memory."""
    if memory.logic:
        return Mapped(None)
    return _place(rams, memory)


def _place(rams: tuple[Ram, ...], memory: Memory) -> Mapped:
    access, logic = memory.access, LOGIC_WRITTEN
    if access is Access.TABLE:
        logic = LOGIC_TABLE * memory.readers
    best, cheapest = Mapped(None), int(memory.rows * memory.width * logic)
    candidates = [(cost, mapped) for ram in rams
                  if access in ram.access and (ram.blocks or not memory.block)
                  for cost, mapped in [_geometry(ram, memory)]]
    if memory.block and candidates:
        best, cheapest = candidates[0][1], int(candidates[0][0])
    for cost, mapped in candidates:
        if cost < cheapest:
            best, cheapest = mapped, int(cost)
    return best


def _geometry(ram: Ram, memory: Memory) -> tuple[float, Mapped]:
    """(cost, how) of the cheapest of the RAM's shapes."""
    found = None
    for cost, mapped in _shapes(ram, memory):
        if found is None or cost < int(found[0]):
            found = cost, mapped
    assert found is not None
    return found


def _shapes(ram: Ram, memory: Memory) -> Iterator[tuple[float, Mapped]]:
    rows, width, written = memory.rows, memory.width, memory.access is not Access.TABLE
    copies = -(-memory.readers // ram.readers)
    for step, unit in enumerate(ram.widths):
        if written and (unit > ram.most_written
                        or (unit < ram.least_written and unit < ram.byte)):
            continue
        byte = min(ram.byte or unit, unit) if written else 1
        padded = -(-width // byte) * byte
        deep = -(-rows // (1 << ram.address_bits - step))
        rams = copies * -(-deep * padded // unit)
        cost = ram.cost * rams + MUX * memory.readers * (deep - 1) * width + EMULATED
        cost += MUX * deep if written and deep > 1 else 0
        yield cost, Mapped(ram, rams, deep)


_CLOCKED = frozenset({Access.TABLE, Access.QUEUE})
_WRITTEN = frozenset({Access.QUEUE, Access.STATE})

_ECP5 = Family(
    "TRELLIS_COMB",
    (Ram(4, (4,), 0, 4, 0, _WRITTEN),
     Ram(14, (1, 2, 4, 9, 18), 9, 128, 1, _CLOCKED, readers=2),
     Ram(14, (1, 2, 4, 9, 18, 36), 9, 128, 1, _CLOCKED, least_written=36)),
    Weights(sum_bit=1.1, short_bit=0.7, lut=0.85, lut_ram=6.0, table_bit=0.9, mux_bit=0.65),
    clock=100.0, period=Period(5.5, 0.095, 0.03, 0.01), registers="TRELLIS_FF", blocks="DP16KD",
    multipliers="MULT18X18D", largest_factor=18, least_product=4, pipelined=True,
    plain=Period(7.3, 0.13, 0.0125, 0.025), paths={"product": 6.9, "reach": 7.45})

_ICE40 = Family(
    "ICESTORM_LC",
    (Ram(11, (2, 4, 8), 0, 64, 1, _CLOCKED),
     Ram(11, (2, 4, 8, 16), 1, 64, 1, _CLOCKED, least_written=16)),
    Weights(sum_bit=1.0, chain=1.0, lut=0.85, bare=0.65, table_bit=1.05, table_mux=0.87,
            bit=1.23, mux_bit=0.61, product_bit=1.96),
    clock=80.0, period=Period(9.6, 0.24), blocks="ICESTORM_RAM", clocks={"ice40-up5k": 24.0},
    periods={"ice40-up5k": Period(18.2, 2.45)})

_GATEMATE = Family(
    "CPE_LT",
    (Ram(14, (1, 2, 5, 10, 20), 1, 129, 1, _CLOCKED, readers=2),
     Ram(15, (1, 2, 5, 10, 20, 40), 1, 257, 2, _CLOCKED, readers=2),
     Ram(16, (1, 2, 5), 1, 513, 4, _CLOCKED, readers=2),
     Ram(14, (1, 2, 5, 10, 20, 40), 1, 129, 1, _CLOCKED),
     Ram(15, (1, 2, 5, 10, 20, 40, 80), 1, 257, 2, _CLOCKED)),
    Weights(sum_bit=2.33, chain=1.0, lut=1.43, bare=2.14, cleared=1.0, table_bit=0.93,
            table_mux=1.0, bit=1.01, mux_bit=0.58, product_bit=0.85),
    clock=50.0, period=Period(17.2), registers="CPE_FF", blocks="RAM_HALF")

# Its sums are look-up tables: nextpnr takes no carry chain here (devices/targets.py).
_NEXUS = Family(
    "OXIDE_COMB", _ECP5.rams,
    Weights(sum_bit=1.75, lut=0.1, lut_ram=8.8, table_bit=0.56, mux_bit=0.4),
    clock=100.0, period=Period(5.2, 0.4), registers="OXIDE_FF", blocks="OXIDE_EBR",
    multipliers="MULT18_CORE", largest_factor=18, least_product=4)

# A bit of a sum or a LUT RAM takes the place of look-up tables, and counts as such.
_GOWIN = Family(
    "LUT4",
    (Ram(4, (4,), 0, 4, 0, _WRITTEN),
     Ram(14, (1, 2, 4, 9, 18), 9, 138, 1, _CLOCKED, readers=2),
     Ram(14, (1, 2, 4, 9, 18, 36), 9, 138, 1, _CLOCKED, least_written=36)),
    Weights(sum_bit=1.02, lut=0.78, bare=0.39, register=0.95, lut_ram=7.5, table_bit=0.69,
            mux_bit=0.81),
    clock=80.0, period=Period(9.9), registers="DFF", blocks="BSRAM", multipliers="MULT18X18",
    largest_factor=18)

FAMILIES = {family.logic: family for family in (_ECP5, _ICE40, _GATEMATE, _NEXUS, _GOWIN)}
