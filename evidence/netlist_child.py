"""Verilog and its netlist to a circuit whose one output says that they differ, by Yosys; a child
process, which an error ends."""

from __future__ import annotations

from bsnn_hw.child import serve

__all__: list[str] = []

# A register of no initial value has none in either; cells of the netlist start at 0.
_GRAPH = ("opt -full", "memory_map", "opt -full", "techmap", "async2sync", "dffunmap", "simplemap",
          "setundef -zero -init", "aigmap", "opt_clean", "write_aiger -zinit -symbols differs.aig")


def _join(request):
    """Write ``differs.aig`` into this folder; ``top`` : the module's name, ``rtl`` and ``netlist``
    : files that have it, the latter with the models of its cells."""
    top = request["top"]
    for side in ("rtl", "netlist"):
        # Deferred: of the cells' models only those that are there are worked out.
        _run(*(f"read_verilog -defer {path}" for path in request[side]),
             f"hierarchy -top {top}", "proc", "flatten", "opt_clean", f"rename {top} {side}",
             f"hierarchy -top {side}", f"write_rtlil {side}.il")
    _run("read_rtlil rtl.il", "read_rtlil netlist.il",
         "miter -equiv -flatten rtl netlist differs", "hierarchy -top differs", *_GRAPH)
    return "written"


def _run(*commands):
    from pyosys import libyosys as ys

    design = ys.Design()
    for command in commands:
        ys.run_pass(f"tee -q {command}", design)


if __name__ == "__main__":
    serve(_join)
