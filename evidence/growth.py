"""``python -m evidence.growth``: how generation and its results grow with the network.

Random-weight convolutional networks whose image, channels or depth double from one to the next,
each generated in a process of its own.  Prints a table; with --plot it also draws one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.scratch import scratch_folder

__all__ = ["FIGURES", "SERIES", "document", "main"]

SIDE, CHANNELS, DEPTH = 16, 16, 2  # of what does not grow
# Title to what grows, (side, channels, depth) of each point.
SERIES: dict[str, list[tuple[int, tuple[int, int, int]]]] = {
    "image side": [(n, (n, CHANNELS, DEPTH)) for n in (8, 16, 32, 64)],
    "channels": [(n, (SIDE, n, DEPTH)) for n in (8, 16, 32, 64, 128)],
    "layers": [(n, (SIDE, CHANNELS, n)) for n in (1, 2, 4, 8, 16)],
}
FIGURES = {"seconds": "CPU seconds", "peak": "peak memory", "memory": "bits of memory",
           "cycles": "cycles/inference", "neurons": "neurons"}
TIMESTEPS, RATE = 2, 0.2  # share of neurons that the norms take to fire


def document(side: int, channels: int, depth: int) -> dict[str, Any]:
    """A model file's dictionary: ``depth`` padded 3x3 convolutions, and a readout behind a sum
    over the whole map."""
    import torch

    generator = torch.Generator().manual_seed(0)
    neuron = {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard", "comparison": ">="}

    def synapses(*shape: int) -> dict[str, Any]:
        fan_in = int(torch.Size(shape[1:]).numel())
        ones = torch.ones(shape[0])
        return {"weight": torch.randn(shape, generator=generator),
                "norm": {"gamma": ones, "beta": 0 * ones, "mean": 0 * ones,
                         "var": RATE * fan_in * ones, "eps": 1e-5}}

    layers: list[dict[str, Any]] = [
        {"name": f"conv{index + 1}", "type": "conv2d", "padding": 1, "neuron": neuron,
         **synapses(channels, channels if index else 1, 3, 3)} for index in range(depth)]
    layers.append({"name": "out", "type": "linear", "neuron": {"type": "readout"},
                   "pool": {"kind": "sum", "size": side}, **synapses(10, channels)})
    return {"format": "bsnn-hw/model", "version": 1, "name": f"grown_{side}_{channels}_{depth}",
            "timesteps": TIMESTEPS, "layers": layers,
            "input": {"coding": "direct", "shape": [1, side, side], "bits": 4, "scale": 1 / 15,
                      "offset": 0.0}}


def _measured() -> Iterator[tuple[str, int, dict[str, Any]]]:
    from bsnn_hw.model.format import save
    from evidence.generation import in_a_child

    known: dict[tuple[int, int, int], dict[str, Any]] = {}
    with scratch_folder() as scratch:
        path = scratch / "model.pt"
        for title, points in SERIES.items():
            for at, sizes in points:
                if sizes not in known:
                    save(path, document(*sizes))
                    known[sizes] = in_a_child(path)
                yield title, at, known[sizes]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table
    from evidence.growth_plot import growth_svg

    rows = [["grows", "to", "neurons", "weights", "CPU s", "peak MB", "bundle MB", "memory kbit",
             "cycles/inf."]]
    series: dict[str, list[dict[str, float]]] = {title: [] for title in SERIES}
    for title, at, found in _measured():
        seconds = found["stages"]["total"][1]
        rows.append([title, f"{at}", f"{found['neurons']:,}", f"{found['weights']:,}",
                     f"{seconds:.1f}", f"{found['peak'] / 1e6:,.0f}",
                     f"{found['bundle'] / 1e6:.1f}", f"{found['memory'] / 1024:,.0f}",
                     f"{found['cycles']:,.0f}"])
        series[title].append({"at": at, "seconds": seconds,
                              **{key: found[key] for key in FIGURES if key in found}})
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.plot:
        options.plot.write_text(growth_svg(series, FIGURES), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.growth",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the growth there")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
