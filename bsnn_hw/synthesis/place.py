"""A netlist to figures of a part: nextpnr, one run for each seed."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.synthesis.harness import HARNESS, INSTANCE
from bsnn_hw.synthesis.netlist import Netlist, refuse_excess
from bsnn_hw.synthesis.targets import Target

__all__ = ["CriticalPath", "Placement", "place", "require_router"]

# How nextpnr says how full the part is, before it places:  Info:   DP16KD:  33/  208   15%
_USED = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)
# What Yosys adds to the name of the RTL's signal when it names a cell after it.
_CELL = re.compile(r"(_(?:TRELLIS|SB|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|MULT18X18D|\$).*"
                   r"|(?:\.\d+)+(?:_RAM)?|\$.*)$")


@dataclass(frozen=True)
class CriticalPath:
    """The slowest way from a register or memory to the next.

    start, end : instance path and signal, as far as the netlist's names keep them
    logic, routing : float, ns; logic with the start's clock-to-output and the end's setup
    steps : int, cells between start and end
    """

    start: str
    end: str
    logic: float
    routing: float
    steps: int

    def words(self) -> str:
        """The path in one line."""
        total = self.logic + self.routing
        between = f"{self.steps} cell(s) between" if self.steps else "nothing between"
        return (f"{self.start} → {self.end}: {total:.1f} ns, {self.logic:.1f} of them in cells "
                f"and {self.routing:.1f} on wires, {between}")


@dataclass(frozen=True)
class Placement:
    """One run of nextpnr.

    megahertz : float, the clock that it reaches
    used : nextpnr's name of a resource -> number, only those that the target's row lists
    """

    seed: int
    megahertz: float
    used: dict[str, int]
    path: CriticalPath


def require_router(target: Target) -> None:
    """Raise ToolError unless the target's nextpnr is installed."""
    package = target.router.package
    if importlib.util.find_spec(target.router.module) is None:
        raise ToolError(f"{package.removeprefix('yowasp-')}: must be installed to place for "
                        f"{target.name}, none was found; pip install 'bsnn-hw[synth]', or "
                        f"pip install {package}")


def place(netlist: Netlist, target: Target, seed: int, folder: Path,
          clock: float | None = None) -> Placement:
    """Place and route with ``seed``; nextpnr's files go into ``folder``.

    clock : float, MHz that nextpnr aims at; None leaves nextpnr's own goal

    Raises
    ------
    InputError
        The design does not fit; says by how much of what.
    ToolError
        nextpnr is missing or failed.
    """
    require_router(target)
    router, report = target.router, folder / f"report_{seed}.json"
    call = (f"import sys, {router.module} as tool; "
            f"sys.exit(tool.{router.function}(sys.argv[1:]))")
    top = HARNESS if target.harness else netlist.top
    # nextpnr sees this folder and little else of the file system, so names are relative to it.
    result = subprocess.run(
        [sys.executable, "-c", call, *router.arguments, "--json", netlist.json.name, "--top", top,
         "--seed", str(seed), "--report", report.name, "--timing-allow-fail",
         *(["--freq", f"{clock:g}"] if clock else [])],
        cwd=folder, capture_output=True, text=True)
    log = result.stdout + result.stderr
    (folder / f"nextpnr_{seed}.log").write_text(log)
    if result.returncode:
        refuse_excess(netlist, target, {name: int(used) for name, used, _ in _USED.findall(log)})
        lines = log.strip().splitlines() or ["no message"]
        cause = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise ToolError(f"{router.package}: seed {seed} failed with code {result.returncode}: "
                        f"{cause}")
    return _placement(json.loads(report.read_text()), target, seed)


def _placement(report: dict, target: Target, seed: int) -> Placement:
    if not report["fmax"]:
        raise ToolError(f"{target.router.package}: seed {seed} reported no clock; "
                        "the design must have registers")
    used = {resource.bel: int(report["utilization"].get(resource.bel, {}).get("used", 0))
            for resource in target.resources}
    slowest = min(float(clock["achieved"]) for clock in report["fmax"].values())
    clocked = [path for path in report["critical_paths"]
               if "<async>" not in (path["from"], path["to"])]
    longest = max(clocked, key=lambda path: sum(step["delay"] for step in path["path"]))
    return Placement(seed, slowest, used, _critical(longest["path"]))


def _critical(path: list[dict]) -> CriticalPath:
    routing = sum(step["delay"] for step in path if step["type"] == "routing")
    logic = sum(step["delay"] for step in path) - routing
    steps = sum(step["type"] == "logic" for step in path)
    return CriticalPath(_place(path[0]["from"]["cell"]), _place(path[-1]["to"]["cell"]),
                        logic, routing, steps)


def _place(cell: str) -> str:
    """The instance path in the RTL, and what is left of the signal's name."""
    return _CELL.sub("", cell.removeprefix(f"{INSTANCE}.")) or cell
