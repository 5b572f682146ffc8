"""The child process of `bsnn_hw.reporting.circuit`: Verilog in, C++ of the same circuit out.

A Yosys error ends the process, which is why this is one. Call::

    python -m bsnn_hw.reporting.cxxrtl_child REQUEST ANSWER

REQUEST is a JSON file ``{"paths": [...], "top": name, "observed": [name, ...], "most": int,
"cpp": path}``, names of signals below the top level with dots; ANSWER becomes one of what
`translate` returns.
"""

from pyosys import libyosys as ys

from bsnn_hw.child import serve


def _run(command, design):
    ys.run_pass(f"tee -q {command}", design)


def translate(request):
    """Write the C++ unless the circuit has more than ``most`` cells.

    Returns
    -------
    dict
        ``cells``: of the flat circuit, a memory being one; ``missing``: observed signals that it
        does not have
    """
    design, top = ys.Design(), request["top"]
    for path in request["paths"]:
        _run(f"read_verilog {path}", design)
    _run(f"hierarchy -check -top {top}", design)
    _run("proc", design)
    _run("memory_collect", design)
    _run("flatten", design)
    _run("opt_clean", design)
    module = design.module(ys.IdString("\\" + top))
    missing = [name for name in request["observed"]
               if module.wire(ys.IdString("\\" + name)) is None]
    cells = sum(cell.type.str() != "$scopeinfo" for cell in module.cells_.values())
    if cells <= request["most"] and not missing:
        for name in request["observed"]:
            _run(f"setattr -set keep 1 {top}/w:{name}", design)
        _run(f"write_cxxrtl -O6 -g0 {request['cpp']}", design)
    return {"cells": cells, "missing": missing}


if __name__ == "__main__":
    serve(translate)
