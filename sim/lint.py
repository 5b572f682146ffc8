"""Verilator's linter, all warnings on: an emitted file must pass without a single one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.processes import run
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.sim.memory_files import with_memory_files
from bsnn_hw.sim.toolchain import Verilator, verilator

__all__ = ["lint"]


def _warnings(tool: Verilator, top: str, arguments: list[str | Path]) -> list[str]:
    result = run(tool.command("-Wall", "-Wno-fatal", "--top-module", top, *arguments),
                 env=tool.environment())
    lines = (result.stdout + result.stderr).splitlines()
    if result.returncode:
        cause = next((line for line in lines if line.startswith("%Error")), "no message")
        raise ToolError(f"verilator --lint-only: must accept {top}, but {cause}")
    return [line for line in lines if line.startswith("%Warning")]


def lint(paths: Iterable[Path], top: str) -> list[str]:
    """Return Verilator's warnings on ``paths``, ``["%Warning-NAME: file:line:column: text", ...]``.

    Where the linter alone has none, those of a build as cocotb makes it, with every signal in
    sight (and large memories' words in files): some come only where signals are ordered.

    Raises
    ------
    ToolError
        Verilator cannot read a file at all.
    """
    tool, files = verilator(), list(paths)
    found = _warnings(tool, top, ["--lint-only", *files])
    if found:
        return found
    with scratch_folder() as scratch:
        build: list[str | Path] = ["--cc", "--vpi", "--public-flat-rw", "--Mdir", scratch]
        copies = with_memory_files(files, scratch)
        found = _warnings(tool, top, [*build, *copies])
    for copy, path in copies.items():
        found = [line.replace(str(copy), str(path)) for line in found]
    return found
