"""Verilog to a netlist of a family's cells, by Yosys in a process of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from bsnn_hw.child import ask
from bsnn_hw.devices.targets import Target
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import InputError
from bsnn_hw.synthesis.harness import harness_cells
from bsnn_hw.verilog.write import Verilog

__all__ = ["Memory", "Netlist", "NoRoomError", "check_room", "refuse_excess", "synthesize",
           "synthesize_verilog"]


class NoRoomError(InputError):
    """A design that needs more than its part has."""


@dataclass(frozen=True)
class Memory:
    """A memory of the RTL: where it is, rows, bits of a row, and whether anything writes it."""

    name: str
    rows: int
    width: int
    written: bool


@dataclass(frozen=True)
class Netlist:
    """What Yosys made of a design.

    json : Path, for nextpnr, with the pin harness where the target needs one
    verilog : Path, the design alone, for simulation
    top : name of the module in ``json``'s and ``verilog``'s flat netlist of the design
    cells : Yosys's cell -> number, of the design alone
    memories : of the RTL
    lost : those of them that no RAM of the family took: written ones have become flip-flops,
        the others logic
    registers : bits of register in the RTL, memories not counted
    harness : logic cells of the pin harness, 0 without one
    bare : Path, for nextpnr without the harness; None where there is none
    """

    json: Path
    verilog: Path
    top: str
    cells: dict[str, int]
    memories: tuple[Memory, ...]
    lost: tuple[Memory, ...]
    registers: int
    harness: int
    bare: Path | None = None

    @property
    def flip_flop_memories(self) -> tuple[Memory, ...]:
        """Memories that have become flip-flops."""
        return tuple(memory for memory in self.lost if memory.written)

    @property
    def flip_flops(self) -> int:
        """Flip-flops of the netlist, of any family."""
        return sum(count for cell, count in self.cells.items()
                   if cell.startswith(("TRELLIS_FF", "SB_DFF", "CC_DFF", "FD1P3", "DFF")))


def synthesize(design: Design, target: Target, folder: Path) -> Netlist:
    """Run Yosys on a design; its files go into ``folder``.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    if design.layout.full_adders and target.narrow:
        target = replace(target, synth=f"{target.synth} {target.narrow}")
    return synthesize_verilog(design.verilog, target, folder)


def synthesize_verilog(source: Verilog, target: Target, folder: Path) -> Netlist:
    """The same of any Verilog of ours.

    Raises
    ------
    ToolError
        Yosys failed.
    """
    netlist, bare = folder / "netlist.json", folder / "bare.json"
    verilog = folder / "netlist.v"
    # The child runs in `folder`, so that no name of the user's stands in a Yosys command.
    sources = folder / "sources"
    sources.mkdir(exist_ok=True)
    copies = [Path(shutil.copy(path, sources)) for path in source.paths]
    arithmetic = ""
    if target.arithmetic:
        text = files("bsnn_hw.synthesis").joinpath(target.arithmetic).read_text(encoding="utf-8")
        (folder / target.arithmetic).write_text(text, encoding="utf-8")
        arithmetic = target.arithmetic
    answer = ask("bsnn_hw.synthesis.yosys_child", {
        "paths": [str(copy.relative_to(folder)) for copy in copies],
        "top": source.top, "synth": target.synth, "ram_label": target.ram_label,
        "arithmetic": arithmetic, "output_registers": target.output_registers,
        "harness": target.harness,
        "json": netlist.name, "bare": bare.name, "verilog": verilog.name,
    }, f"yosys: {target.synth}", folder=folder)
    memories = {name: Memory(name, rows, width, bool(writes))
                for name, (rows, width, writes) in answer["memories"].items()}
    return Netlist(netlist, verilog, source.top, answer["cells"],
                   tuple(memories.values()),
                   tuple(memories[name] for name in answer["lost"]), answer["registers"],
                   harness_cells(answer["ports"]) if target.harness else 0,
                   bare if target.harness else None)


def check_room(netlist: Netlist, target: Target) -> None:
    """Refuse a netlist that needs more than the part has, as far as Yosys's cells tell.

    Raises
    ------
    NoRoomError
        Names every resource and by how much it is exceeded.
    """
    used = {resource.bel: sum(netlist.cells.get(cell, 0) for cell in resource.cells)
            for resource in target.resources if resource.cells}
    refuse_excess(netlist, target, used)


def refuse_excess(netlist: Netlist, target: Target, used: dict[str, int]) -> None:
    """Raise NoRoomError where ``used``, by nextpnr's names, is more than the part has."""
    short = [f"{used[resource.bel] - resource.capacity:,} {resource.words} too many, "
             f"{used[resource.bel]:,} of {resource.capacity:,} {resource.bel}"
             for resource in target.resources
             if used.get(resource.bel, 0) > resource.capacity]
    if short:
        bits = sum(memory.rows * memory.width for memory in netlist.flip_flop_memories)
        spread = (f", {bits:,} bits of memory are flip-flops in this family, which fewer "
                  "neurons would shorten" if bits else "")
        raise NoRoomError(f"{target.name}: the design must fit, but needs {'; '.join(short)}"
                     f"{spread}; take a larger part, or generate with fewer `lanes` or `parallel`")
