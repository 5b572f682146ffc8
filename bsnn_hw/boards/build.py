"""A bundle or a model to a board's bitstream: placed, its clock chosen, and placed with that."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bsnn_hw.boards.constraints import constraints
from bsnn_hw.boards.core import (
    board_facts,
    core_verilog,
    line_speed,
    open_core,
    suits,
    written_whole,
)
from bsnn_hw.boards.description import Board
from bsnn_hw.boards.other import could_take
from bsnn_hw.boards.pins import clock_verilog, pins_verilog
from bsnn_hw.boards.proof import prove
from bsnn_hw.boards.report import MARGIN, Made, write
from bsnn_hw.devices.chips import find_chip
from bsnn_hw.devices.clocks import Clocking, choose_clock
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.vectors import read_inputs
from bsnn_hw.errors import InputError
from bsnn_hw.ir.schedule import Port
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.pipeline import generate
from bsnn_hw.planning.goal import parse_goal
from bsnn_hw.progress import step
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.synthesis.netlist import Netlist, NoRoomError, check_room, synthesize
from bsnn_hw.synthesis.place import Placement, place, require_router
from bsnn_hw.synthesis.proof import cell_models

__all__ = ["BoardRequest", "make_board"]

ATTEMPTS = 4  # at a clock that is met with some margin
BUNDLE = "bundle"  # folder of what a model became


@dataclass(frozen=True)
class BoardRequest:
    """What a user asks for.

    source : Path of a bundle, or of a model file to plan for the board
    out : Path of the folder to write
    clock : float, MHz at most, whether placing reaches them or not; None for what it reaches
    baud : of a serial line
    bridge : what a host is connected by
    seeds : of nextpnr, at least one
    simulate : int, of the bundle's vectors to run through the netlist
    edited : whether files of the bundle may be other than they were written
    """

    source: Path
    board: Board
    out: Path
    baud: int = 1_000_000
    bridge: Bridge = Bridge.UART
    clock: float | None = None
    seeds: Sequence[int] = (1,)
    simulate: int = 0
    edited: bool = False


@dataclass(frozen=True)
class _Attempt:
    """One clock, placed."""

    clocking: Clocking
    facts: BoardFacts
    folder: Path
    sources: tuple[Path, ...]
    netlist: Netlist
    placement: Placement

    @property
    def margin(self) -> float:
        """By what share placing reached more than the clock."""
        return self.placement.megahertz / self.clocking.megahertz - 1


def make_board(request: BoardRequest) -> Made:
    """Make ``request.out``: rtl/, the top level, pins, bitstream, report, and link.json.

    Raises
    ------
    BsnnError
        What the user can mend; nothing is left behind.
    """
    request.board.line(request.bridge)
    require_router(request.board.part)
    if request.simulate:
        cell_models(request.board.part)
    with written_whole(request.out) as draft, scratch_folder() as scratch:
        bundle = _bundle(request, draft)
        design = open_core(bundle, request.edited, request.board.top)
        inputs = read_inputs(design, bundle / "vectors")
        if request.simulate > len(inputs):
            raise InputError(f"`simulate`: must be at most {len(inputs)}, the bundle's vectors, "
                             f"not {request.simulate}; generate with more `vectors`")
        try:
            attempt = _placed(request, design, scratch)
        except NoRoomError as error:
            words = could_take(design, inputs, request.board, not request.source.is_dir())
            raise InputError(f"{error}; {words}") from None
        if request.simulate:
            with step(f"netlist simulated at its pins, {request.simulate} inferences: every score "
                      "equal"):
                prove(design, request.board, attempt.clocking, attempt.netlist.verilog,
                      attempt.facts, inputs[:request.simulate], scratch / "proof")
        return _keep(request, attempt, draft)


def _bundle(request: BoardRequest, draft: Path) -> Path:
    """The bundle's folder; a model becomes one."""
    if request.source.is_dir():
        return request.source
    generate(request.source, draft / BUNDLE, target=request.board.part.name,
             goal=parse_goal("smallest"), port=Port.BYTES)
    return draft / BUNDLE


def _placed(request: BoardRequest, design: Design, scratch: Path) -> _Attempt:
    """At the clock that is asked for, else at one that placing exceeds by about `MARGIN`."""
    board = request.board

    def clock(most: float) -> Clocking:
        return choose_clock(board.oscillator, board.pll, most,
                            partial(suits, request.bridge, request.baud))

    tried = _attempt(request, design, clock(request.clock or find_chip(board.part.name).clock),
                     scratch / "0")
    for number in range(1, 1 if request.clock else ATTEMPTS):
        better = clock(tried.placement.megahertz / (1 + MARGIN))
        if (tried.margin >= MARGIN / 2
                and better.megahertz <= tried.clocking.megahertz * (1 + MARGIN)):
            break
        tried = _attempt(request, design, better, scratch / str(number))
    return tried


def _attempt(request: BoardRequest, design: Design, clocking: Clocking, folder: Path) -> _Attempt:
    """Synthesize and place with this clock."""
    board, bridge = request.board, request.bridge
    facts = board_facts(design, *line_speed(bridge, clocking.megahertz, request.baud), bridge)
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    inside = (*core_verilog(design, facts, rtl).paths,
              *pins_verilog(board, bridge, 8 * facts.class_bytes, rtl).paths)
    sources = clock_verilog(board, bridge, clocking, folder)
    pins = folder / f"{board.top}{board.part.pins_suffix}"
    pins.write_text(constraints(board, bridge), encoding="utf-8")
    whole = replace(design, verilog=replace(design.verilog, top=board.top,
                                            paths=(*inside, *sources)))
    with step(f"yosys, {clocking.megahertz:.2f} MHz"):
        netlist = synthesize(whole, board.part, folder)
    check_room(netlist, board.part)
    with step(f"nextpnr, {clocking.megahertz:.2f} MHz"):
        placements = [place(netlist, board.part, seed, folder, clocking.megahertz, pins)
                      for seed in request.seeds]
    best = max(placements, key=lambda placement: placement.megahertz)
    return _Attempt(clocking, facts, folder, (*sources, pins), netlist, best)


def _keep(request: BoardRequest, attempt: _Attempt, draft: Path) -> Made:
    """What is worth it of an attempt, in the board's folder."""
    board, bitstream = request.board, attempt.placement.bitstream
    shutil.copytree(attempt.folder / "rtl", draft / "rtl")
    for path in attempt.sources:
        shutil.copy(path, draft)
    name = f"{board.top}{bitstream.suffix}" if bitstream else ""
    if bitstream:
        shutil.copy(bitstream, draft / name)
    attempt.facts.write(draft)
    made = Made(board, attempt.facts, attempt.clocking, attempt.placement, attempt.netlist,
                request.simulate, name, _versions(board))
    write(made, draft)
    return made


def _versions(board: Board) -> dict[str, str]:
    return {name: importlib.metadata.version(name)
            for name in ("pyosys", board.part.router.package)}
