"""Verilator's linter, all warnings on: an emitted file must pass without a single one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.sim.toolchain import verilator

__all__ = ["lint"]


def lint(paths: Iterable[Path], top: str) -> list[str]:
    """Return Verilator's warnings on ``paths``, ``["%Warning-NAME: file:line:column: text", ...]``.

    Raises
    ------
    ToolError
        Verilator cannot read a file at all.
    """
    tool = verilator()
    result = subprocess.run(
        tool.command("--lint-only", "-Wall", "-Wno-fatal", "--top-module", top, *paths),
        env=tool.environment(), capture_output=True, text=True,
    )
    lines = (result.stdout + result.stderr).splitlines()
    if result.returncode:
        cause = next((line for line in lines if line.startswith("%Error")), "no message")
        raise ToolError(f"verilator --lint-only: must accept {top}, but {cause}")
    return [line for line in lines if line.startswith("%Warning")]
