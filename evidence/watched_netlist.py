"""Cells of a synthesized netlist, watched while samples stream through its simulation.

Of ECP5's and iCE40's cells.  A simulation without delays shows what nets settle to in each cycle,
and no glitches on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.devices.targets import Target
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import MismatchError
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.reference.network import run
from bsnn_hw.sim.native import Group, build_native
from bsnn_hw.sim.native_run import NativeResult, run_native
from bsnn_hw.synthesis.netlist import Netlist
from bsnn_hw.synthesis.proof import cell_models
from bsnn_hw.verification.compare import check_scores
from bsnn_hw.verification.native import input_beats
from bsnn_hw.verilog.write import Observed

__all__ = ["Activity", "Watched", "count_netlist", "insert", "toggles_and_ones", "watched"]

WORD = 64  # bits that are watched together
OUTPUTS = {"TRELLIS_FF": ("flip-flops", "Q"), "SB_DFF": ("flip-flops", "Q"),
           "LUT4": ("LUTs", "Z"), "PFUMX": ("LUTs", "Z"), "L6MUX21": ("LUTs", "Z"),
           "SB_LUT4": ("LUTs", "O"), "CCU2C": ("sums", r"S\d"),
           "TRELLIS_DPR16X4": ("LUT RAMs", "DO"), "MULT18X18D": ("multipliers", r"P\d+"),
           "DP16KD": ("block RAMs", r"DO[AB]\d+"), "SB_RAM40_4K": ("block RAMs", "RDATA")}

Bit = int | str  # the number of a net, or a constant
Cell = dict[str, Any]


@dataclass(frozen=True)
class Watched:
    """A bit that is watched.

    cell : name of the cell; kind : of cell
    what : "output", or what happens in a cycle in which it is 1: "clock", "read", "write"
    bits : that are read or written then
    text : Verilog of the bit
    """

    cell: str
    kind: str
    what: str
    text: str
    bits: int = 1


@dataclass(frozen=True)
class Activity:
    """Of one watched bit: how often it changed from one cycle to the next, cycles in which it was
    1."""

    watched: Watched
    toggles: int
    ones: int


def watched(module: Cell) -> Iterator[Watched]:
    """What there is to watch in a flat module of Yosys's JSON netlist."""
    names = dict(_names(module))
    read = _read(module)
    carries = {bit for cell in module["cells"].values() if cell["type"] == "SB_CARRY"
               for bit in cell["connections"]["CO"]}
    for name, cell in module["cells"].items():
        found = next((OUTPUTS[kind] for kind in OUTPUTS if cell["type"].startswith(kind)), None)
        if found is None:
            continue
        kind, ports = found
        if cell["type"] == "SB_LUT4" and cell["connections"]["I3"][0] in carries:
            kind = "sums"  # an adder's bit of iCE40 is a LUT behind a carry
        outputs = [bit for port, bits in cell["connections"].items() if re.fullmatch(ports, port)
                   for bit in bits if bit in read]
        yield from (Watched(name, kind, "output", names[bit]) for bit in outputs)
        for what, text, bits in _happenings(cell, names, len(outputs), read):
            yield Watched(name, kind, what, text, bits)


def _happenings(cell: Cell, names: dict[Bit, str], outputs: int,
                read: set[Bit]) -> Iterator[tuple[str, str, int]]:
    """What a cell does in a cycle: which, Verilog of when, and bits."""
    ports = {port: [names.get(bit, f"1'b{bit}") for bit in bits]
             for port, bits in cell["connections"].items()}
    if cell["type"] == "TRELLIS_FF":
        mux = cell["parameters"]["CEMUX"].strip()
        yield "clock", {"1": "1'b1", "0": "1'b0", "CE": ports.get("CE", ["1'b1"])[0],
                        "INV": f"!{ports.get('CE', ['0'])[0]}"}[mux], 1
    elif cell["type"].startswith("SB_DFF"):
        yield "clock", ports.get("E", ["1'b1"])[0], 1
    elif cell["type"].startswith("SB_RAM40_4K"):
        yield "read", f"{ports['RCLKE'][0]} && {ports['RE'][0]}", outputs
        yield ("write", f"{ports['WCLKE'][0]} && {ports['WE'][0]} && "
               f"!(&{{{', '.join(ports['MASK'])}}})", _nets(cell["connections"]["WDATA"]))
    elif cell["type"] == "DP16KD":
        for side in "AB":
            yield from _ecp5_port(cell, ports, side, read)


def _ecp5_port(cell: Cell, ports: dict[str, list[str]], side: str,
               read: set[Bit]) -> Iterator[tuple[str, str, int]]:
    """A port of 36 bits writes through A and reads through B, with the data of both."""
    width = int(cell["parameters"][f"DATA_WIDTH_{side}"], 2)
    sides = "AB" if width == 36 else side
    enable, write = ports[f"CE{side}"][0], ports[f"WE{side}"][0]
    data = {kind: [bit for port, bits in cell["connections"].items()
                   if re.fullmatch(rf"{kind}[{sides}]\d+", port) for bit in bits]
            for kind in ("DO", "DI")}
    outputs = sum(bit in read for bit in data["DO"])
    if outputs and (width < 36 or side == "B"):
        yield "read", f"{enable} && !{write}", outputs
    if cell["connections"][f"WE{side}"][0] != "0" and (width < 36 or side == "A"):
        # The low bits of an address enable 9 bits each.
        bytes_ = [ports[f"AD{side}{bit}"][0] for bit in range(width // 9 if width > 9 else 0)]
        some = f" && |{{{', '.join(bytes_)}}}" if bytes_ else ""
        yield "write", f"{enable} && {write}{some}", _nets(data["DI"])


def _nets(bits: Sequence[Bit]) -> int:
    return sum(isinstance(bit, int) for bit in bits)


def _read(module: Cell) -> set[Bit]:
    """Nets that a cell or a port of the module reads."""
    found = {bit for port in module["ports"].values() if port["direction"] == "output"
             for bit in port["bits"]}
    for cell in module["cells"].values():
        found.update(bit for port, bits in cell["connections"].items()
                     if cell["port_directions"][port] == "input" for bit in bits)
    return {bit for bit in found if isinstance(bit, int)}


def _names(module: Cell) -> Iterator[tuple[Bit, str]]:
    """Each net's bit, as Verilog names it."""
    for name, net in module["netnames"].items():
        width, offset = len(net["bits"]), net.get("offset", 0)
        for place, bit in enumerate(net["bits"]):
            index = offset + (width - 1 - place if net.get("upto") else place)
            yield bit, f"\\{name} " + ("" if width == 1 else f"[{index}]")


def insert(text: str, bits: Sequence[str]) -> tuple[str, int]:
    """A netlist's Verilog with ``bits`` in wires ``watched_N`` of 64, the last one's rest 0; and
    how many wires."""
    words = [bits[first:first + WORD] for first in range(0, len(bits), WORD)]
    lines = []
    for number, word in enumerate(words):
        parts = [*["1'b0"] * (WORD - len(word)), *reversed(word)]
        lines.append(f"  wire [{WORD - 1}:0] watched_{number} = {{{', '.join(parts)}}};")
    body, end, rest = text.rpartition("endmodule")
    return body + "\n".join(lines) + f"\n{end}{rest}", len(words)


def toggles_and_ones(columns: Sequence[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Of each bit of columns of 64-bit words (cycles,): changes, and cycles in which it is 1."""
    for column in columns:
        octets = np.ascontiguousarray(column).astype("<u8").view(np.uint8).reshape(-1, WORD // 8)
        bits = np.unpackbits(octets, axis=1, bitorder="little")
        yield from zip((bits[1:] ^ bits[:-1]).sum(axis=0, dtype=np.int64).tolist(),
                       bits.sum(axis=0, dtype=np.int64).tolist(), strict=True)


def count_netlist(design: Design, netlist: Netlist, target: Target, inputs: np.ndarray,
                  folder: Path) -> tuple[list[Activity], NativeResult]:
    """Stream ``inputs`` through the netlist's simulation, built in ``folder``; compare every score.

    Raises
    ------
    MismatchError
        Names the first score that differs.
    """
    folder.mkdir()
    text = (netlist.bare or netlist.json).read_text(encoding="utf-8")
    module = json.loads(text)["modules"][netlist.top]
    items = list(watched(module))
    text, words = insert(netlist.verilog.read_text(encoding="utf-8"), [item.text for item in items])
    paths = folder / "cells.v", folder / "watched.v"
    for path, content in zip(paths, (cell_models(target), text), strict=True):
        path.write_text(content, encoding="utf-8")
    result = _simulate(replace(design, probes=(), verilog=replace(design.verilog, paths=paths)),
                       inputs, words, folder / "build")
    seen = result.groups["netlist"]
    # What comes after the last packet, in which nothing may follow it, is of no inference.
    counts = toggles_and_ones([seen[f"watched_{number}"][:result.cycles, 0]
                               for number in range(words)])
    found = [Activity(item, *each) for item, each in zip(items, counts, strict=False)]
    return found, result


def _simulate(design: Design, inputs: np.ndarray, words: int, folder: Path) -> NativeResult:
    top, port = design.verilog.top, PORTS[design.port]
    group = Group("netlist", Observed(top, top, "m_axis_tready", 1), tuple(
        Observed(top, top, f"watched_{number}", WORD) for number in range(words)))
    model = build_native(design.verilog.paths, top, folder, [group], "-O0")
    result = run_native(model, input_beats(design, inputs), len(inputs),
                        packet_beats=port.answer_beats(design.network))
    if not (np.diff(result.groups["netlist"]["cycle"][:, 0]) == 1).all():
        raise MismatchError("netlist: every cycle must be seen, but some were not")
    scores, answers = port.answers(design.network, design.layout.slots, result.output.data,
                                   result.output.user, len(inputs))
    check_scores(scores, answers, run(design.network, inputs, potentials=False), 0)
    return result
