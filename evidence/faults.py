"""``python -m evidence.faults BUNDLE``: faults put into the Verilog are caught and placed.

Each fault is chosen from the bundle's own vectors so that the reference says where it must show
first: one weight bit, one threshold, ``>`` for ``>=``, the events of one neuron dropped (of a
convolution's input, of one channel).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from bsnn_hw.command import run_verb
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import BsnnError, InputError, MismatchError
from bsnn_hw.scratch import scratch_folder
from evidence.fault_kinds import Fault, fault_makers

__all__ = ["Fault", "find_faults", "main", "provoke"]


def find_faults(design: Design, inputs: np.ndarray) -> list[Fault]:
    """The faults that ``inputs`` can show; a tie must occur for the comparison's."""
    from bsnn_hw.reference.network import run

    trace = run(design.network, inputs)
    texts = {path.name: path.read_text(encoding="utf-8") for path in design.verilog.paths}
    found = (make(design, texts, trace, inputs) for make in fault_makers())
    return [fault for fault in found if fault]


def provoke(design: Design, fault: Fault, inputs: np.ndarray, folder: Path) -> str:
    """Build the design with the fault in ``folder``, run ``inputs``, return the check's message.

    Raises
    ------
    BsnnError
        The fault went unnoticed.
    """
    from bsnn_hw.verification.native import build_model, verify_native

    rtl = folder / "rtl"
    shutil.copytree(design.verilog.paths[0].parent, rtl)
    path = rtl / fault.file
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, fault
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    paths = tuple(rtl / source.name for source in design.verilog.paths)
    broken = replace(design, verilog=replace(design.verilog, paths=paths))
    simulation = build_model(broken, folder / "build", optimize="-O0")
    try:
        verify_native(broken, simulation, inputs)
    except MismatchError as error:
        return str(error)
    raise BsnnError(f"{fault.name}: must be noticed, but {len(inputs)} inferences were exact")


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.emission.opened import open_bundle

    design = open_bundle(options.bundle)
    inputs = np.load(options.bundle / "vectors" / "inputs.npy")
    faults = find_faults(design, inputs)
    if len(faults) < 4:
        raise InputError(f"{options.bundle}: its vectors must show four faults, they show "
                         f"{[fault.name for fault in faults]}; generate it with more --vectors")
    for fault in faults:
        with scratch_folder() as scratch:
            message = provoke(design, fault, inputs, scratch)
        if fault.expected not in message:
            raise BsnnError(f"{fault.name}: must be placed at {fault.expected} not at {message}")
        print(f"{fault.name:16} {message}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.faults",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path, help="folder written by python -m bsnn_hw.generate")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
