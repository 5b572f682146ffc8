"""What others' tools take a circuit by: a file list, a FuseSoC core, an IP-XACT component."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw import __version__
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.memories import MEM_FOLDER
from bsnn_hw.sim.render import render
from bsnn_hw.verilog.header import YOURS, plain_text

__all__ = ["FLOW_FILES", "write_flows"]

FLOW_FILES = {"files.f": "files.f.j2", "bsnn.core": "bsnn.core.j2",
              "component.xml": "component.xml.j2"}

_PORT = re.compile(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)
_STREAM = re.compile(r"([sm]_axis)_t(\w+)")


@dataclass(frozen=True)
class PortFacts:
    """A port of the top level; high : int, its highest bit."""

    name: str
    direction: str
    high: int


@dataclass(frozen=True)
class StreamFacts:
    """An AXI4-Stream; signals : (the standard's name, the port's) of each."""

    name: str
    mode: str
    signals: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FlowFacts:
    """What the templates of `FLOW_FILES` read.

    network : its name, in plain characters
    sources, memories : names in the bundle, and the latter's names without a folder
    """

    top: str
    network: str
    version: str
    yours: str
    sources: tuple[str, ...]
    memories: tuple[tuple[str, str], ...]
    ports: tuple[PortFacts, ...]
    streams: tuple[StreamFacts, ...]


def write_flows(design: Design, folder: Path) -> None:
    """Write the files into the bundle ``folder``, whose Verilog is there."""
    facts = _facts(design, folder)
    for name, template in FLOW_FILES.items():
        (folder / name).write_text(render(template, core=facts), encoding="utf-8")


def _facts(design: Design, folder: Path) -> FlowFacts:
    rtl = MEM_FOLDER if (folder / MEM_FOLDER).is_dir() else "rtl"
    sources = tuple(f"{rtl}/{path.name}" for path in design.verilog.paths)
    words = sorted(path.name for path in (folder / rtl).glob("*.mem"))
    top = design.verilog.top
    ports = _ports((folder / rtl / f"{top}.v").read_text(encoding="utf-8"))
    return FlowFacts(top, plain_text(design.network.name), __version__, YOURS, sources,
                     tuple((f"{rtl}/{name}", name) for name in words), ports, _streams(ports))


def _ports(verilog: str) -> tuple[PortFacts, ...]:
    return tuple(PortFacts(name, {"input": "in", "output": "out"}[direction], int(high or 0))
                 for direction, high, name in _PORT.findall(verilog))


def _streams(ports: tuple[PortFacts, ...]) -> tuple[StreamFacts, ...]:
    signals: dict[str, list[tuple[str, str]]] = {"s_axis": [], "m_axis": []}
    for port in ports:
        if match := _STREAM.fullmatch(port.name):
            signals[match[1]].append((f"T{match[2].upper()}", port.name))
    modes = {"s_axis": "slave", "m_axis": "master"}
    return tuple(StreamFacts(name, modes[name], tuple(found)) for name, found in signals.items())
