"""A counterexample played again in Amaranth's simulator, which knows nothing of the prover."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.sim import Simulator

from bsnn_hw.errors import BsnnError
from evidence.proofs.harness import Harness

__all__ = ["replay"]


def replay(harness: Harness, inputs: Sequence[dict[str, int]]) -> tuple[list[str], list[str]]:
    """``(broken, lines)``: the rules that are broken in the last cycle, and the way there, a line a
    cycle.

    Raises
    ------
    BsnnError
        The simulator sees no broken rule there.
    """
    rows: list[list[int]] = []
    rules: list[int] = []

    async def play(context):
        for cycle in inputs:
            for signal in harness.inputs:
                context.set(signal.as_value() if hasattr(signal, "as_value") else signal,
                            cycle[signal.name])
            rows.append([context.get(value) for value in harness.shown.values()])
            rules[:] = [context.get(harness.bad), *map(context.get, harness.rules.values())]
            await context.tick()

    simulator = Simulator(harness)
    simulator.add_clock(1e-6)
    simulator.add_testbench(play)
    simulator.run()
    if not rules[0]:
        raise BsnnError("counterexample: must break a rule in the simulator too, and does not")
    broken = [rule for rule, holds in zip(harness.rules, rules[1:], strict=True) if not holds]
    return broken, _lines(list(harness.shown), rows)


def _lines(names: list[str], rows: list[list[int]]) -> list[str]:
    columns = [["cycle", *map(str, range(len(rows)))]]
    columns += [[name, *(str(row[i]) for row in rows)] for i, name in enumerate(names)]
    widths = [max(map(len, column)) for column in columns]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in zip(*columns, strict=True)]
