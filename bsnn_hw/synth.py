"""``python -m bsnn_hw.synth FOLDER``: what a bundle takes of a part, and how fast it is there."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from bsnn_hw.command import counts, run_verb
from bsnn_hw.errors import InputError

__all__ = ["main"]

MAX_SEED = 2**31 - 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.synth", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="bundle written by python -m bsnn_hw.generate")
    add("--target", default="ecp5-85k", metavar="PART",
        help="part (default: ecp5-85k; --target help lists them)")
    add("--seeds", type=counts, default=(1,), metavar="N,N,...",
        help="seeds of nextpnr, a run each (default: 1)")
    add("--clock", type=float, metavar="MHZ", help="clock that must be reached")
    add("--pins", type=Path, metavar="FILE",
        help="where the ports are: .pcf for iCE40, .lpf ECP5, .ccf GateMate, .pdc Nexus, "
             ".cst Gowin; place with them too, and make a bitstream")
    add("--edited", action="store_true",
        help="take a bundle whose files were edited as it is")
    add("--simulate", type=int, default=0, metavar="N",
        help="simulate the netlist with the first N of the bundle's vectors (default: 0)")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.devices.targets import TARGETS, find_target

    if options.target == "help":
        print("\n".join(f"{target.name:12} {target.part}" for target in TARGETS))
        return
    target = find_target(options.target)
    if options.clock is not None and not (0 < options.clock and math.isfinite(options.clock)):
        raise InputError(f"--clock: must be MHz above 0, not {options.clock:g}")
    if options.simulate < 0:
        raise InputError(f"--simulate: must be 0 or more, not {options.simulate}")
    wrong = [seed for seed in options.seeds if not 0 <= seed <= MAX_SEED]
    if wrong:
        raise InputError(f"--seeds: must be 0..{MAX_SEED}, not {wrong[0]}")

    from bsnn_hw.progress import say
    from bsnn_hw.synthesis.flow import Request, measure
    from bsnn_hw.synthesis.report import check_clock, text

    figures = measure(Request(options.folder, target, options.seeds, options.clock,
                              options.simulate, options.pins, options.edited), say)
    print(text(figures))
    print(f"written   {options.folder}/synth/synth_{target.name}.json, .txt"
          f"{f', {made.suffix}' if (made := figures.best.bitstream) else ''}", flush=True)
    check_clock(figures)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
