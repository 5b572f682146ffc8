"""``python -m evidence.random_networks``: random models, each exact in RTL.

From the model file through lowering and Verilog to the Verilated model: every spike, membrane
potential and score, back to back and with pauses on both ports.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from bsnn_hw.cluster import dask_workers, in_order
from bsnn_hw.command import run_verb
from bsnn_hw.scratch import scratch_folder
from evidence.pools import process_pool

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.ir.network import Network
    from bsnn_hw.ir.schedule import Schedule
    from bsnn_hw.lowering.gate import GateBits

__all__ = ["check_document", "check_one", "main", "run_command"]

SAMPLES = 24


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the fully connected network of ``seed``; return a line about it."""
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_variants import varied

    document = varied(seed, with_int8_ends(seed, random_document(seed)))
    return check_document(seed, document, lint)


def _any_plan(seed: int, network: Network, inputs: np.ndarray) -> tuple[Schedule, str]:
    from evidence.random_plans import random_schedule

    return random_schedule(seed, network), ""


def check_document(seed: int, document: dict[str, Any], lint: bool,
                   plan: Callable[[int, Network, np.ndarray],
                                  tuple[Schedule, str]] = _any_plan,
                   narrow: bool = False, gate_bits: GateBits | None = None,
                   resets: Callable[[int, int], np.ndarray] | None = None) -> str:
    """Generate and verify the model ``document`` with the plan and the samples of ``seed``; return
    a line about it.

    plan : gives the schedule, and what is to be said about it
    narrow : with ports of bytes
    gate_bits : of gates that the samples make, None where they are chosen
    resets : gives, of a stateful network, before which of so many samples its state is reset

    Raises
    ------
    BsnnError
        It could not be generated, a verb would refuse its Verilog, it is not exact, or the linter
        has something to say.
    """
    from bsnn_hw.emission.constructs import check_constructs
    from bsnn_hw.emission.design import emit_verilog
    from bsnn_hw.errors import MismatchError
    from bsnn_hw.ir.schedule import Engine, Port
    from bsnn_hw.lowering.lower import PrecisionRequest, lower
    from bsnn_hw.model import format as model_format
    from bsnn_hw.sim.lint import lint as lint_files
    from bsnn_hw.summary import outline
    from bsnn_hw.verification.native import build_model, verify_native
    from evidence.random_models import random_inputs

    inputs = random_inputs(seed, document, SAMPLES)
    with scratch_folder() as folder:
        model_format.save(folder / "model.pt", document)
        model = model_format.load(folder / "model.pt")
        bits = None if seed % 2 else seed // 2 % 6  # half of them choose their precision
        network = lower(model, inputs, PrecisionRequest(
            fraction_bits=bits, gate_bits=gate_bits)).network
        schedule, about = plan(seed, network, inputs)
        (folder / "rtl").mkdir()
        design = emit_verilog(network, schedule, folder / "rtl",
                              port=Port.BYTES if narrow else Port.EVENTS)
        check_constructs(design.verilog.paths)
        if lint:
            warnings = lint_files(design.verilog.paths, design.verilog.top)
            if warnings:
                raise MismatchError(f"seed {seed}: Verilator warns: {warnings[0]}")
        simulation = build_model(design, folder / "build", optimize="-O0")
        for pauses in ((0.0, 0.0), (0.5, 0.1), (0.1, 0.7)):
            try:
                verify_native(design, simulation, inputs, seed=seed, pause_in=pauses[0],
                              pause_out=pauses[1],
                              resets=resets and resets(seed, len(inputs)))
            except MismatchError as error:
                raise MismatchError(f"seed {seed}, pauses {pauses}: {error}") from None
    marks = {engine: "" if engine is Engine.EVENTS else engine.value[0] for engine in Engine}
    plans = " ".join(f"{p.lanes}{marks[p.engine]}{'s' if p.shared else ''}x{p.parallel}"
                     for p in schedule.layers)
    return (f"seed {seed}: {outline(network)}, T={network.timesteps}, "
            f"{network.input.coding.value}, {about}lanes x parallel {plans}: exact")


def _quiet(check: Callable[[int], str], seed: int) -> str:
    import torch

    torch.set_num_threads(1)
    return check(seed)


def _act(check: Callable[[int], str], what: str, shown: str, options: argparse.Namespace) -> None:
    seeds = range(options.first, options.first + options.count)
    with _executor(options) as executor:
        for line in in_order(executor, partial(_quiet, check), seeds):
            print(line, flush=True)
    print(f"{options.count} random {what}, each exact in RTL: {shown}")


@contextmanager
def _executor(options: argparse.Namespace) -> Iterator[Executor]:
    """Processes of this program, or the workers of a cluster."""
    if options.scheduler is None:
        with process_pool(options.jobs) as pool:
            yield pool
        return
    address = None if options.scheduler == "local" else options.scheduler
    with dask_workers(options.jobs, address) as workers:
        yield workers.executor


def run_command(name: str, text: str, check: Callable[[int], str], what: str,
                argv: list[str] | None, count: int = 100,
                shown: str = "every spike, membrane potential and score") -> int:
    """A command that runs ``check`` for many seeds; returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m evidence.{name}",
                                     description=text.split("\n")[0])
    parser.add_argument("--count", type=int, default=count,
                        help=f"networks (default: {count})")
    parser.add_argument("--first", type=int, default=0, help="first seed (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (default: 2)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="of a Dask scheduler whose workers share the networks, and import "
                             "this checkout; local for a cluster of --jobs processes here")
    return run_verb(parser, partial(_act, check, what, shown), argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_networks", __doc__ or "", check_one, "networks", argv)


if __name__ == "__main__":
    sys.exit(main())
