"""``python -m evidence.netlist_activity``: what the synthesized netlist does for an inference.

The fully connected example on an ECP5 and the small one on an iCE40 UP5K, synthesized as `synth`
does it and not placed; samples stream through the simulated netlist, back to back, and every score
must be the reference's.  Counted are bits that change at the outputs of each kind of cell,
flip-flops that are clocked with their enable, and accesses to block RAMs, by layer; and an estimate
of energy, as far as published figures go, stands beside the report's.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError

if TYPE_CHECKING:
    from bsnn_hw.reporting.activity import Counts
    from evidence.watched_netlist import Activity

__all__ = ["main", "place", "tables"]

ROOT = Path(__file__).parents[1]
# Example to part, port and what is planned for, as docs/synthesis.md has them.
EXAMPLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "fashion_mnist_fc": ("ecp5-85k", "events", {}),
    "fashion_mnist_up5k": ("ice40-up5k", "bytes", {"target": "ice40-up5k", "goal": "fps=5000"})}
KINDS = ("flip-flops", "LUTs", "sums", "multipliers", "block RAMs", "LUT RAMs")


def place(cell: str) -> str:
    """The part of the circuit that a cell is in, by its name; Yosys names cells that have none in
    the RTL after what they drive or read."""
    first, dot, _ = cell.removeprefix("network.").partition(".")
    inside = dot and first.startswith(("layer_", "link_", "frontend"))
    return first if inside else "ports and others"


def tables(found: Sequence[Activity], samples: int) -> list[list[list[str]]]:
    """Changes of outputs, and what is clocked and accessed; each by part, per inference."""
    changes: Counter[tuple[str, str]] = Counter()
    done: Counter[tuple[str, str]] = Counter()
    for each in found:
        where, item = place(each.watched.cell), each.watched
        if item.what == "output":
            changes[where, item.kind] += each.toggles
        else:
            done[where, item.what] += each.ones
            done[where, f"bits {item.what}"] += each.ones * item.bits
    places = sorted({place(each.watched.cell) for each in found})
    kinds = [kind for kind in KINDS if any(each.watched.kind == kind for each in found)]
    acts = {"clock": "flip-flops clocked", "read": "block RAMs read", "bits read": "bits read",
            "write": "block RAMs written", "bits write": "bits written"}
    return [_table(places, {kind: kind for kind in kinds}, changes, samples),
            _table(places, acts, done, samples)]


def _table(places: Sequence[str], columns: dict[str, str], counts: Counter[tuple[str, str]],
           samples: int) -> list[list[str]]:
    def row(name: str, among: Sequence[str]) -> list[str]:
        return [name, *(f"{sum(counts[each, key] for each in among) / samples:,.1f}"
                        for key in columns)]

    return [["part", *columns.values()], *(row(each, [each]) for each in places),
            row("all", places)]


def _energies(found: Sequence[Activity], counts: Sequence[Counts],
              samples: int) -> list[list[str]]:
    """nJ of an inference at the report's figures, which has none of flip-flops and LUTs."""
    from bsnn_hw.reporting.activity import BIT, CHANGE, byte_energy, dense_energy

    bits = sum(each.ones * each.watched.bits for each in found
               if each.watched.what in ("read", "write")) / samples
    sums = sum(each.toggles for each in found
               if (each.watched.kind, each.watched.what) == ("sums", "output")) / samples
    weights = sum(each.weight_bits for each in counts)
    walked = sum(each.weight_bits * each.dense / max(each.operations, 1) for each in counts)
    own = sum(each.energy for each in counts)
    rows = {"netlist: bits of block RAMs, as they are clocked": bits * BIT,
            "netlist: bits of sums that change": sums * CHANGE,
            "report: arithmetic and memories, by events": own,
            "report: of it bits of memory": sum(each.weight_bits + each.state_bits
                                                for each in counts) * BIT,
            "same integers, weights read for every input in every timestep, as Spiker+ walks":
                own + (walked - weights) * BIT,
            "same integers, every input worked on in every timestep": dense_energy(counts),
            "same shape, 8-bit integers, once": byte_energy(counts)}
    return [["estimate", "nJ"], *([name, f"{pico / 1e3:,.3f}"] for name, pico in rows.items())]


def _report(example: str, count: int, folder: Path) -> str:
    """What is printed of one example."""
    from bsnn_hw import emit, load, lower, plan
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.reference.network import run
    from bsnn_hw.reporting import activity
    from bsnn_hw.synthesis.netlist import synthesize
    from bsnn_hw.text import table
    from evidence.watched_netlist import count_netlist

    part, port, options = EXAMPLES[example]
    lowered, target = lower(load(ROOT / f"examples/{example}.pt")), find_target(part)
    assert lowered.calibration is not None  # an example has samples
    inputs = lowered.calibration[:count]
    planned = plan(lowered, port=port, **options)
    design = emit(lowered, planned, folder / "bundle", vectors=1, port=port)
    netlist = synthesize(design, target, folder)
    found, result = count_netlist(design, netlist, target, inputs, folder / "simulation")
    seen = measure_activity(design.network, inputs, run(design.network, inputs), design.port)
    changes, done = tables(found, len(inputs))
    return "\n".join([
        f"{example} on {part}: {len(inputs)} samples through the netlist, every score the "
        f"reference's; {result.cycles / len(inputs):,.1f} cycles per inference, "
        f"{netlist.flip_flops:,} flip-flops",
        "bits that change at the outputs of cells, per inference", table(changes),
        "clocked with enable, per inference", table(done),
        table(_energies(found, activity.count(design.layout, seen), len(inputs)))])


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder

    if options.samples < 1:
        raise InputError(f"--samples: must be 1 or more, not {options.samples}")
    for example in EXAMPLES:
        if options.only in example:
            with scratch_folder() as folder:
                print(_report(example, options.samples, folder), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.netlist_activity",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--samples", type=int, default=32, metavar="N",
                        help="of each example (default: 32)")
    parser.add_argument("--only", default="", metavar="WORD",
                        help="examples whose name has it")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
