"""``python -m evidence.netlists``: what Yosys makes of components is the components.

A component's Verilog goes through the flow of ``bsnn_hw.synth``, for ECP5 and iCE40, and the cells
of the netlist are put in by the models that Yosys has of them.  From reset on, both must give the
same on every output in every cycle, whatever comes in: ABC proves it by signals that correspond
(`scorr`) and reachability (`pdr`), without a bound on the cycles.  A netlist with one LUT turned
round must be told from it.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.child import ask
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError, ToolError
from bsnn_hw.scratch import scratch_folder
from evidence.pools import process_pool
from evidence.proofs.abc import ask_abc

__all__ = ["COMPONENTS", "FAMILIES", "Judged", "judge", "main"]

FAMILIES = {"ECP5": "ecp5-25k", "iCE40": "ice40-hx8k"}
# By the names of their proofs.  Accumulators and the currents of a join are none of them: their
# proofs are of three rows, and a fourth, which no network asks for and anything does here,
# is other in the netlist's memory than in the RTL's.  With four rows the accumulator's is equal.
# Nor is the sample's gate, as its factor is not defined before the first step.
COMPONENTS = ("stream buffer", "stream register", "register pair", "queue and its margin",
              "carry queue and its margin", "spike encoder", "map encoder", "parts of rows",
              "gathered rows", "join", "collector", "frontend", "popcount", "synapses, spikes",
              "pooling of spikes, maximum", "pooling of spikes, sum", "words to bytes",
              "merged groups", "walk of a convolution", "walk of groups",
              "synapses of groups side by side", "neurons, hard reset",
              "neurons, soft reset and a leak of their own", "synaptic currents, a shift",
              "synaptic currents, leaks of their own", "pooling of spikes, windows that overlap",
              "scores of a constant gain", "scores summed over timesteps",
              "queue and its margin, pipelined", "spike encoder, pipelined",
              "synapses, spikes, pipelined", "neurons, pipelined")
# These have ROMs, which show nothing defined until a row was asked for some cycles ago.
RESTED = ("neurons", "synaptic", "scores")
REST = 6
PATIENCE = 200  # seconds of a processor for a decision
_LUT = re.compile(r"INIT\(16'h([0-9a-f]+)\)")


@dataclass(frozen=True)
class Judged:
    """A netlist that is the component.

    luts, registers : int; seconds : float, of the proof
    faulty : int, first cycle in which the netlist with a LUT turned round differs; None where it
        has no LUT
    """

    name: str
    family: str
    luts: int
    registers: int
    seconds: float
    faulty: int | None


def judge(name: str, family: str) -> Judged:
    """Synthesize the component of a proof, and prove that its netlist does the same.

    Raises
    ------
    BsnnError
        It does not, or the fault is not found.
    ToolError
        ABC has not decided in time.
    """
    from amaranth.hdl import Fragment

    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.synthesis.netlist import synthesize_verilog
    from bsnn_hw.synthesis.proof import cell_models
    from bsnn_hw.verilog.rtlil import to_rtlil
    from bsnn_hw.verilog.write import to_verilog
    from evidence.proofs.catalogue import PROOFS
    from evidence.proofs.parts import sound
    from evidence.proofs.rested import Rested

    proof = next(each for each in PROOFS if each.name == name)
    target = find_target(FAMILIES[family])
    with scratch_folder() as scratch:
        (scratch / "rtl").mkdir()
        harness = proof.build(sound)
        Fragment.get(harness, None)  # Amaranth complains of what nobody elaborates
        component = harness.components[0]
        if name.startswith(RESTED):
            component = Rested(component, REST)
        source = to_verilog(to_rtlil(component, "component"), scratch / "rtl", "component")
        netlist = synthesize_verilog(source, target, scratch)
        (scratch / "cells.v").write_text(cell_models(target), encoding="utf-8")
        rtl = [path.relative_to(scratch) for path in source.paths]
        started = time.monotonic()
        if (cycle := _differs(scratch, rtl, netlist.verilog, netlist.top)) is not None:
            raise BsnnError(f"{name}, {family}: its netlist must be the same circuit, but differs "
                            f"in cycle {cycle}")
        seconds = time.monotonic() - started
        text = netlist.verilog.read_text(encoding="utf-8")
        faulty = _faulty(scratch, rtl, netlist.verilog, netlist.top)
        if faulty is None and _LUT.search(text):
            raise BsnnError(f"{name}, {family}: a LUT turned round must be found, and is not")
    luts = len(_LUT.findall(text))
    return Judged(name, family, luts, netlist.flip_flops, seconds, faulty)


def _faulty(folder: Path, rtl: list[Path], netlist: Path, top: str) -> int | None:
    """First cycle in which the netlist differs with a LUT turned round, the first that shows."""
    text = netlist.read_text(encoding="utf-8")
    for lut in _LUT.finditer(text):
        init = f"{int(lut[1], 16) ^ 0xffff:04x}"
        path = folder / "faulty.v"
        path.write_text(text[:lut.start(1)] + init + text[lut.end(1):], encoding="utf-8")
        if (cycle := _differs(folder, rtl, path, top)) is not None:
            return cycle
    return None


def _differs(folder: Path, rtl: list[Path], netlist: Path, top: str) -> int | None:
    """The first cycle in which two circuits give something else, None if there is none."""
    ask("evidence.netlist_child",
        {"top": top, "rtl": [str(path) for path in rtl], "netlist": [netlist.name, "cells.v"]},
        "yosys: netlist beside its RTL", folder=folder)
    # Where all signals correspond nothing is left in time, and `pdr` takes nothing else.
    for commands in ("scorr; sat; print_status; pdr", "bmc3 -F 99"):
        said = ask_abc(f"read_aiger differs.aig; {commands}; print_status", folder, PATIENCE) or ""
        if re.search(r"^Status = 1 ", said, re.MULTILINE):
            return None
        if differs := re.search(r"was asserted in frame (\d+)", said):
            return int(differs[1])
    raise ToolError(f"abc: must decide within {PATIENCE} s of a processor, and did not: "
                    f"{said[-200:]!r}")


def _judged(pair: tuple[str, str]) -> Judged:
    return judge(*pair)


def _act(options: argparse.Namespace) -> None:
    names = [name for name in COMPONENTS if (options.only or "") in name]
    if not names:
        raise InputError(f"`only`: must be a part of a proof's name, not {options.only!r}; "
                         "leave it out to see all")
    pairs = [(name, family) for name in names for family in FAMILIES]
    start = time.monotonic()
    with process_pool(options.jobs) as pool:
        for each in pool.map(_judged, pairs):
            fault = "no LUT" if each.faulty is None else f"fault seen in cycle {each.faulty}"
            print(f"{each.name:34} {each.family:5} {each.luts:4} LUTs {each.registers:4} registers "
                  f"equal, {each.seconds:5.1f} s; {fault}", flush=True)
    print(f"{len(pairs)} netlists of {len(names)} components, each proven to be its RTL, in "
          f"{time.monotonic() - start:.0f} s")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.netlists",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", metavar="NAME", help="only those with this in their name")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (default: 2)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
