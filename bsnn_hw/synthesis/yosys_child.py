"""The child process of `bsnn_hw.synthesis.netlist`: Verilog in, a mapped netlist out.

A Yosys error ends the process, which is why this is one. Call::

    python -m bsnn_hw.synthesis.yosys_child REQUEST ANSWER

REQUEST is a JSON file ``{"paths": [...], "top": name, "synth": command, "ram_label": label,
"arithmetic": path or "", "output_registers": bool, "harness": bool, "json": path, "bare": path,
"verilog": path}``; ANSWER becomes one of what `synthesize` returns.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pyosys

# Yosys splits the names of a family's files and of its scratch files at spaces: it is told of names
# in the folder of this child, before it is loaded.
os.environ["TMPDIR"] = "."
if " " in pyosys.__path__[0]:
    Path("yosys_share").symlink_to(Path(pyosys.__path__[0]) / "share")
    sys._pyosys_share_dirname = "yosys_share/"  # type: ignore[attr-defined]

from pyosys import libyosys as ys

from bsnn_hw.child import serve
from bsnn_hw.synthesis.ecp5_registers import move_registers
from bsnn_hw.synthesis.harness import HARNESS, harness

_REGISTERS = {"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce", "$adff", "$adffe", "$aldff",
              "$aldffe", "$dffsr", "$dffsre"}


def _run(command, design):
    ys.run_pass(f"tee -q {command}", design)


def _cells(design, top):
    return design.module(ys.IdString("\\" + top)).cells_.values()


def _number(cell, name):
    return cell.getParam(ys.IdString("\\" + name)).as_int()


def _memories(design, top):
    """name -> [rows, bits of a row, write ports] of the memories that are still cells."""
    found = {}
    for cell in _cells(design, top):
        if cell.type.str() == "$mem_v2":
            # A name may stand more than once, e.g. where a memory was split.
            name = cell.name.str().lstrip("\\")
            found[name] = [_number(cell, "SIZE"), _number(cell, "WIDTH"),
                           _number(cell, "WR_PORTS")]
    return found


def _registers(design, top):
    """Bits of register before anything is mapped."""
    return sum(_number(cell, "WIDTH") for cell in _cells(design, top)
               if cell.type.str() in _REGISTERS)


def _ports(design, top):
    """Name, width and whether it is an input, in order."""
    wires = [wire for wire in design.module(ys.IdString("\\" + top)).wires_.values()
             if wire.port_id]
    wires.sort(key=lambda wire: wire.port_id)
    return [(wire.name.str()[1:], wire.width, bool(wire.port_input)) for wire in wires]


def _add_harness(design, request, ports):
    """Put the mapped design between shift registers."""
    path = Path(request["json"]).with_name("harness.v")
    path.write_text(harness(request["top"], ports), encoding="utf-8")
    _run(f"read_verilog {path}", design)
    _run(f"hierarchy -check -top {HARNESS}", design)
    _run(f"flatten {HARNESS}", design)
    _run("opt_clean", design)


def _open_carries(path):
    """Take the constant off the first carry-in of each chain, and the net that nothing reads off
    the last carry-out, in a netlist of ECP5: nextpnr adds a cell for either."""
    netlist = json.loads(path.read_text(encoding="utf-8"))
    for module in netlist["modules"].values():
        cells = module["cells"].values()
        read = {bit for port in module["ports"].values() for bit in port["bits"]}
        read.update(bit for cell in cells for port, bits in cell["connections"].items()
                    if cell["port_directions"][port] != "output" for bit in bits)
        dropped = set()
        for cell in cells:
            if cell["type"] == "CCU2C":
                ports = cell["connections"]
                if isinstance(ports["CIN"][0], str):
                    ports["CIN"] = ["x"]
                if ports["COUT"][0] not in read:
                    dropped.add(ports["COUT"][0])
                    ports["COUT"] = ["x"]
        module["netnames"] = {name: net for name, net in module["netnames"].items()
                              if not dropped.intersection(net["bits"])}
    path.write_text(json.dumps(netlist), encoding="utf-8")


def _with_output_registers(design, request):
    """The mapped design, its flip-flops behind block RAMs and multipliers moved into these."""
    path = Path(request["json"])
    _run(f"write_json {path}", design)
    netlist = json.loads(path.read_text(encoding="utf-8"))
    if not move_registers(netlist["modules"][request["top"]]):
        return design
    path.write_text(json.dumps(netlist), encoding="utf-8")
    moved = ys.Design()
    _run(f"read_json {path}", moved)
    return moved


def synthesize(request):
    """Do what the module's docstring says.

    Returns
    -------
    dict
        ``cells``: type -> number; ``memories``: name -> [rows, bits, write ports]; ``lost``: names
        of the memories that no RAM cell took; ``registers``: bits of register in the RTL;
        ``ports``: [name, bits, is an input]
    """
    design, top = ys.Design(), request["top"]
    for path in request["paths"]:
        _run(f"read_verilog {path}", design)
    # At once: a memory's initial words are a cell each until then, and every pass visits them all.
    _run("proc", design)
    _run("memory_collect", design)
    if "-dff" in request["synth"].split():
        # ABC would check its own mapping over time, which takes a quarter of an hour.
        _run("scratchpad -set abc9.verify 0", design)
    command = f"{request['synth']} -top {top} -run"
    _run(f"{command} begin:{request['ram_label']}", design)
    memories, registers = _memories(design, top), _registers(design, top)
    _run(f"{command} {request['ram_label']}:map_ffram", design)
    lost = sorted(_memories(design, top))
    if request["arithmetic"]:
        _run(f"{command} map_ffram:map_gates", design)
        _run(f"techmap -map {request['arithmetic']}", design)
        _run("opt_clean", design)
        _run(f"{command} map_gates:", design)
    else:
        _run(f"{command} map_ffram:", design)
    if request["output_registers"]:
        design = _with_output_registers(design, request)
    cells = Counter(cell.type.str().lstrip("\\") for cell in _cells(design, top))
    cells.pop("$scopeinfo", None)
    ports = _ports(design, top)
    _run(f"write_verilog -noattr -norename {request['verilog']}", design)
    if request["harness"]:
        _run(f"write_json {request['bare']}", design)
        _add_harness(design, request, ports)
    _run(f"write_json {request['json']}", design)
    if request["arithmetic"]:
        _open_carries(Path(request["json"]))
    return {"cells": dict(sorted(cells.items())), "memories": memories, "lost": lost,
            "registers": registers, "ports": ports}


if __name__ == "__main__":
    serve(synthesize)
