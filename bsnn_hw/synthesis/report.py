"""What a synthesis found: the figures as data, as a table for a person, and as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.devices.targets import Resource, Target
from bsnn_hw.emission.results import write_results
from bsnn_hw.errors import BsnnError
from bsnn_hw.synthesis.netlist import Memory, Netlist
from bsnn_hw.synthesis.place import Placement
from bsnn_hw.text import percent, table

__all__ = ["FORMAT", "VERSION", "Figures", "check_clock", "facts", "text", "write"]

FORMAT, VERSION = "bsnn-hw/synthesis", 1
SHOWN = 4


@dataclass(frozen=True)
class Figures:
    """Everything that was measured of one bundle on one part.

    placements : one for each seed, without the design's own pins; none where the family needs them
    cycles : float, per inference, back to back, in the RTL
    inferences : int, that ``cycles`` was measured on
    simulated : int, images that the netlist was simulated with, every score equal; 0: it was not
    clock : float, MHz asked for, or None
    versions : of the tools, by package
    sources : sha256 of the bundle's Verilog
    pinned : placements with the design's own ports on pins, one for each seed; they are what
        counts where there are any
    pins : name of the file that says where, or None
    forecast : nextpnr's name of a resource, or "cycles", -> what the planner says of this plan;
        None for a part that it does not know
    """

    target: Target
    top: str
    netlist: Netlist
    placements: tuple[Placement, ...]
    cycles: float
    inferences: int
    simulated: int
    clock: float | None
    versions: dict[str, str]
    sources: str
    pinned: tuple[Placement, ...] = ()
    pins: str | None = None
    forecast: Mapping[str, float] | None = None

    @property
    def best(self) -> Placement:
        """The fastest placement: the one to build."""
        return max(self.pinned or self.placements, key=lambda placement: placement.megahertz)

    def speed(self, placement: Placement) -> float:
        """Inferences per second at the placement's clock."""
        return placement.megahertz * 1e6 / self.cycles

    def used(self, resource: Resource) -> int:
        """What the design takes of it in the best placement, the pin harness not counted."""
        counted = resource == self.target.logic and not self.pinned
        harness = self.netlist.harness if counted else 0
        return self.best.used[resource.bel] - harness

    @property
    def slack(self) -> float | None:
        """ns between the clock asked for and the one reached; below 0 it was missed."""
        return None if self.clock is None else 1e3 / self.clock - 1e3 / self.best.megahertz


def check_clock(figures: Figures) -> None:
    """Raise BsnnError where the design misses its clock."""
    if figures.slack is not None and figures.slack < 0:
        raise BsnnError(f"{figures.target.name}: must reach {figures.clock:g} MHz, reaches "
                        f"{figures.best.megahertz:.2f}, slack {figures.slack:.2f} ns; ask for "
                        "less with `clock`, or try more `seeds`")


def text(figures: Figures) -> str:
    """The figures for a person."""
    target, best = figures.target, figures.best
    versions = ", ".join(f"{name} {version}" for name, version in figures.versions.items())
    lines = [f"target    {target.name}: {target.part}; {versions}", ""]
    foreseen = figures.forecast or {}
    rows: list[list[object]] = [["resource", "used", "of", "share",
                                 *(["forecast"] if foreseen else [])]]
    for resource in target.resources:
        used = figures.used(resource)
        rows.append([f"{resource.words} ({resource.bel})", f"{used:,}", f"{resource.capacity:,}",
                     percent(used / resource.capacity),
                     *([f"{foreseen[resource.bel]:,.0f}" if resource.bel in foreseen else "-"]
                       if foreseen else [])])
    lines += [table(rows), ""]
    if figures.pinned:
        free = [f"{each.megahertz:.2f}" for each in figures.placements]
        lines.append(f"pins      {figures.pins}; without pins "
                     + (f"{', '.join(free)} MHz" if free else "this family is not placed"))
    elif figures.netlist.harness:
        lines.append(f"pins      {figures.netlist.harness} more logic cells hold the ports in "
                     "shift registers; they are not counted above")
    else:
        lines.append(f"pins      {target.pins}")
    if best.faulty:
        lines.append("fault     nextpnr ended with a memory fault behind its routing; figures "
                     "from its log, no bitstream")
    lines += [f"memories  {_memory_line(figures.netlist)}"]
    lines += [f"seed {placement.seed:<4} {placement.megahertz:.2f} MHz, "
              f"{figures.speed(placement):,.0f} inferences/s"
              for placement in figures.pinned or figures.placements]
    lines += [f"critical  {best.path.words()} (seed {best.seed})",
              f"cycles    {figures.cycles:,.1f} per inference back to back, simulated on "
              f"{figures.inferences} of the bundle's vectors"
              + (f"; forecast {foreseen['cycles']:,.1f}" if foreseen else "")]
    if figures.simulated:
        lines.append(f"netlist   {figures.simulated} inference(s) through the simulated netlist: "
                     "every score equal")
    lines.append(f"speed     {figures.speed(best):,.0f} inferences/s at {best.megahertz:.2f} MHz")
    if figures.slack is not None:
        lines.append(f"clock     {figures.clock:g} MHz "
                     f"{'reached' if figures.slack >= 0 else 'MISSED'}, "
                     f"slack {figures.slack:+.2f} ns")
    return "\n".join(lines)


def _memory_line(netlist):
    kept = len(netlist.memories) - len(netlist.lost)
    parts = [f"{kept} of {len(netlist.memories)} in RAM cells"]
    written = netlist.flip_flop_memories
    read_only = [memory for memory in netlist.lost if not memory.written]
    parts.append(f"in flip-flops: {_names(written)}" if written else "none in flip-flops")
    if read_only:
        parts.append(f"constant ones in logic: {_names(read_only)}")
    return "; ".join(parts)


def _names(memories: Sequence[Memory]) -> str:
    largest = sorted(memories, key=lambda memory: -memory.rows * memory.width)
    names = [f"{memory.name} ({memory.rows} x {memory.width})" for memory in largest[:SHOWN]]
    return ", ".join(names) + (f" and {len(largest) - SHOWN} more" if len(largest) > SHOWN else "")


def facts(figures: Figures) -> dict[str, Any]:
    """The figures as plain JSON values."""
    target, netlist = figures.target, figures.netlist
    return {
        "format": FORMAT, "version": VERSION,
        "target": target.name, "part": target.part, "top": figures.top,
        "tools": figures.versions, "sources_sha256": figures.sources,
        "synth": target.synth, "nextpnr": list(target.router.arguments),
        "pins": "harness" if target.harness else target.pins, "harness_cells": netlist.harness,
        "resources": {resource.bel: {"used": figures.used(resource),
                                     "available": resource.capacity,
                                     "forecast": (figures.forecast or {}).get(resource.bel)}
                      for resource in target.resources},
        "yosys_cells": netlist.cells,
        "memories": {"total": len(netlist.memories),
                     "flip_flops": [asdict(memory) for memory in netlist.flip_flop_memories],
                     "logic": [asdict(memory) for memory in netlist.lost if not memory.written]},
        "seeds": _seeds(figures, figures.placements),
        "with_pins": None if not figures.pinned else {
            "file": figures.pins, "seeds": _seeds(figures, figures.pinned),
            "bitstream": _bitstream(figures)},
        "best_seed": figures.best.seed, "megahertz": figures.best.megahertz,
        "cycles_per_inference": figures.cycles, "cycles_measured_on": figures.inferences,
        "cycles_forecast": (figures.forecast or {}).get("cycles"),
        "inferences_per_second": figures.speed(figures.best),
        "netlist_simulated": figures.simulated,
        "clock": None if figures.clock is None else {
            "megahertz": figures.clock, "slack_ns": figures.slack,
            "reached": figures.slack is not None and figures.slack >= 0},
    }


def _seeds(figures, placements):
    return [{"seed": placement.seed, "megahertz": placement.megahertz,
             "inferences_per_second": figures.speed(placement),
             "used": placement.used, "nextpnr_faulty": placement.faulty,
             "critical_path": asdict(placement.path)}
            for placement in placements]


def _bitstream(figures: Figures) -> str | None:
    """Name of the best seed's bitstream, None where there is none."""
    made = figures.best.bitstream
    return f"synth_{figures.target.name}{made.suffix}" if made else None


def write(figures: Figures, folder: Path) -> Path:
    """Write ``synth_TARGET.txt``, ``.json`` and, with pins, the best seed's bitstream into
    ``folder``, as `write_results` does.

    Returns
    -------
    Path
        Of the JSON file, which comes last.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    name = f"synth_{figures.target.name}"
    contents = {f"{name}.txt": text(figures).encode() + b"\n"}
    bitstream = _bitstream(figures)
    if bitstream and figures.best.bitstream:
        contents[bitstream] = figures.best.bitstream.read_bytes()
    contents[f"{name}.json"] = json.dumps(facts(figures), indent=2).encode() + b"\n"
    write_results(folder, contents)
    return folder / f"{name}.json"
