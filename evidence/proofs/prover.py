"""Whether a harness's rules hold in every cycle of every run, by Yosys and ABC's `pdr`.

Property-directed reachability finds an invariant by itself, so a proof has no bound on the cycles;
or it finds the shortest way to a broken rule.  Where a whole network is too much for that, ABC's
`bmc3` looks at all runs of so many cycles.  Both tools are in the package pyosys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.child import ask
from bsnn_hw.errors import ToolError
from bsnn_hw.scratch import scratch_folder
from evidence.proofs.abc import ask_abc
from evidence.proofs.harness import Harness

__all__ = ["Verdict", "prove"]

_BIT = re.compile(r"^(\w+?)(?:\[(\d+)\])?@(\d+)=([01])$")


@dataclass(frozen=True)
class Verdict:
    """What was found.

    proven : bool
    inputs : where not, of each cycle the inputs by name that lead to a broken rule
    """

    proven: bool
    inputs: tuple[dict[str, int], ...] = ()


def prove(harness: Harness, cycles: int | None = None, patience: int = 200) -> Verdict:
    """Prove the rules, or find inputs that break one.

    cycles : int, in which they are proven from reset on; None for all
    patience : int, seconds of a processor

    Raises
    ------
    ToolError
        Neither was found in time, or a tool failed.
    """
    from amaranth.back import rtlil

    with scratch_folder() as scratch:
        ports = [harness.clock.clk, *harness.inputs, harness.bad]
        (scratch / "harness.il").write_text(
            rtlil.convert(harness, name="harness", ports=ports, emit_src=False), encoding="utf-8")
        ask("evidence.proofs.aiger_child", "harness.il", "yosys: and-inverter graph",
            folder=scratch)
        return _decide(scratch, harness, cycles, patience)


def _decide(folder: Path, harness: Harness, cycles: int | None, patience: int) -> Verdict:
    engine = "pdr" if cycles is None else f"bmc3 -F {cycles}"
    said = ask_abc(f"read_aiger harness.aig; {engine}; print_status; write_cex -n found.cex",
                   folder, patience)
    if said is None:
        raise ToolError(f"abc: must decide within {patience} s of a processor, and did not; "
                        "make the harness smaller")
    match re.search(r"^Status = (-?\d) +Frames = (-?\d+)", said, re.MULTILINE):
        case None:
            raise ToolError(f"abc: must give a status, said {said[-200:]!r}")
        case found if found[1] == "0":
            text = (folder / "found.cex").read_text(encoding="utf-8")
            return Verdict(False, _inputs(text, harness))
        case found if found[1] == "1" or int(found[2]) + 1 == cycles:  # frames are from 0 on
            return Verdict(True)
    raise ToolError(f"abc: must decide, and did not: {said[-200:]!r}")


def _inputs(text: str, harness: Harness) -> tuple[dict[str, int], ...]:
    """Of each cycle the value of each input, from ABC's counterexample."""
    names = {signal.name for signal in harness.inputs}
    cycles: list[dict[str, int]] = []
    for line in text.splitlines():
        bit = _BIT.match(line)
        if bit is None or bit[1] not in names:
            continue
        number = int(bit[3])
        while len(cycles) <= number:
            cycles.append(dict.fromkeys(names, 0))
        cycles[number][bit[1]] |= int(bit[4]) << int(bit[2] or 0)
    return tuple(cycles)
