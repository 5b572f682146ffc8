"""A bundle to figures of a part, stage by stage."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.devices.chips import CHIPS
from bsnn_hw.devices.targets import Target
from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.emission.vectors import read_inputs
from bsnn_hw.errors import InputError
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.forecast import forecast
from bsnn_hw.progress import announced
from bsnn_hw.reference.network import run
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.synthesis import report
from bsnn_hw.synthesis.netlist import check_room, synthesize
from bsnn_hw.synthesis.place import place, require_router
from bsnn_hw.synthesis.proof import cell_models, simulate_netlist
from bsnn_hw.synthesis.report import Figures
from bsnn_hw.verification.native import build_model, verify_native

__all__ = ["Request", "measure"]


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    seeds : of nextpnr, at least one
    clock : float, MHz that must be reached, or None
    simulate : int, inferences to run through the netlist, 0 for none
    pins : Path of a file of pins in nextpnr's format for the family, or None
    edited : whether files of the bundle may be other than they were written
    """

    folder: Path
    target: Target
    seeds: Sequence[int] = (1,)
    clock: float | None = None
    simulate: int = 0
    pins: Path | None = None
    edited: bool = False


def measure(request: Request, say: Callable[[str], None] = lambda line: None) -> Figures:
    """Synthesize, simulate, place; write the figures into the bundle's folder ``synth``.

    say : called with a line as each stage ends

    Raises
    ------
    BsnnError
        What the user can mend; no file is left behind by a run that fails or is interrupted.
    """
    target = request.target
    design = open_bundle(request.folder)
    if edits := check_edits(request.folder, request.edited):
        say(f"files of the bundle are not as they were written, {edits}")
    inputs = read_inputs(design, request.folder / "vectors")
    if request.simulate > len(inputs):
        raise InputError(f"`simulate`: must be at most {len(inputs)}, the bundle's vectors, not "
                         f"{request.simulate}; generate with more `vectors`")
    _check_pins(request)
    # What is missing is said before minutes are spent.
    require_router(target)
    if request.simulate:
        cell_models(target)
    with scratch_folder() as scratch:
        figures = _figures(request, design, inputs, scratch, say)
        report.write(figures, request.folder / "synth")
    return figures


def _check_pins(request):
    if request.pins is None:
        if request.target.needs_pins:
            raise InputError(f"`pins`: must be a {request.target.pins_suffix} file for "
                             f"{request.target.name}, whose nextpnr places nothing without pins, "
                             "none was given; see docs/synthesis.md")
        return
    if request.pins.suffix != request.target.pins_suffix or not request.pins.is_file():
        raise InputError(f"`pins`: must be a {request.target.pins_suffix} file for "
                         f"{request.target.name}, {request.pins} is not; see docs/synthesis.md")


def _figures(request, design, inputs, scratch, say):
    target = request.target
    with _stage(say, f"yosys: {target.synth}"):
        netlist = synthesize(design, target, scratch)
    check_room(netlist, target)
    placements = []
    for seed in () if target.needs_pins else request.seeds:
        with _stage(say, f"nextpnr: seed {seed}"):
            placements.append(place(netlist, target, seed, scratch, request.clock))
    pinned = []
    for seed in request.seeds if request.pins else ():
        with _stage(say, f"nextpnr: seed {seed}, with pins"):
            pinned.append(place(netlist, target, seed, scratch, request.clock, request.pins))
    with _stage(say, f"RTL simulated, {len(inputs)} inferences: every score equal"):
        outcome = verify_native(design, build_model(design, scratch / "rtl", probes=False), inputs)
    if request.simulate:
        with _stage(say, f"netlist simulated, {request.simulate} inferences: every score equal"):
            simulate_netlist(design, netlist, target, inputs[:request.simulate], scratch)
    versions = {name: importlib.metadata.version(name)
                for name in ("pyosys", target.router.package)}
    return Figures(target, design.verilog.top, netlist, tuple(placements), outcome.cycles,
                   outcome.inferences, request.simulate, request.clock, versions,
                   report.sources_digest(design.verilog.paths), tuple(pinned),
                   request.pins and request.pins.name, _forecast(design, target, inputs))


def _forecast(design, target, inputs):
    """What the planner says of the bundle's plan, see `Figures`; None for a part it does not know.

    At the activity of the bundle's vectors, on which the cycles are measured too.
    """
    chip = next((chip for chip in CHIPS if chip.name == target.name), None)
    if chip is None:
        return None
    trace = run(design.network, inputs, potentials=False)
    seen = forecast(design.network, design.schedule,
                    measure_activity(design.network, inputs, trace, design.port), chip.family)
    family, cost = chip.family, seen.cost
    values = {family.logic: cost.cells, family.registers: cost.registers,
              family.blocks: cost.blocks, family.multipliers: cost.multipliers}
    return {bel: float(round(value)) for bel, value in values.items() if bel} | {
        "cycles": seen.cycles}


@contextmanager
def _stage(say: Callable[[str], None], words: str) -> Iterator[None]:
    started = time.monotonic()
    with announced(words):
        yield
    say(f"{words} ({time.monotonic() - started:.0f} s)")
