"""``python -m evidence.unrolled_cells``: what constant weights take of an ECP5, for each of them.

hdl/unrolled_synapse.py alone, with weights drawn at random, by the flow of ``bsnn_hw.synth``, with
LUTs of four inputs and with the wider ones that Yosys takes by itself, beside the forecast.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from bsnn_hw.command import run_verb

__all__ = ["SIZES", "main"]

SIZES = ((16, 8, 1), (64, 32, 1), (128, 96, 1), (196, 64, 4))  # inputs, neurons, bits of a value
TARGET = "ecp5-85k"


def _row(inputs: int, neurons: int, bits: int, folder: Path) -> list[str]:
    """Cells, which are LUTs and halves of carry cells, as found and as forecast."""
    import numpy as np

    from bsnn_hw.devices.chips import find_chip
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.engines.dense_unrolled import DenseUnrolled
    from bsnn_hw.hdl.unrolled_synapse import UnrolledSynapses
    from bsnn_hw.ir.network import Dense, Shape
    from bsnn_hw.ir.raster import Raster
    from bsnn_hw.synthesis.netlist import synthesize_verilog
    from bsnn_hw.verilog.rtlil import to_rtlil
    from bsnn_hw.verilog.write import to_verilog

    geometry = DenseUnrolled(Raster(Shape(inputs), inputs, bits), neurons, inputs, neurons)
    weights = np.random.default_rng(0).choice([-1, 1], (neurons, inputs)).astype(np.int8)
    component = UnrolledSynapses(geometry, Dense(weights, np.ones(neurons, bool), 1))
    source = to_verilog(to_rtlil(component, "component"), folder, "component")
    target, found = find_target(TARGET), []
    for options in (target.narrow, ""):
        mapped = replace(target, synth=f"{target.synth} {options}".strip())
        counts = synthesize_verilog(source, mapped, folder).cells
        found.append(counts.get("LUT4", 0) + 2 * counts.get("CCU2C", 0))
    forecast = find_chip(TARGET).family.cost(geometry.synapse_parts(1, (1 << bits) - 1))
    return [str(inputs), str(neurons), str(bits), f"{found[0]:,}",
            f"{found[0] / inputs / neurons:.2f}", f"{forecast.cells:,.0f}", f"{found[1]:,}"]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder
    from bsnn_hw.text import table

    rows = [["inputs", "neurons", "bits", "cells", "for each weight", "forecast", "wide LUTs"]]
    for size in SIZES[:options.sizes]:
        with scratch_folder() as scratch:
            rows.append(_row(*size, scratch))
    print(table(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.unrolled_cells",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, default=len(SIZES),
                        help=f"how many of the sizes, the smallest first (default: {len(SIZES)})")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
