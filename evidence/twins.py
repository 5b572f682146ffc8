"""``python -m evidence.twins``: a binary network beside its full-precision twin, seed by seed.

Per seed the twin is trained, then the binary network of the same recipe, which learns from it
with ``--distillation``.  What is given behind ``--`` are options of ``bsnn_hw.train``.  Seeds run
side by side; finished runs in ``--out`` stay as they are, so the command can be started again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bsnn_hw.child import environment
from bsnn_hw.command import run_verb
from bsnn_hw.errors import ToolError
from bsnn_hw.nn.table import table

__all__ = ["main", "pair", "train_once", "verdict"]


def pair(folder: Path, seed: int, distillation: float, recipe: Sequence[str]) -> None:
    """Train the twin of a seed, then the binary network, each unless its model or log is there.

    Raises
    ------
    ToolError
        A run failed; its output is in the folder.
    """
    twin, binary = folder / f"real-{seed}.pt", folder / f"binary-{seed}.pt"
    common = [*recipe, "--seed", str(seed)]
    train_once(twin, [*common, "--weights", "real"])
    taught = ["--distillation", str(distillation), "--twin", str(twin.with_suffix(".checkpoint"))]
    train_once(binary, common + (taught if distillation else []))


def train_once(out: Path, options: Sequence[str]) -> None:
    """Run ``bsnn_hw.train`` to the model ``out``, unless the log beside it is of a finished run.

    Raises
    ------
    ToolError
        The run failed; its output is in the folder.
    """
    log = out.with_suffix(".jsonl")
    if log.exists() and '{"test"' in log.read_text(encoding="utf-8"):
        return
    with out.with_suffix(".log").open("w", encoding="utf-8") as printed:
        command = [sys.executable, "-m", "bsnn_hw.train", *options, "--out", str(out), "--force"]
        code = subprocess.run(command, env=environment(), stdout=printed, stderr=subprocess.STDOUT,
                              check=False).returncode
    if code:
        raise ToolError(f"{out.name}: its training must end with code 0, not {code}; "
                        f"see {out.with_suffix('.log')}")


def verdict(folder: Path, seeds: Sequence[int]) -> str:
    """The runs as a table, and per seed the points between the twin and the binary network."""
    logs = [folder / f"{kind}-{seed}.jsonl" for seed in seeds for kind in ("real", "binary")]
    lines = [table(logs)]
    for seed in seeds:
        real, binary = (_accuracy(folder / f"{kind}-{seed}.jsonl") for kind in ("real", "binary"))
        lines.append(f"seed {seed}: binary {binary:.2%}, {100 * (real - binary):.2f} points below "
                     f"its twin's {real:.2%}")
    return "\n".join(lines)


def _accuracy(log: Path) -> float:
    return json.loads(log.read_text(encoding="utf-8").splitlines()[-1])["test"]["accuracy"]


def _act(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.jobs) as workers:
        runs = [workers.submit(pair, options.out, seed, options.distillation, options.recipe)
                for seed in options.seeds]
    for run in runs:
        run.result()
    print(verdict(options.out, options.seeds))


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.twins",
                                     description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FOLDER", help="models, logs and output")
    add("--seeds", type=_seeds, default=[0, 1, 2], metavar="N,N", help="(0,1,2)")
    add("--distillation", type=float, default=0.5, metavar="SHARE",
        help="of the loss that is the distance from the twin's scores (0.5)")
    add("--jobs", type=int, default=1, help="seeds side by side (1)")
    add("recipe", nargs="+", help="behind --: the data set and options of bsnn_hw.train")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
