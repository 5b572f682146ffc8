"""``python -m evidence.agmm``: the AGMM gate against none, by optimizer, depth and seed.

Trains narrow residual networks on Fashion-MNIST at 16x16 and writes a line of JSON per run; runs
that are in the file already are not made again. Then `python -m evidence.agmm_report`.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from evidence.agmm_grid import Run, Size, grid

__all__ = ["finished", "main"]

LOG = Path("docs/results/agmm.jsonl")


def finished(log: Path, size: Size) -> set[Run]:
    """The runs that `log` holds.

    Raises
    ------
    InputError
        When a line is none of ours, or was made with another size: the two cannot be compared.
    """
    runs = set()
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            run = Run(**{key: line[key] for key in Run.__dataclass_fields__})
            other = line["size"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{log}, line {number}: must be a run of evidence.agmm, {error!r}; "
                             f"take the line out") from error
        if other != asdict(size):
            raise InputError(f"{log}, line {number}: must be of the size {asdict(size)}, not "
                             f"{other}; give the same options, or another --log")
        runs.add(run)
    return runs


def _job(arguments: tuple[Any, ...]) -> dict[str, Any] | None:
    run, size, data_dir, device, until = arguments
    from evidence.agmm_runs import train

    return None if time.time() > until else train(run, size, data_dir, device, until)


def _lines(runs: list[Run], options: argparse.Namespace, size: Size
           ) -> Iterator[dict[str, Any]]:
    """Train in processes of their own, several at a time; stop when the time is up."""
    until = time.time() + 60 * options.minutes
    jobs = [(run, size, options.data_dir, options.device, until) for run in runs]
    # Not forked: CUDA does not survive it.
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        lines = pool.imap_unordered(_job, jobs)
        for _ in jobs:
            try:
                line = lines.next(None if math.isinf(until) else until + 15 - time.time())
            except multiprocessing.TimeoutError:
                return
            if line is not None:
                yield line


def _act(options: argparse.Namespace) -> None:
    size = Size(options.images, options.tests, options.epochs, options.batch)
    done = finished(options.log, size)
    runs = [run for run in grid(options.seeds) if run not in done
            and all(word in str(run).split() for word in options.only)]
    options.log.parent.mkdir(parents=True, exist_ok=True)
    with options.log.open("a", encoding="utf-8") as log:
        for line in _lines(runs, options, size):
            log.write(json.dumps(line) + "\n")
            log.flush()
            print(Run(**{key: line[key] for key in Run.__dataclass_fields__}),
                  f"{line['test'][-1]:.2%}, {line['seconds']} s", file=sys.stderr, flush=True)
    left = set(runs) - finished(options.log, size)
    print(f"{len(runs) - len(left)} runs made, {len(done)} were there, {len(left)} are left")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.agmm",
                                     description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--seeds", type=int, default=3, help="of every run (3)")
    add("--epochs", type=int, default=Size.epochs, help=f"({Size.epochs})")
    add("--images", type=int, default=Size.images, help=f"for training ({Size.images})")
    add("--tests", type=int, default=Size.tests, help=f"test images ({Size.tests})")
    add("--batch", type=int, default=Size.batch, help=f"images per step ({Size.batch})")
    add("--only", nargs="*", default=[], metavar="WORD",
        help="runs with these words: bireal-19 sgd agmm 0")
    add("--jobs", type=int, default=1, help="runs at a time, a thread each (1)")
    add("--minutes", type=float, default=math.inf, help="start nothing after these (no limit)")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="(cpu)")
    add("--data-dir", help="folder of the IDX files (the system's are searched)")
    add("--log", type=Path, default=LOG, help=f"JSON lines, added to ({LOG})")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
