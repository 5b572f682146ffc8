"""The child process of `bsnn_hw.verilog.write`: RTLIL in, one Verilog file per module out.

A Yosys error ends the process, which is why this is one. Call::

    python -m bsnn_hw.verilog.passes REQUEST ANSWER

REQUEST is a JSON file ``{"rtlil": path, "folder": path, "top": name, "observed": [[module,
signal], ...]}``; names are those of the RTLIL. ANSWER becomes one: ``{"modules": {RTLIL name:
Verilog name}, "about": {RTLIL name: what the module is}, "observed": [[path, module, signal,
width], ...], "missing": [...]}`` with names of the Verilog; a path goes from the top level through
the instances.
"""

from pathlib import Path

from pyosys import libyosys as ys

from bsnn_hw.child import serve
from bsnn_hw.verilog import netlist
from bsnn_hw.verilog.attributes import say_to_vendors
from bsnn_hw.verilog.loops import split_circles
from bsnn_hw.verilog.naming import plain_names
from bsnn_hw.verilog.port_names import port_names
from bsnn_hw.verilog.private_names import name_private
from bsnn_hw.verilog.signal_names import name_numbered

# Pass by pass, and why:
_PASSES = (
    "proc",  # processes become multiplexers and registers
    "memory_collect",  # one cell per memory, printed as one array
    "opt_expr",
    "opt_merge",  # one comparison per FSM state instead of one per assignment
    "opt_clean",
    "opt_dff",  # `if (rst) ... else if (enable) ...` instead of multiplexers before a register
    "wreduce",  # an adder as wide as what is read of its sum
    "opt_expr",
    "opt_clean",
    "bmuxmap",  # indexing and
    "demuxmap",
    "pmuxtree",  # case statements become ?: (write_verilog prints overlapping casez: CASEOVERLAP)
    "setundef -undriven -zero",  # don't-cares from the passes above are 0 in every simulator
    "setundef -zero",
    "opt_expr",
    "opt_merge",
    "opt_clean -purge",  # names that are second names of a signal
)


def _run(command, design):
    ys.run_pass(f"tee -q {command}", design)


def _keep_observed(design, observed):
    """Pin ``observed`` signals through the passes; return those that do not exist."""
    missing = []
    for module_name, signal in observed:
        module = design.module(ys.IdString("\\" + module_name))
        wire = module.wire(ys.IdString("\\" + signal)) if module is not None else None
        if wire is None:
            missing.append([module_name, signal])
        else:
            wire.set_bool_attribute(ys.IdString("\\keep"), True)
    return missing


def _unpin(design, observed):
    for module_name, signal in observed:
        wire = design.module(ys.IdString("\\" + module_name)).wire(ys.IdString("\\" + signal))
        wire.set_bool_attribute(ys.IdString("\\keep"), False)


def _public(objects):
    return [name.str()[1:] for name in objects if name.str().startswith("\\")]


def _sort_ports(module):
    """``clk`` and ``rst`` first, then by name."""
    ports = [wire for wire in module.wires_.values() if wire.port_id]
    ports.sort(key=lambda wire: (wire.name.str() not in ("\\clk", "\\rst"), wire.name.str()))
    for number, wire in enumerate(ports, 1):
        wire.port_id = number
    module.fixup_ports()


def _rename_ports(cell, names):
    """``names`` of the module that ``cell`` is an instance of."""
    connections = list(cell.connections_.items())
    for port, _ in connections:
        cell.unsetPort(port)
    for port, signal in connections:
        cell.setPort(ys.IdString("\\" + names[port.str()[1:]]), signal)


def _rename(design):
    """Give every public object a plain name; return the new names of modules and inside them."""
    modules = plain_names(_public(design.modules_))
    inside = {}
    for name, module in design.modules_.items():
        # A wire, a memory and an instance share one name space in Verilog.
        public = [*_public(module.wires_), *_public(module.cells_), *_public(module.memories)]
        inside[name.str()] = plain_names(public, taken={"unused", modules[name.str()[1:]]})
    for module in design.modules_.values():
        for cell in module.cells_.values():
            if cell.type.str() in inside:
                _rename_ports(cell, inside[cell.type.str()])
                cell.type = ys.IdString("\\" + modules[cell.type.str()[1:]])
    for name, module in list(design.modules_.items()):
        for old, new in inside[name.str()].items():
            if old != new:
                module.rename(ys.IdString("\\" + old), ys.IdString("\\" + new))
        _sort_ports(module)
    for old, new in modules.items():
        if old != new:
            design.rename(design.module(ys.IdString("\\" + old)), ys.IdString("\\" + new))
    return modules, inside


def _instance_paths(design, top):
    """Module name -> path of its instance; Amaranth makes one module per instance."""
    paths, pending = {top: top}, [top]
    while pending:
        name = pending.pop()
        for cell in design.module(ys.IdString("\\" + name)).cells_.values():
            child = cell.type.str()[1:]
            if design.module(cell.type) is not None:
                paths[child] = f"{paths[name]}.{cell.name.str()[1:]}"
                pending.append(child)
    return paths


def _about(design):
    """Module name -> its attribute ``about``, empty without one."""
    return {name.str()[1:]: module.get_string_attribute(ys.IdString("\\about"))
            for name, module in design.modules_.items()}


def convert(request):
    """Do what the module's docstring says; return the answer."""
    design = ys.Design()
    _run(f"read_rtlil {request['rtlil']}", design)
    top = "\\" + request["top"]
    missing = _keep_observed(design, request["observed"])
    if missing:
        return {"missing": missing}
    for command in _PASSES:
        _run(command, design)
        if command == "proc":
            ports = port_names(design)
    while netlist.drop_unread_ports(design, top):
        _run("opt_clean -purge", design)
    # What a pass has cut off in the middle of a bus.
    _run("setundef -undriven -zero", design)
    for module in design.modules_.values():
        netlist.match_widths(module)
        split_circles(module)
    name_numbered(design, ports)
    _unpin(design, request["observed"])
    about = _about(design)
    for module in design.modules_.values():
        say_to_vendors(module)
        netlist.keep_only(module)
        name_private(module)
    modules, signals = _rename(design)
    for name in modules.values():
        module = design.module(ys.IdString("\\" + name))
        netlist.sink_unread(module)
        _run(f"select {name}", design)
        _run(f"write_verilog -selected {Path(request['folder']) / (name + '.v')}", design)
        _run("select -clear", design)
    paths = _instance_paths(design, modules[request["top"]])
    observed = []
    for module, signal in request["observed"]:
        module, signal = modules[module], signals["\\" + module][signal]
        width = design.module(ys.IdString("\\" + module)).wire(ys.IdString("\\" + signal)).width
        observed.append([paths[module], module, signal, width])
    return {"modules": modules, "about": about, "observed": observed, "missing": []}


if __name__ == "__main__":
    serve(convert)
