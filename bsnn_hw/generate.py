"""``python -m bsnn_hw.generate model.pt``: a trained network to a folder of verified Verilog."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.callables import callable_as
from bsnn_hw.command import counts, run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.nir_options import add_nir_options, nir_document

if TYPE_CHECKING:
    from bsnn_hw.ir.schedule import Engine
    from bsnn_hw.pipeline import Request

__all__ = ["main"]

MAX_BITS = 12
MAX_TOP = 128  # with a layer's name and what is in it, still a file name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.generate", description=__doc__)
    add = parser.add_argument
    add("model", type=Path, help="model file, .pt or .safetensors (docs/model.md), or .nir")
    add("--out", type=Path, help="folder to write (default: the model's name with _hw)")
    add("--force", action="store_true", help="replace the folder if it is a bundle")
    add("--lanes", type=counts, metavar="N,N,...",
        help="input events per cycle of each layer, readout last (default: chosen)")
    add("--parallel", type=counts, metavar="N,N,...",
        help="neurons updated per cycle of each layer, readout last (default: chosen)")
    add("--target", metavar="PART",
        help="part to plan for, such as ecp5-25k; an unknown one lists them (default: none)")
    add("--goal", metavar="GOAL",
        help="what the plan is to be: smallest, fastest, or fps=N, the smallest with N inferences "
             "per second (default: smallest); with --target")
    add("--clock", type=float, metavar="MHZ",
        help="clock that the plan counts on (default: a cautious one for the part); with --target")
    add("--plan", type=Path, metavar="FILE.toml",
        help="plan to follow, such as a bundle's plan.toml (docs/planning.md)")
    add("--dry-run", action="store_true", help="print the plan and write nothing")
    add("--block-rows", type=counts, metavar="N[,M]",
        help="sums and potentials of N rows and more lie in block RAM, constants of M and more "
             "(default: each where it takes the least)")
    add("--engine", metavar="events|words|unrolled|auto|E,...",
        help="what the synapses take, of all layers or of each, readout last: events, or words of "
             "spikes side by side, whose inputs per cycle --lanes counts then, or all inputs at "
             "once, unrolled, with weights that are logic (default: auto, events or words)")
    add("--units", action="store_true",
        help="let fewer neurons step at a time than are charged, beside the next events, where "
             "that is the better plan (docs/engine.md)")
    add("--fraction-bits", metavar="N|LAYER=N,...",
        help="fraction bits of all or of single layers (default: chosen on calibration data)")
    add("--membrane-bits", type=int, metavar="N",
        help="bits that a membrane may have at most: fraction bits are chosen below that, and a "
             "layer that needs more without any is refused (default: no limit)")
    add("--leak-bits", type=int, metavar="N",
        help="fraction bits of the leak factors, 0..12 (default: chosen on calibration data)")
    add("--tolerance", type=float, default=0.01, metavar="SHARE",
        help="share of a layer's spikes that integers may change, 0 for none (default: 0.01)")
    add("--classes", type=float, default=0.02, metavar="SHARE",
        help="share of the calibration samples whose class integers may change; where the "
             "tolerance changes more, a tenth of it is taken (default: 0.02)")
    add("--data", help="data set (digits, fashion-mnist, mnist, cifar-10, cifar-100) or .npz file "
                       "(default: the sample file beside the model, else what the model was "
                       "trained on)")
    add("--data-dir", type=Path, help="folder of the data set's files or archive")
    add("--vectors", type=int, default=32, metavar="N", help="test vectors (default: 32)")
    add("--port", choices=("events", "bytes"), default="events",
        help="AXI4-Streams of event slots, or a byte wide for parts with few pins (default: "
             "events)")
    add("--memories", choices=("verilog", "mem"), default="verilog",
        help="where words of memories stand: verilog, a statement for each row, or mem, the same "
             "Verilog a second time in rtl_mem/ that reads them from files (default: verilog)")
    add("--top", help="name of the top-level module (default: bsnn_ and the model's name)")
    add("--verify", action="store_true",
        help="run the bundle's bench, and all samples that are found through the Verilated model")
    add_nir_options(parser)
    return parser


def _request(options: argparse.Namespace) -> Request:
    """Options to a request; what is out of range is an InputError."""
    from bsnn_hw.emission.memories import Memories
    from bsnn_hw.ir.schedule import BLOCK_ROWS, Port
    from bsnn_hw.lowering.lower import PrecisionRequest
    from bsnn_hw.pipeline import Request
    from bsnn_hw.planning.goal import parse_goal

    if options.vectors < 1:
        raise InputError(f"--vectors: must be 1 or more, not {options.vectors}")
    block_rows = options.block_rows and (*options.block_rows, BLOCK_ROWS)[:2]
    if options.block_rows and (min(options.block_rows) < 2 or len(options.block_rows) > 2):
        raise InputError(f"--block-rows: must be one or two numbers of 2 or more, not "
                         f"{','.join(map(str, options.block_rows))}")
    for flag, share in (("--tolerance", options.tolerance), ("--classes", options.classes)):
        if not 0 <= share <= 1:
            raise InputError(f"{flag}: must be a share from 0 to 1, not {share}")
    if options.leak_bits is not None and not 0 <= options.leak_bits <= MAX_BITS:
        raise InputError(f"--leak-bits: must be 0..{MAX_BITS}, not {options.leak_bits}")
    if options.top is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", options.top):
        raise InputError(f"--top: must be a Verilog identifier, not {options.top!r}")
    if options.top is not None and re.fullmatch(r"clk|rst|[sm]_axis_.*", options.top):
        raise InputError(f"--top: must not be the name of a port, {options.top}")
    if options.top is not None and len(options.top) > MAX_TOP:
        raise InputError(f"--top: must have at most {MAX_TOP} characters, not {len(options.top)}")
    if options.clock is not None and not 0 < options.clock < float("inf"):
        raise InputError(f"--clock: must be MHz above 0, not {options.clock:g}")
    everywhere, per_layer = _fraction_bits(options.fraction_bits)
    precision = PrecisionRequest(options.tolerance, everywhere, options.leak_bits, per_layer,
                                 options.classes, membrane_bits=options.membrane_bits)
    out = options.out or Path(f"{options.model.stem}_hw")
    return Request(options.model, out, options.force, precision, options.lanes, options.parallel,
                   options.target, parse_goal(options.goal) if options.goal is not None else None,
                   options.clock, options.plan, _engines(options.engine), options.vectors,
                   options.data, options.data_dir, options.top, Port(options.port), block_rows,
                   nir_document(options), Memories(options.memories), options.units)


def _engines(text: str | None) -> tuple[Engine | None, ...] | None:
    """``"words"`` or ``"events,auto"`` to engines, None for auto."""
    from bsnn_hw.ir.schedule import Engine

    if text is None:
        return None
    names = {engine.value: engine for engine in Engine} | {"auto": None}
    parts = text.split(",")
    if wrong := [part for part in parts if part not in names]:
        kinds = ", ".join(engine.value for engine in Engine)
        raise InputError(f"--engine: must be {kinds} or auto, for all layers or for each, "
                         f"not {wrong[0]!r}")
    return tuple(names[part] for part in parts)


def _fraction_bits(text: str | None) -> tuple[int | None, dict[str, int]]:
    """``"4"`` or ``"fc1=2,fc2=5"`` to (bits of all layers, bits per layer)."""
    if text is None:
        return None, {}
    everywhere, per_layer = None, {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        if not number.isdecimal() or int(number) > MAX_BITS or (equals and not name):
            raise InputError(f"--fraction-bits: must be 0..{MAX_BITS} or LAYER=N,..., "
                             f"not {text!r}")
        if equals:
            per_layer[name] = int(number)
        else:
            everywhere = int(number)
    return everywhere, per_layer


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.pipeline import build, prepare
    from bsnn_hw.summary import plan_summary, summary

    request = _request(options)
    if options.dry_run:
        print(plan_summary(prepare(request)), flush=True)
        return
    built = build(request)
    print(summary(built, request.out), flush=True)
    if options.verify:
        from bsnn_hw.verification.run import verify_all, verify_bench

        verify_bench(request.out)
        model = request.model if request.document is None else None
        verify_all(request.out, model, data=request.data, data_dir=request.data_dir)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
callable_as(__name__, "generate")
