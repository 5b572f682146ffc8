"""``python -m evidence.synthesis_growth``: what hidden neurons and lanes cost on a part.

Random-weight networks 784-H-10 with 16 parallel neurons, T = 4, generated, synthesized, placed and
simulated on samples of Fashion-MNIST: hidden sizes double with 4 lanes, lanes double with 256
neurons.  Prints a table; with --plot it also draws one.  Points that --keep's file has are not
measured again.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.scratch import scratch_folder

__all__ = ["FIGURES", "SERIES", "document", "main"]

HIDDEN, LANES, PARALLEL, READOUT = 256, 4, 16, (2, 2)  # of what does not grow
# Title to what grows, (hidden neurons, lanes) of each point.
SERIES: dict[str, list[tuple[int, tuple[int, int]]]] = {
    "hidden neurons": [(n, (n, LANES)) for n in (64, 128, 256, 512, 1024, 2048)],
    "lanes": [(n, (HIDDEN, n)) for n in (1, 2, 4, 8, 16)],
}
FIGURES = {"cells": "cells", "cycles": "cycles/inference", "period": "clock period",
           "generation": "generation (CPU s)", "synthesis": "synthesis (CPU s)"}
INPUTS, CLASSES, TIMESTEPS, RATE, VECTORS = 784, 10, 4, 0.1, 8


def document(hidden: int) -> dict[str, Any]:
    """A model file's dictionary of 784-``hidden``-10, its norms such that few neurons fire."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def synapses(neurons: int, inputs: int) -> dict[str, Any]:
        ones = torch.ones(neurons)
        return {"weight": torch.randn((neurons, inputs), generator=generator),
                "norm": {"gamma": ones, "beta": 0 * ones, "mean": 0 * ones,
                         "var": RATE * inputs * ones, "eps": 1e-5}}

    neuron = {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard", "comparison": ">="}
    return {"format": "bsnn-hw/model", "version": 1, "name": f"grown_{hidden}",
            "timesteps": TIMESTEPS,
            "input": {"coding": "direct", "shape": [INPUTS], "bits": 4, "scale": 1 / 15,
                      "offset": 0.0},
            "layers": [{"name": "fc1", "type": "linear", "neuron": neuron,
                        **synapses(hidden, INPUTS)},
                       {"name": "out", "type": "linear", "neuron": {"type": "readout"},
                        **synapses(CLASSES, hidden)}]}


def measure(hidden: int, lanes: int, part: str, folder: Path) -> dict[str, Any]:
    """Generate, synthesize, place and simulate one network in ``folder``; the figures.

    Raises
    ------
    BsnnError
        A stage failed, or a score differs.
    """
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.emission.vectors import read_inputs
    from bsnn_hw.model.format import save
    from bsnn_hw.pipeline import Request, build
    from bsnn_hw.synthesis.netlist import synthesize
    from bsnn_hw.synthesis.place import place
    from bsnn_hw.verification.native import build_model, verify_native

    save(folder / "model.pt", document(hidden))
    started = time.process_time()
    children = _children()
    design = build(Request(folder / "model.pt", folder / "bundle", lanes=(lanes, READOUT[0]),
                           parallel=(min(PARALLEL, hidden), READOUT[1]), vectors=VECTORS,
                           data="fashion-mnist")).design
    generation = time.process_time() - started + _children() - children

    target, children = find_target(part), _children()
    netlist = synthesize(design, target, folder)
    mapped = _children()
    placement = place(netlist, target, 1, folder)
    placed = _children()
    inputs = read_inputs(design, folder / "bundle" / "vectors")
    outcome = verify_native(design, build_model(design, folder / "native", probes=False), inputs)
    ram = next(resource for resource in target.resources if "block RAM" in resource.words)
    return {"cells": placement.used[target.logic.bel], "rams": placement.used[ram.bel],
            "cycles": outcome.cycles, "megahertz": placement.megahertz,
            "generation": generation, "mapping": mapped - children, "placing": placed - mapped,
            "path": placement.path.words()}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table
    from evidence.growth_plot import growth_svg

    versions = _versions(options.target)
    known = _kept(options.keep, versions | {"part": options.target})
    rows = [["grows", "to", "cells", "block RAMs", "cycles/inf.", "MHz", "inferences/s",
             "generation s", "Yosys s", "nextpnr s"]]
    series: dict[str, list[dict[str, float]]] = {title: [] for title in SERIES}
    for title, points in SERIES.items():
        for at, (hidden, lanes) in points:
            if max(hidden, at) > options.largest:
                continue
            found = known.setdefault(f"{hidden},{lanes}", {})
            if not found:
                with scratch_folder() as scratch:
                    found.update(measure(hidden, lanes, options.target, scratch))
                _keep(options.keep, versions | {"part": options.target}, known)
            rows.append([title, f"{at}", f"{found['cells']:,}", f"{found['rams']}",
                         f"{found['cycles']:,.0f}", f"{found['megahertz']:.1f}",
                         f"{found['megahertz'] * 1e6 / found['cycles']:,.0f}",
                         f"{found['generation']:.1f}", f"{found['mapping']:.0f}",
                         f"{found['placing']:.0f}"])
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
            series[title].append({"at": at, "cells": found["cells"], "cycles": found["cycles"],
                                  "period": 1e3 / found["megahertz"],
                                  "generation": found["generation"],
                                  "synthesis": found["mapping"] + found["placing"]})
    print(f"{options.target}, seed 1, out of context; "
          + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print(table(rows))
    if options.plot:
        options.plot.write_text(growth_svg(series, FIGURES), encoding="utf-8")


def _versions(target: str) -> dict[str, str]:
    """Of the tools that make the figures; raises ToolError where one is missing."""
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.synthesis.place import require_router

    part = find_target(target)
    require_router(part)
    return {name: importlib.metadata.version(name)
            for name in ("pyosys", part.router.package, "amaranth")}


def _kept(path: Path | None, made_with: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Points of an earlier run, if the same versions made them for the same part."""
    if path is None or not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["points"] if found["made_with"] == made_with else {}


def _keep(path: Path | None, made_with: dict[str, str], points: dict[str, Any]) -> None:
    if path is not None:
        draft = path.with_name(f".{path.name}")
        draft.write_text(json.dumps({"made_with": made_with, "points": points}, indent=2) + "\n",
                         encoding="utf-8")
        draft.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.synthesis_growth",
                                     description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--target", default="ecp5-85k", metavar="PART", help="part (default: ecp5-85k)")
    add("--largest", type=int, default=2048, metavar="N",
        help="leave out more hidden neurons than these (default: 2048)")
    add("--keep", type=Path, metavar="FILE.json", help="keep measured points there")
    add("--plot", type=Path, metavar="FILE.svg", help="draw the growth there")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
