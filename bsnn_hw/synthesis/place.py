"""A netlist to figures of a part: nextpnr, one run for each seed."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from bsnn_hw.devices.targets import Target
from bsnn_hw.errors import ToolError
from bsnn_hw.processes import run
from bsnn_hw.synthesis.harness import HARNESS, INSTANCE
from bsnn_hw.synthesis.netlist import Netlist, refuse_excess

__all__ = ["CriticalPath", "Placement", "place", "require_router"]

# How nextpnr says how full the part is, before it places:  Info:   DP16KD:  33/  208   15%
_USED = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)
# A step of the critical path in nextpnr's log:  Info:    routing  2.50  4.75 Net a.b (5,7) -> (8,9)
_STEP = re.compile(r"^Info:\s+([\w-]+)\s+([\d.]+)\s+[\d.]+ (?:Source|Net) (\S+)", re.MULTILINE)
_CLOCKED = re.compile(r"^Info: Critical path report for clock .*$", re.MULTILINE)
_FREQUENCY = re.compile(r"^Info: Max frequency for clock .*: ([\d.]+) MHz", re.MULTILINE)
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

    bitstream : Path, None without pins or where no packer is packaged
    faulty : nextpnr ended with a fault behind its routing; the figures are from its log
    megahertz : float, the clock that it reaches
    used : nextpnr's name of a resource -> number, only those that the target's row lists
    """

    seed: int
    megahertz: float
    used: dict[str, int]
    path: CriticalPath
    bitstream: Path | None = None
    faulty: bool = False


def require_router(target: Target) -> None:
    """Raise ToolError unless the target's nextpnr is installed."""
    package = target.router.package
    if importlib.util.find_spec(target.router.module) is None:
        raise ToolError(f"{package.removeprefix('yowasp-')}: must be installed to place for "
                        f"{target.name}, none was found; pip install 'bsnn-hw[synth]', or "
                        f"pip install {package}")


def place(netlist: Netlist, target: Target, seed: int, folder: Path,
          clock: float | None = None, pins: Path | None = None) -> Placement:
    """Place and route with ``seed``; nextpnr's files go into ``folder``.

    With ``pins`` the design's ports are where that file says, and a bitstream is made.

    clock : float, MHz that nextpnr aims at; None leaves nextpnr's own goal

    Raises
    ------
    InputError
        The design does not fit; says by how much of what.
    ToolError
        nextpnr is missing or failed.
    """
    require_router(target)
    router, name = target.router, f"{'pins_' if pins else ''}{seed}"
    report, config = folder / f"report_{name}.json", f"config_{name}.txt"
    call = (f"import sys, {router.module} as tool; "
            f"sys.exit(tool.{router.function}(sys.argv[1:]))")
    top = HARNESS if target.harness and not pins else netlist.top
    json_file = (netlist.bare if pins else None) or netlist.json
    more = list(router.free)
    if pins:
        local = folder / f"pins{target.pins_suffix}"
        local.write_bytes(pins.read_bytes())
        more = _named(router.pins, local.name)
        if target.packer:
            more += _named(router.config, config)
    # nextpnr sees this folder and little else of the file system, so names are relative to it.
    result = run(
        [sys.executable, "-c", call, *router.arguments, *more, "--json", json_file.name,
         "--top", top, "--seed", str(seed), "--report", report.name, "--timing-allow-fail",
         *(["--freq", f"{clock:g}"] if clock else [])],
        cwd=folder)
    log = result.stdout + result.stderr
    (folder / f"nextpnr_{name}.log").write_text(log, encoding="utf-8")
    if result.returncode:
        refuse_excess(netlist, target, {name: int(used) for name, used, _ in _USED.findall(log)})
        if router.faults_late and (found := _logged(log, target, seed)):
            return found
        lines = log.strip().splitlines() or ["no message"]
        cause = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise ToolError(f"{router.package}: seed {seed} failed with code {result.returncode}: "
                        f"{cause}")
    placement = _placement(json.loads(report.read_text(encoding="utf-8")), target, seed)
    if router.repacks:
        placement = replace(placement, used=_packed(log, target))
    return replace(placement, bitstream=_pack(target, folder, config)) if pins else placement


def _named(option: tuple[str, ...], file: str) -> list[str]:
    """The option with its file: ``("--pcf",)`` or ``("--vopt", "ccf=")``."""
    joined = bool(option) and option[-1].endswith("=")
    return [*option[:-1], option[-1] + file] if joined else [*option, file]


def _pack(target: Target, folder: Path, config: str) -> Path | None:
    """The bitstream of ``config``; None where no packer is packaged."""
    packer = target.packer
    if packer is None:
        return None
    bitstream = (folder / config).with_suffix(packer.suffix)
    result = run([sys.executable, "-c", f"import sys; {packer.call}", *packer.arguments, config,
                  *packer.output, bitstream.name], cwd=folder)
    if result.returncode or not bitstream.is_file():
        lines = (result.stdout + result.stderr).strip().splitlines() or ["no message"]
        raise ToolError(f"{packer.name}: failed with code "
                        f"{result.returncode}: {lines[-1]}")
    return bitstream


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


def _logged(log: str, target: Target, seed: int) -> Placement | None:
    """The figures in the log of a run that failed behind its routing, None if it failed before."""
    _, legal, routed = log.partition("Running router1 to check that route is legal")
    reports = _CLOCKED.split(routed)
    if not legal or len(reports) < 2 or not _FREQUENCY.search(routed) or "memory fault" not in log:
        return None
    path = []
    for kind, delay, name in _STEP.findall(reports[1].partition("Info: Critical path report")[0]):
        cell = {"cell": name.rpartition(".")[0]}
        path.append({"type": kind, "delay": float(delay), "from": cell, "to": cell}
                    | ({"net": name} if kind == "routing" else {}))
    skews = [path.pop(0) for _ in range(len(path)) if path[0]["type"] == "clk-skew"]
    path[1:1] = skews  # it counts, and is no place where a path starts
    return Placement(seed, min(map(float, _FREQUENCY.findall(routed))),
                     _packed(log, target), _critical(path), faulty=True)


def _packed(log: str, target: Target) -> dict[str, int]:
    """What the log says was packed, of the resources that the target's row lists."""
    used = {name: int(count) for name, count, _ in _USED.findall(log)}
    return {resource.bel: used.get(resource.bel, 0) for resource in target.resources}


def _critical(path: list[dict]) -> CriticalPath:
    routing = sum(step["delay"] for step in path if step["type"] == "routing")
    logic = sum(step["delay"] for step in path) - routing
    steps = sum(step["type"] == "logic" for step in path)
    return CriticalPath(_end(path, 0, "from"), _end(path, -1, "to"), logic, routing, steps)


def _end(path: list[dict], index: int, side: str) -> str:
    """Name of the cell at an end; of the next wire where Yosys numbered the cells."""
    cell = path[index][side]["cell"]
    nets = [step["net"] for step in path if not step.get("net", "$").startswith("$")]
    return _place(nets[index] if cell.startswith("$") and nets else cell)


def _place(cell: str) -> str:
    """The instance path in the RTL, and what is left of the signal's name."""
    return _CELL.sub("", cell.removeprefix(f"{INSTANCE}.")) or cell
