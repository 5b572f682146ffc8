"""What became of a board: its clock and cells, as data and for a person."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.boards.description import Board
from bsnn_hw.boards.lines import BoardLine, line_words
from bsnn_hw.devices.clocks import Clocking
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.errors import BsnnError
from bsnn_hw.synthesis.netlist import Netlist
from bsnn_hw.synthesis.place import Placement
from bsnn_hw.text import percent, table

__all__ = ["FORMAT", "MARGIN", "REPORT", "VERSION", "Made", "check_met", "text", "write"]

FORMAT, VERSION = "bsnn-hw/board", 1
REPORT = "board.json"
MARGIN = 0.1  # by which placing is to reach more than the clock that is chosen


@dataclass(frozen=True)
class Made:
    """A board's circuit, placed.

    simulated : int, images that the netlist was simulated with at its pins, every score equal
    bitstream : name of the file, empty where there is none
    versions : of the tools, by package
    """

    board: Board
    facts: BoardFacts
    clocking: Clocking
    placement: Placement
    netlist: Netlist
    simulated: int
    bitstream: str
    versions: dict[str, str]

    @property
    def line(self) -> BoardLine:
        """Where the host is connected."""
        return self.board.line(self.facts.bridge)

    @property
    def margin(self) -> float:
        """By what share placing reached more than the clock; below 0 it was missed."""
        return self.placement.megahertz / self.clocking.megahertz - 1

    @property
    def met(self) -> bool:
        """Whether the circuit is as fast as its clock."""
        return self.margin >= 0


def check_met(made: Made) -> None:
    """Raise BsnnError where the design misses its clock."""
    if not made.met:
        raise BsnnError(f"{made.board.name}: must reach {made.clocking.megahertz:.2f} MHz, reaches "
                        f"{made.placement.megahertz:.2f}, and is not to be flashed; ask for less "
                        "with `clock`, or try more `seeds`")


def text(made: Made) -> str:
    """For a person."""
    board, best, facts = made.board, made.placement, made.facts
    rows: list[list[object]] = [["resource", "used", "of", "share"]]
    for resource in board.part.resources:
        used = best.used[resource.bel]
        rows.append([f"{resource.words} ({resource.bel})", f"{used:,}", f"{resource.capacity:,}",
                     percent(used / resource.capacity)])
    lines = [
        f"board     {board.name}: {board.title}, {board.part.part}",
        f"clock     {made.clocking.megahertz:.2f} MHz, {made.clocking.words(board.oscillator)}; "
        f"placing reached {best.megahertz:.2f} MHz, margin {100 * made.margin:+.1f} %: "
        f"{'met' if made.met else 'MISSED'}",
        f"critical  {best.path.words()} (seed {best.seed})",
        f"{facts.bridge:9} {line_words(facts.bridge, facts.baud, facts.divisor)}; "
        f"{facts.shape.sample:,} bytes a sample, {facts.shape.result:,} a result; circuit "
        f"{facts.identifier}",
        f"pins      {made.line.words()}",
        f"bitstream {made.bitstream or _none(made)}",
    ]
    if made.simulated:
        lines.append(f"netlist   {made.simulated} inference(s) through the simulated netlist's "
                     f"pins {', '.join(made.line.pins)}: every score equal")
    if board.note:
        lines.append(f"note      {board.note}")
    return "\n".join([*lines, "", table(rows)])


def _none(made: Made) -> str:
    return ("none: nextpnr ended with a fault of its own behind its routing; figures from its log"
            if made.placement.faulty else "none: no packer is there for this family")


def report(made: Made) -> dict[str, Any]:
    """As plain JSON values."""
    board, best, clocking = made.board, made.placement, made.clocking
    return {
        "format": FORMAT, "version": VERSION, "board": board.name, "title": board.title,
        "target": board.part.name, "part": board.part.part, "tools": made.versions,
        "circuit": made.facts.identifier, "bridge": made.facts.bridge,
        "pins": dict(made.line.pins), "connector": made.line.connector or None,
        "top": board.top, "loader": board.loader,
        "bitstream": made.bitstream or None,
        "clock": {"megahertz": clocking.megahertz, "reached": best.megahertz,
                  "margin": made.margin, "met": made.met, "oscillator": board.oscillator,
                  "cell": clocking.cell or None, "divide": clocking.divide,
                  "parameters": dict(clocking.parameters)},
        "seed": best.seed, "critical_path": asdict(best.path), "nextpnr_faulty": best.faulty,
        "resources": {resource.bel: {"used": best.used[resource.bel],
                                     "available": resource.capacity}
                      for resource in board.part.resources},
        "netlist_simulated": made.simulated,
    }


def write(made: Made, folder: Path) -> None:
    """Write board.txt and board.json."""
    (folder / "board.txt").write_text(text(made) + "\n", encoding="utf-8")
    (folder / REPORT).write_text(json.dumps(report(made), indent=2) + "\n", encoding="utf-8")
