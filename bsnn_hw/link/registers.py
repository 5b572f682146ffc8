"""The AXI4-Lite registers of a circuit: one description, from which RTL and texts are made.

hdl/axi_registers.py builds the registers, `bsnn_hw.soc.texts` renders SystemRDL, a C header and a
table.  amaranth-soc is not on PyPI, and PeakRDL's SystemVerilog is none that the open synthesis
reads; so this is a description of our own, and its SystemRDL goes to the tools of others.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

from bsnn_hw.link.frames import LinkShape

__all__ = ["Access", "Counter", "Field", "Register", "RegisterMap", "register_map"]

VERSION = 1
COUNTER_BITS = 48
FIRST_COUNTER, FIRST_LAYER, LAYER_BYTES = 0x20, 0x40, 16
LEAST_ADDRESS_BITS = 12  # a page of 4 KiB


class Access(enum.Enum):
    """What software does with a field."""

    READ = "r"
    WRITE = "rw"
    PULSE = "w1"  # writing 1 does it; reads as 0
    ONCE = "w1s"  # writing 1 asks for it; reads as 1 until it is done, writing 0 changes nothing


@dataclass(frozen=True)
class Field:
    """Bits of a register.

    low : int, place of the lowest; width : int
    value : int, after reset, or always if it is a constant; None if the circuit says it
    """

    name: str
    low: int
    width: int
    access: Access
    value: int | None
    meaning: str


@dataclass(frozen=True)
class Register:
    """32 bits at ``address``, in bytes from the base."""

    name: str
    address: int
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Counter:
    """A number of ``COUNTER_BITS`` in two registers; reading the low one holds the high one's."""

    name: str
    address: int
    meaning: str

    @property
    def registers(self) -> tuple[Register, Register]:
        """Low and high."""
        rest = COUNTER_BITS - 32
        return (
            Register(f"{self.name}_low", self.address, (
                Field("low", 0, 32, Access.READ, None, f"{self.meaning}, bits 31..0; reading it "
                                                       "holds the others"),)),
            Register(f"{self.name}_high", self.address + 4, (
                Field("high", 0, rest, Access.READ, None, f"bits {COUNTER_BITS - 1}..32, as they "
                                                          "were when the low ones were read"),)),
        )


@dataclass(frozen=True)
class RegisterMap:
    """All registers.

    layers : their names, the readout last
    """

    plain: tuple[Register, ...]
    counters: tuple[Counter, ...]
    layers: tuple[str, ...]

    @cached_property
    def registers(self) -> tuple[Register, ...]:
        """In the order of their addresses."""
        parts = [register for counter in self.counters for register in counter.registers]
        return tuple(sorted((*self.plain, *parts), key=lambda register: register.address))

    @property
    def address_bits(self) -> int:
        """Bits of an address."""
        return max(LEAST_ADDRESS_BITS, self.registers[-1].address.bit_length())


def register_map(shape: LinkShape, layers: tuple[str, ...]) -> RegisterMap:
    """The registers of a circuit.

    shape : LinkShape, identifier and bytes of a sample and a result
    layers : their names, the readout last
    """
    return RegisterMap(_plain(shape, len(layers)), (
        Counter("inferences", FIRST_COUNTER, "results that were taken"),
        Counter("cycles", FIRST_COUNTER + 8, "clock cycles in which the core had a sample"),
        *_of_layers(layers),
    ), layers)


def _plain(shape: LinkShape, layers: int) -> tuple[Register, ...]:
    low, high = (int.from_bytes(part, "little")
                 for part in (shape.identifier[:4], shape.identifier[4:]))

    def constant(name: str, address: int, value: int, meaning: str) -> Register:
        return Register(name, address, (Field("value", 0, 32, Access.READ, value, meaning),))

    return (
        Register("control", 0x00, (
            Field("enable", 0, 1, Access.WRITE, 1, "0: no further sample begins"),
            Field("reset", 1, 1, Access.PULSE, 0, "reset the core; samples in it are lost"),
            Field("clear", 2, 1, Access.PULSE, 0, "all counters to 0"),
            *((Field("restart", 3, 1, Access.ONCE, 0,
                     "the next sample that begins starts from a state of 0"),)
              if shape.stateful else ()),
        )),
        Register("status", 0x04, (
            Field("busy", 0, 1, Access.READ, None, "the core has a sample"),
        )),
        constant("version", 0x08, VERSION, "of these registers"),
        constant("layers", 0x0C, layers, "with counters, the readout last"),
        constant("identifier_low", 0x10, low, "of the circuit, its first 4 bytes"),
        constant("identifier_high", 0x14, high, "its last 4 bytes"),
        constant("sample_bytes", 0x18, shape.sample, "of a packet on s_axis"),
        constant("result_bytes", 0x1C, shape.result, "of a packet on m_axis"),
    )


def _of_layers(layers: tuple[str, ...]) -> tuple[Counter, ...]:
    """Events of every layer, and spikes of those that spike."""
    found = []
    for number, _ in enumerate(layers):
        address = FIRST_LAYER + number * LAYER_BYTES
        found.append(Counter(f"events_{number}", address,
                             f"events that layer {number} took, shortcuts' too"))
        if number < len(layers) - 1:
            found.append(Counter(f"spikes_{number}", address + 8, f"spikes of layer {number}"))
    return tuple(found)
