"""``python -m evidence.activity``: events against words, from 1 % to 90 % of activity.

The layer under test gets spikes from one that fires as much as is asked for: its neurons count the
inputs against thresholds that are spread evenly. For every activity the fastest plan of each engine
that the same logic cells allow, with the same parallel neurons, and the plan's own choice of
the two; cycles are simulated, every score compared. Ends with an error where the choice is more
than 5 % behind the better engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError
from bsnn_hw.scratch import scratch_folder

if TYPE_CHECKING:
    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule
    from bsnn_hw.planning.activity import Activity

__all__ = ["SHARES", "Bench", "around", "fastest_plan", "forced_inputs", "forced_network", "main"]

SHARES = (1, 2, 5, 10, 20, 30, 50, 70, 90)  # %
LEVELS = 100  # inputs, so that as many of them spike as the activity has per cents
TIMESTEPS, CLASSES, IMAGES = 4, 10, 32
SIZES = (256, 512)  # inputs and neurons of the layer under test
GIVER, PARALLEL = 32, 16  # parallel neurons of the layer before, and of the one under test
CELLS = 3600  # logic cells of the layer under test
TESTED = 1
PART = "ecp5-85k"
BEHIND = 1.05
CLOCK = 150.0  # MHz that nextpnr aims at


def forced_network(size: int, seed: int = 0) -> Network:
    """LEVELS-``size``-``size``-10: of the first ``size`` neurons, k % fire on k spikes."""
    from bsnn_hw.ir.network import Coding, Dense, Hidden, Input, Network, Readout

    rng = np.random.default_rng(seed)

    def dense(neurons, fan_in):
        weights = np.where(rng.random((neurons, fan_in)) < .5, 1, -1).astype(np.int8)
        return Dense(weights, np.ones(neurons, bool))

    even = np.arange(size) * LEVELS // size + 1
    levels = np.stack([rng.permutation(even) for _ in range(TIMESTEPS)])
    all_ones = Dense(np.ones((size, LEVELS), np.int8), np.ones(size, bool))
    spread = round(size ** 0.5)
    hidden = (Hidden("forced", all_ones, _neuron(levels, leak_bits=0, leak=0)),
              Hidden("tested", dense(size, size), _neuron(
                  rng.integers(1, spread + 1, (TIMESTEPS, size)), leak_bits=1, leak=1)))
    readout = Readout("out", dense(CLASSES, size), np.ones((TIMESTEPS, CLASSES), np.int64),
                      np.zeros(CLASSES, np.int64), 1.0)
    return Network(f"forced_{size}", TIMESTEPS, Input(Coding.EVENTS, LEVELS, 1), hidden, readout,
                   tuple(map(str, range(CLASSES))))


def _neuron(threshold, *, leak_bits, leak):
    from bsnn_hw.ir.network import Comparison, NeuronSpec, Reset

    return NeuronSpec(0, leak_bits, np.array([0] + [leak] * (TIMESTEPS - 1)),
                      np.zeros_like(threshold), threshold, Reset.HARD, Comparison.AT_LEAST)


def forced_inputs(share: int, count: int = IMAGES) -> np.ndarray:
    """Samples (N, T, LEVELS), of which ``share`` % spike, any of them."""
    rng = np.random.default_rng(share)
    order = rng.random((count, TIMESTEPS, LEVELS)).argsort(axis=-1)
    return (order < share).astype(np.uint8)


def around(plan: LayerPlan) -> Schedule:
    """``plan`` of the tested layer; those beside are fast and always the same, words as wide as
    there are."""
    from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule

    return Schedule((LayerPlan(LEVELS, GIVER, engine=Engine.WORDS), plan,
                     LayerPlan(4 * PARALLEL, CLASSES, engine=Engine.WORDS)))


def fastest_plan(network: Network, activity: Activity, cells: float,
                 engines: list[Engine]) -> tuple[float, float, LayerPlan]:
    """(cycles, cells, plan) of the tested layer with the fewest cycles that ``cells`` logic cells
    of an ECP5 allow, of one of the engines.

    Raises
    ------
    InputError
        Not even a single lane is allowed.
    """
    from bsnn_hw.devices.chips import find_chip
    from bsnn_hw.engines.registry import find_engine
    from bsnn_hw.planning.cycles import predicted_cycles
    from bsnn_hw.planning.forecast import LayerCosts
    from bsnn_hw.planning.schedule import layer_layout

    costs, parallel = LayerCosts(network, find_chip(PART).family), (GIVER, PARALLEL, CLASSES)
    found = []
    for engine in engines:
        for lanes in find_engine(network, TESTED, engine).lane_choices(network, TESTED, parallel):
            plan = layer_layout(network, TESTED, lanes, parallel, engine).plan
            schedule = around(plan)
            cycles = predicted_cycles(network, schedule, activity)[TESTED].mean()
            found.append((float(cycles), costs.of(schedule)[TESTED].cells, plan))
    within = [each for each in found if each[1] <= cells]
    if not within:
        least = min(each[1] for each in found)
        raise InputError(f"--cells: must be enough for {PARALLEL} parallel neurons, {least:,.0f} "
                         f"at least, not {cells:,}")
    return min(within, key=lambda each: each[:2])


class Bench:
    """A network under test: plans of its tested layer, each built once.

    network : of `forced_network`; folder : Path for what is built
    """

    def __init__(self, network: Network, folder: Path):
        self._network = network
        self._folder = folder
        self._known: dict[LayerPlan, tuple] = {}

    def cycles(self, plan: LayerPlan, inputs: np.ndarray) -> float:
        """Simulated cycles per inference, back to back; every score is the reference's."""
        from bsnn_hw.verification.native import verify_native

        design, model = self._built(plan)
        return verify_native(design, model, inputs, chunk=len(inputs)).cycles

    def placed(self, plan: LayerPlan) -> tuple[int, int, float]:
        """(TRELLIS_COMB, block RAMs, MHz) of the whole network on an ECP5, seed 1."""
        from bsnn_hw.devices.targets import find_target
        from bsnn_hw.synthesis.netlist import synthesize
        from bsnn_hw.synthesis.place import place

        design, _ = self._built(plan)
        target = find_target(PART)
        with scratch_folder() as scratch:
            netlist = synthesize(design, target, scratch)
            placement = place(netlist, target, 1, scratch, CLOCK)
        return (placement.used["TRELLIS_COMB"], placement.used["DP16KD"], placement.megahertz)

    def _built(self, plan):
        from bsnn_hw.emission.design import emit_verilog
        from bsnn_hw.verification.native import build_model

        if plan not in self._known:
            folder = self._folder / str(len(self._known))
            (folder / "rtl").mkdir(parents=True)
            design = emit_verilog(self._network, around(plan), folder / "rtl")
            self._known[plan] = design, build_model(design, folder / "build", probes=False)
        return self._known[plan]


def _compare(bench, network, share, cells):
    """(cycles of events, of words, of the choice, their plans) at ``share`` %."""
    from bsnn_hw.ir.schedule import Engine
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.reference.network import run

    inputs = forced_inputs(share)
    trace = run(network, inputs, potentials=False)
    fired = trace.hidden[0].fired.mean()
    if abs(100 * fired - share) > 0.5:
        raise BsnnError(f"activity: must be {share} %, not {100 * fired:.2f} %")
    activity = measure_activity(network, inputs, trace)
    plans = [fastest_plan(network, activity, cells, engines)[2]
             for engines in ([Engine.EVENTS], [Engine.WORDS], [Engine.EVENTS, Engine.WORDS])]
    return [bench.cycles(plan, inputs) for plan in plans], plans


def _name(plan):
    return f"{plan.engine.value} {plan.lanes}{' shared' if plan.shared else ''}"


def _placements(bench, plans):
    from bsnn_hw.text import table

    rows = [["plan", "cells", "block RAMs", "MHz"]]
    for plan in plans:
        cells, blocks, megahertz = bench.placed(plan)
        rows.append([_name(plan), f"{cells:,}", blocks, f"{megahertz:.1f}"])
    return table(rows)


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table

    worst = 0.0
    for size in options.sizes:
        network = forced_network(size)
        rows = [["activity", "events", "cycles", "words", "cycles", "choice", "cycles", "behind"]]
        seen: dict[LayerPlan, None] = {}
        with scratch_folder() as scratch:
            bench = Bench(network, scratch)
            for share in options.shares:
                (events, words, chosen), plans = _compare(bench, network, share, options.cells)
                behind = chosen / min(events, words)
                worst = max(worst, behind)
                seen |= dict.fromkeys(plans)
                rows.append([f"{share} %", _name(plans[0]), f"{events:,.1f}", _name(plans[1]),
                             f"{words:,.1f}", _name(plans[2]), f"{chosen:,.1f}",
                             f"{100 * (behind - 1):.1f} %"])
                print(table([rows[0], rows[-1]]).splitlines()[-1], file=sys.stderr, flush=True)
            print(f"{LEVELS}-{size}-{size}-{CLASSES}, T = {TIMESTEPS}; the second layer, "
                  f"{PARALLEL} parallel neurons, up to {options.cells:,} cells")
            print(table(rows), flush=True)
            if options.synthesize:
                print(_placements(bench, list(seen)), flush=True)
    if worst > BEHIND:
        raise BsnnError(f"activity: the plan's choice must be at most {BEHIND} of the better "
                        f"engine's cycles, not {worst:.3f}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    from bsnn_hw.command import counts

    parser = argparse.ArgumentParser(prog="python -m evidence.activity",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=counts, default=SIZES, metavar="N,N,...",
                        help="neurons of the layer under test (default: 256,512)")
    parser.add_argument("--shares", type=counts, default=SHARES, metavar="N,N,...",
                        help="activities in per cent (default: 1,2,5,10,20,30,50,70,90)")
    parser.add_argument("--cells", type=int, default=CELLS, metavar="N",
                        help=f"logic cells of that layer (default: {CELLS})")
    parser.add_argument("--synthesize", action="store_true",
                        help="also place each plan on an ECP5-85k, minutes each")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
