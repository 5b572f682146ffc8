"""``python -m evidence.sequences``: recurrent networks on real sequences, and their twins.

Per data set and seed: a recurrent network of signs, one of few bits, the full-precision one, and
the same without the recurrence.  Then the recurrent ones of the first seed as circuits, compared
with the reference on every test sample.  Finished runs in ``--out`` stay as they are, so the
command can be started again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bsnn_hw.child import environment
from bsnn_hw.command import run_verb
from bsnn_hw.errors import MismatchError
from evidence.sequence_data import SEQUENCES, write_samples
from evidence.twins import train_once

__all__ = ["main", "table"]

COMMON = ("--hidden", "48", "--leak", "0.875", "--gate", "none", "--rate-penalty", "0")
OWN = {"vowels": ("--epochs", "80", "--batch", "30"),
       "power": ("--epochs", "120", "--batch", "16")}
KINDS = {"signs": (), "4 bits": ("--weight-bits", "4"), "real": ("--weights", "real")}
NETWORKS = {"recurrent": "recurrent", "feed-forward": "fc"}


def _run(folder: Path, name: str, network: str, kind: str, seed: int) -> Path:
    """Path of the model of a run, whose log is beside it."""
    return folder / f"{name}-{network}-{kind.replace(' ', '-')}-{seed}.pt"


def _train(folder: Path, seeds: Sequence[int]) -> None:
    for name in SEQUENCES:
        samples = folder / f"{name}.npz"
        if not samples.exists():
            write_samples(name, samples)
        for network, word in NETWORKS.items():
            for kind, options in KINDS.items():
                for seed in seeds:
                    train_once(_run(folder, name, network, kind, seed),
                               [str(samples), "--network", word, *COMMON, *OWN[name], *options,
                                "--seed", str(seed)])


def table(folder: Path, seeds: Sequence[int]) -> str:
    """Test accuracies of the runs, a row per network and kind of weights."""
    lines = ["| set | network | weights | " + " | ".join(f"seed {seed}" for seed in seeds)
             + " | mean | spikes per inference |", "|---|---|---|" + "---|" * (len(seeds) + 2)]
    for name in SEQUENCES:
        for network in NETWORKS:
            for kind in KINDS:
                tests = [_test(_run(folder, name, network, kind, seed)) for seed in seeds]
                shares = [100 * test["accuracy"] for test in tests]
                spikes = np.mean([sum(test["spikes_per_inference"].values()) for test in tests])
                lines.append(f"| {name} | {network} | {kind} | "
                             + " | ".join(f"{share:.2f} %" for share in shares)
                             + f" | {np.mean(shares):.2f} % | {spikes:.0f} |")
    return "\n".join(lines)


def _test(model: Path) -> dict:
    log = model.with_suffix(".jsonl").read_text(encoding="utf-8")
    return json.loads(log.splitlines()[-1])["test"]


def _verified(folder: Path, name: str, kind: str, seed: int) -> str:
    """What generation and verification say of a recurrent network's circuit.

    Raises
    ------
    MismatchError
        It is not exact, or there is none.
    """
    model = _run(folder, name, "recurrent", kind, seed)
    samples, bundle = str(folder / f"{name}.npz"), str(model.with_suffix(""))
    _say("generate", str(model), "--data", samples, "--out", bundle, "--force")
    shown = _say("verify", bundle, "--all", "--data", samples, "--model", str(model))
    kept = [line for line in shown.splitlines() if line.startswith(("real", "RTL", "verdict"))]
    return "\n".join([f"{name}, {kind}:", *kept])


def _say(verb: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", f"bsnn_hw.{verb}", *arguments], text=True,
                          env=environment(), capture_output=True, check=False, encoding="utf-8")
    if done.returncode:
        raise MismatchError(f"{verb} {arguments[0]}: must end with code 0, not "
                            f"{done.returncode}; {done.stderr.strip()[-300:]}")
    return done.stdout


def _act(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    _train(options.out, options.seeds)
    print(table(options.out, options.seeds))
    for name in SEQUENCES:
        for kind in ("signs", "4 bits"):
            print(_verified(options.out, name, kind, options.seeds[0]), flush=True)


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.sequences",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/sequences"),
                        help="folder of runs (default: runs/sequences)")
    parser.add_argument("--seeds", type=_seeds, default=[0, 1, 2], metavar="N,N",
                        help="of weights and order (default: 0,1,2)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
