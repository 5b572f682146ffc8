"""``python -m evidence.binarized``: networks of three frameworks, float, binary, and gated.

Each trains on the digits with the weights of its framework, with binary ones, and with binary ones
and the AGMM gate; the last becomes Verilog, and every spike of it is compared (docs/binarize.md).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from bsnn_hw.command import run_verb
from bsnn_hw.scratch import scratch_folder

if TYPE_CHECKING:
    from evidence.binarized_networks import Framework

__all__ = ["main"]


def _verified(framework: Framework, network: Any, folder: Path) -> str:
    """What the proof in RTL says."""
    import bsnn_hw

    framework.save(network, folder / "network.pt")
    bsnn_hw.generate(folder / "network.pt", out=folder / "hw")
    return f"{bsnn_hw.verify(folder / 'hw').inferences} inferences exact in RTL"


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table
    from evidence.binarized_networks import FRAMEWORKS, WEIGHTS, available, train

    rows = [["framework", "weights", "seeds", "accuracy", "least", "most", "π"]]
    for name, framework in FRAMEWORKS.items():
        if not available(framework):
            print(f"{name}: not installed, left out", file=sys.stderr)
            continue
        for weights in WEIGHTS:
            runs = [train(framework, weights, options.epochs, seed)
                    for seed in range(options.seeds)]
            right = [100 * run.accuracy for run in runs]
            flips = [run.flips for run in runs if run.flips is not None]
            rows.append([name, weights, str(len(runs)), f"{mean(right):.2f} %",
                         f"{min(right):.2f}", f"{max(right):.2f}",
                         f"{mean(flips):.2e}" if flips else "-"])
        with scratch_folder() as scratch:
            print(f"{name}: {_verified(framework, runs[0].network, scratch)}",
                  file=sys.stderr, flush=True)
    print(table(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.binarized",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10, help="(10)")
    parser.add_argument("--seeds", type=int, default=3, help="(3)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
