"""The child process of `bsnn_hw.verilog.write.yosys_reads`: Verilog in, Yosys's warnings out."""

from pathlib import Path

from pyosys import libyosys as ys

from bsnn_hw.child import serve

_LOG = "yosys.log"  # `tee` takes what Yosys says before it reaches stdout


def read(request):
    """Read ``request["paths"]``, files in this folder, up to memories; return the warnings."""
    design = ys.Design()
    for command in (*(f"read_verilog {path}" for path in request["paths"]),
                    f"hierarchy -check -top {request['top']}", "proc", "memory_collect",
                    "check -assert"):
        ys.run_pass(f"tee -q -a {_LOG} {command}", design)
    lines = Path(_LOG).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.lower().startswith("warning")]


if __name__ == "__main__":
    serve(read)
