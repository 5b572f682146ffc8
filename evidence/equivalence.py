"""Whether two versions of a module do the same from any common state on, as Yosys proves it.

Runs itself as a child process: a Yosys error ends the process.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bsnn_hw.child import ask, serve
from bsnn_hw.errors import ToolError
from bsnn_hw.scratch import scratch_folder

__all__ = ["equivalent"]


def equivalent(one: Path, other: Path) -> bool:
    """Whether the module in each of two files, which has no instances, is the same circuit.

    Registers of the same name are taken to hold the same, and then must go on to (induction).
    False where Yosys finds no proof.
    """
    with scratch_folder() as scratch:
        for path, name in ((one, "one.v"), (other, "other.v")):
            shutil.copy(path, scratch / name)
        try:
            return ask("evidence.equivalence", one.stem, "yosys: equivalence",
                       folder=scratch) == "proven"
        except ToolError:
            return False


def _prove(top):
    """The child's part: ``one.v`` against ``other.v`` in this folder; a failure ends it."""
    from pyosys import libyosys as ys

    design = ys.Design()
    for name in ("one", "other"):
        for command in (f"read_verilog {name}.v", f"rename {top} {name}"):
            ys.run_pass(f"tee -q {command}", design)
    for command in ("proc", "opt_clean", "equiv_make one other both", "hierarchy -top both",
                    "equiv_simple", "equiv_induct", "equiv_status -assert"):
        ys.run_pass(f"tee -q {command}", design)
    return "proven"


if __name__ == "__main__":
    serve(_prove)
