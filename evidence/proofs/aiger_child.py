"""RTLIL of a harness to an and-inverter graph, by Yosys; a child process, which an error ends."""

from __future__ import annotations

from bsnn_hw.child import serve

__all__: list[str] = []

COMMANDS = ("hierarchy -top harness", "proc", "flatten", "opt -full", "memory_map", "opt -full",
            "techmap", "dffunmap", "simplemap", "setundef -anyseq", "aigmap", "opt_clean",
            "write_aiger -zinit -symbols harness.aig")


def _convert(name):
    """Write ``harness.aig`` into this folder, of the RTLIL file ``name``."""
    from pyosys import libyosys as ys

    design = ys.Design()
    for command in (f"read_rtlil {name}", *COMMANDS):
        ys.run_pass(f"tee -q {command}", design)
    return "written"


if __name__ == "__main__":
    serve(_convert)
