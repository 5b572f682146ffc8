"""What is made once in a run of the tests, though two processes of pytest-xdist want it."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from shutil import copy, copytree, rmtree
from typing import Any

__all__ = ["made_once", "once_compiled", "once_written", "run_folder"]


def run_folder(factory: Any) -> Path:
    """A folder of this run, the same in each of its processes."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, make: Callable[[Path], Any]) -> Any:
    """What ``make`` gives of ``folder``, which it fills, now or in another process.

    ``folder`` is not there yet, nor is a folder around it that ``make`` does not make itself.
    """
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder.with_name(f"{folder.name}.pickle")
        if not kept.exists():
            rmtree(folder, ignore_errors=True)  # of one that failed
            kept.write_bytes(pickle.dumps(make(folder)))
    return pickle.loads(kept.read_bytes())


def once_written(real: Callable[..., Any], place: Path) -> Callable[..., Any]:
    """`child.ask`, for RTLIL to Verilog: Yosys writes the same circuit once."""
    @functools.wraps(real)
    def ask(module: str, request: Any, what: str, *, folder: Path) -> Any:
        if module != "bsnn_hw.verilog.passes":
            return real(module, request, what, folder=folder)

        def write(kept: Path) -> Any:
            answer = real(module, request, what, folder=folder)
            copytree(folder / request["folder"], kept)
            return answer

        text = (folder / request["rtlil"]).read_bytes()
        kept = place / f"verilog-{_key(text, json.dumps(request))}"
        answer = made_once(kept, write)
        copytree(kept, folder / request["folder"], dirs_exist_ok=True)
        return answer

    return ask


def once_compiled(real: Callable[..., Path], place: Path) -> Callable[..., Path]:
    """`sim.program._compile`: the compiler makes the same program once."""
    @functools.wraps(real)
    def compiled(folder: Path, tool: Any, cxx: Any, optimize: str, names: Any) -> Path:
        def build(kept: Path) -> None:
            copy(real(folder, tool, cxx, optimize, names), kept)

        texts = [(path.name, path.read_text(encoding="utf-8"))
                 for path in sorted(folder.iterdir()) if path.suffix in (".cpp", ".h")]
        kept = place / f"program-{_key(texts, tool, cxx, optimize, names)}"
        made_once(kept, build)
        return Path(copy(kept, folder / "simulate"))

    return compiled


def _key(*facts: object) -> str:
    """What a tool makes depends on, and tests that hide a tool by these variables."""
    variables = [os.environ.get(name) for name in ("PATH", "PYTHONPATH", "CXX", "VERILATOR")]
    return hashlib.sha256(repr((facts, variables)).encode()).hexdigest()[:24]
