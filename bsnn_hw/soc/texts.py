"""The registers as SystemRDL, as a C header and as a page, from the one description."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bsnn_hw import __version__
from bsnn_hw.emission.design import Design
from bsnn_hw.link.registers import Access, Field, Register, RegisterMap
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.sim.render import render
from bsnn_hw.soc import TOP
from bsnn_hw.verilog.header import plain_text

__all__ = ["TEXTS", "write_texts"]

# Name in the folder -> template.
TEXTS = {"registers.rdl": "registers.rdl.j2", "bsnn_registers.h": "registers.h.j2",
         "README.md": "soc_readme.md.j2"}
_RDL = {Access.READ: "sw = r", Access.WRITE: "sw = rw", Access.PULSE: "sw = rw; singlepulse",
        Access.ONCE: "sw = rw; onwrite = woset; hwclr"}


@dataclass(frozen=True)
class _Field:
    """What the templates read of a field.

    bits : "31:0"; access : "r", "rw", "w1" or "w1s"; reset : hexadecimal, or a dash
    rdl : properties in SystemRDL
    """

    name: str
    bits: str
    mask: int
    low: int
    access: str
    reset: str
    rdl: str
    meaning: str


@dataclass(frozen=True)
class _Register:
    name: str
    address: int
    fields: tuple[_Field, ...]


@dataclass(frozen=True)
class _Soc:
    """What the templates read.

    name : of the network, in plain characters: SystemRDL runs what it finds in <% %>
    size : bytes of addresses; order : of the values in a sample
    """

    generator: str
    name: str
    top: str
    identifier: str
    registers: tuple[_Register, ...]
    layers: tuple[str, ...]
    address_bits: int
    sample_bytes: int
    order: str
    result: str
    result_bytes: int
    stateful: bool = False

    @property
    def size(self) -> int:
        """Bytes of addresses."""
        return 1 << self.address_bits


def write_texts(design: Design, registers: RegisterMap, folder: Path) -> None:
    """Write `TEXTS` into ``folder``."""
    soc = _soc(design, registers)
    for name, template in TEXTS.items():
        (folder / name).write_text(render(template, soc=soc), encoding="utf-8")


def _soc(design: Design, registers: RegisterMap) -> _Soc:
    network, port = design.network, byte_counts(design.network)
    return _Soc(f"bsnn-hw {__version__}", plain_text(network.name), TOP, design.identifier,
                tuple(map(_register, registers.registers)), registers.layers,
                registers.address_bits, port.step * port.timesteps,
                _packet(design, "s_axis"), _packet(design, "m_axis"), port.output,
                network.stateful)


def _packet(design: Design, name: str) -> str:
    """What the manifest says of a packet."""
    port, network, slots = PORTS[design.port], design.network, design.layout.slots
    facts = (port.input_facts(network, design.geometries[0], slots) if name == "s_axis" else
             port.output_facts(network, slots))
    return str(facts["packet"]).removeprefix("one inference; ").partition("; ")[0]


def _register(register: Register) -> _Register:
    return _Register(register.name, register.address, tuple(map(_field, register.fields)))


def _field(field: Field) -> _Field:
    high = field.low + field.width - 1
    hardware = "r" if field.access is not Access.READ else "w" if field.value is None else "na"
    return _Field(field.name, f"{high}:{field.low}", ((1 << field.width) - 1) << field.low,
                  field.low, field.access.value,
                  "-" if field.value is None else f"0x{field.value:x}",
                  f"{_RDL[field.access]}; hw = {hardware}", field.meaning)
