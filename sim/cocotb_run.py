"""cocotb benches under Verilator, with failures as exceptions that say what cocotb said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.errors import MismatchError, ToolError
from bsnn_hw.processes import run
from bsnn_hw.scratch import keep_log
from bsnn_hw.sim.toolchain import verilator

__all__ = ["CocotbResult", "run_cocotb"]

# cocotb's runner exits on failure and looks at pytest's environment: hence a child process.
# It and make split what they build with at spaces: such paths are links in the build folder.
_CHILD = """
import json, os, re, sys
from pathlib import Path
from cocotb_tools import config
from cocotb_tools.runner import get_runner
request = json.loads(sys.argv[1])
top, build, timescale = request["top"], request["build"], ("1ns", "1ps")
real = config.libs_dir, config.share_dir, Path(os.environ["VERILATOR_ROOT"])
def short(path):
    if re.fullmatch(r"[-\\w./+]+", str(path)):
        return path
    link = Path(build, "linked_" + path.name)
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return Path(link.name)
config.libs_dir, config.share_dir, root = map(short, real)
os.environ["VERILATOR_ROOT"] = str(root)
os.environ["MAKEFLAGS"] += " CURDIR=."  # where Verilator's Makefile looks for spaces and gives up
runner = get_runner("verilator")
runner.build(hdl_toplevel=top, sources=request["sources"], build_dir=build, timescale=timescale)
Path(request["built"]).touch()
config.libs_dir, config.share_dir, _ = real
os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(
    filter(None, [str(config.libs_dir), os.environ.get("LD_LIBRARY_PATH")]))
runner.test(hdl_toplevel=top, test_module=request["module"], build_dir=build,
            test_dir=request["folder"], results_xml=request["results"], timescale=timescale,
            extra_env=request["variables"], seed=request["seed"], testcase=request["testcase"])
"""
# Of Verilator's Makefile: one unit, whose headers are parsed once, and not ten.
_UNOPTIMIZED = " VM_PARALLEL_BUILDS=0 OPT_FAST=-O0"
# Variables of a caller that would choose tests, or run something else.
_STEERS = re.compile(r"(COCOTB|GPI|PYGPI|PYTEST)_.*|SIM_CMD_(PREFIX|SUFFIX)|WAVES|GUI|MAKELEVEL|"
                     r"MFLAGS|(GNU)?MAKEFILES")
_CAUSE = re.compile(r"^.*(?:%Error|%Warning|error:|ERROR|Error).*$", re.MULTILINE)


@dataclass(frozen=True)
class CocotbResult:
    """tests : names of those that passed; log : Path of everything that was printed."""

    tests: tuple[str, ...]
    log: Path


def _environment(folder: Path, brief: bool) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    outside = {key: value for key, value in os.environ.items() if not _STEERS.fullmatch(key)}
    tools = verilator().cocotb_environment()
    if brief:
        tools["MAKEFLAGS"] += _UNOPTIMIZED
    return {**outside, **tools, "PYTHONPATH": path}


def _check_results(results: Path, text: str) -> tuple[str, ...]:
    """Return the tests that ran, or raise with the first failure's own message."""
    if not results.exists():
        last = (text.strip().splitlines() or ["no message"])[-1]
        raise ToolError(f"cocotb: must leave results, the simulation ended with: {last}"
                        f"{keep_log(text)}")
    names = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        name = case.get("name", "")
        for kind in ("failure", "error"):
            fault = case.find(kind)
            if fault is not None:
                message = fault.get("message") or fault.get("error_msg") or fault.text or ""
                raise MismatchError(f"bench {name}: {message.strip()}")
        if case.find("skipped") is None:
            names.append(name)
    if not names:
        raise ToolError("cocotb: must run at least one test, none was found")
    return tuple(names)


def run_cocotb(
    sources: Iterable[Path],
    top: str,
    test_module: str,
    folder: Path,
    build: Path,
    *,
    variables: Mapping[str, str] | None = None,
    seed: int = 0,
    testcase: str | None = None,
    brief: bool = False,
) -> CocotbResult:
    """Build ``sources`` with Verilator and run a cocotb bench against them.

    Parameters
    ----------
    sources : Verilog files
    top : str, module name of the top level
    test_module : str, name of the bench's Python module, importable from ``folder``
    folder : Path, where the bench lies and runs; ``cocotb.log`` and ``results.xml`` go to ``build``
    build : Path, for everything that is built; an up-to-date build is used again
    variables : environment of the bench
    seed : int, of cocotb's ``random``
    testcase : str, run only this test
    brief : bool, of so few cycles that what optimizes them takes longer

    Raises
    ------
    MismatchError
        A test failed; the message is the test's own.
    ToolError
        A tool is missing, or the build or the simulator failed.
    """
    folder, build = folder.resolve(), build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    results, log = build / "results.xml", build / "cocotb.log"
    built = build / "built"  # is there once the simulation is
    for left in (results, built):
        left.unlink(missing_ok=True)
    request = {
        "top": top, "sources": [str(path.resolve()) for path in sources], "build": str(build),
        "folder": str(folder), "module": test_module, "results": str(results), "seed": seed,
        "testcase": testcase, "variables": dict(variables or {}), "built": str(built),
    }
    result = run([sys.executable, "-c", _CHILD, json.dumps(request)],
                 env=_environment(folder, brief), cwd=build, stderr=subprocess.STDOUT)
    log.write_text(result.stdout, encoding="utf-8")
    if not built.exists():
        cause = _CAUSE.search(result.stdout)
        raise ToolError(f"cocotb: building {top} failed: {cause[0] if cause else 'no message'}"
                        f"{keep_log(result.stdout)}")
    return CocotbResult(_check_results(results, result.stdout), log)
