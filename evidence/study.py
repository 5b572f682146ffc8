"""``python -m evidence.study``: a study that is disturbed ends as one that is not.

216 points on a local cluster of two workers, twice: once as it is, and once with a worker killed
by SIGKILL in the middle, the study stopped by SIGTERM later on, and started again.  Both stores
must be equal, row by row.  Then what a step costs beside its work, and how long the same study
would take with up to 100 workers: its graph of tasks, played with the measured times.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.child import environment
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, ToolError
from bsnn_hw.scratch import scratch_folder

__all__ = ["disturbed", "main", "same", "undisturbed"]

STUDY = """
parts = ["ecp5-25k", "ecp5-45k", "ecp5-85k", "ice40-hx8k", "ice40-up5k", "nexus-40"]

[[network]]
model = "digits.pt"

[[precision]]
fraction_bits = [1, 2, 3, 4]
leak_bits = 6

[[plan]]
lanes = [[1, 1], [2, 1], [4, 2]]
parallel = [[1, 1], [4, 1], [4, 2]]

[measure]
vectors = 4
"""
POINTS = 216
TRAIN = ("digits", "--hidden", "16", "--epochs", "6", "--out", "digits.pt", "--force")
WORKERS = (1, 2, 4, 8, 16, 32, 64, 100)
PROBES = 200  # steps that are measured for what they cost beside their work
PATIENCE = 3600  # seconds for a run


@dataclass(frozen=True)
class Ended:
    """A study's run: the folder, seconds from start to end, and what happened to it in words."""

    folder: Path
    seconds: float
    words: tuple[str, ...] = ()


def prepare(folder: Path) -> Path:
    """A trained network and a study of it in ``folder``; the study's path."""
    _child("bsnn_hw.train", *TRAIN, cwd=folder).wait()
    study = folder / "study.toml"
    study.write_text(STUDY, encoding="utf-8")
    return study


def undisturbed(study: Path) -> Ended:
    """The study as it is."""
    started = time.monotonic()
    _end(_explore(study, "calm"), 0)
    return Ended(study.parent / "calm", time.monotonic() - started)


def disturbed(study: Path, points: int = POINTS) -> Ended:
    """The study with a worker killed after a third of its points, stopped after two thirds, and
    resumed.

    Raises
    ------
    BsnnError
        It ended otherwise than it must, or left a process.
    """
    folder, started = study.parent / "rough", time.monotonic()
    process = _explore(study, "rough")
    _until(lambda: _count(folder) >= points // 3, process)
    worker = _workers(folder)[-1]
    os.kill(worker, signal.SIGKILL)
    killed = f"worker {worker} killed by SIGKILL after {_count(folder)} points"
    _until(lambda: _count(folder) >= 2 * points // 3, process)
    process.terminate()
    _end(process, 128 + signal.SIGTERM)
    stopped = f"study stopped by SIGTERM after {_count(folder)} points"
    if left := [each for each in _workers(folder) if _alive(each)]:
        raise BsnnError(f"study: no worker must be left after it was stopped, but {left}")
    _end(_explore(study, "rough"), 0)
    return Ended(folder, time.monotonic() - started, (killed, stopped))


def same(one: Path, other: Path) -> int:
    """How many rows two stores have, which must be equal.

    Raises
    ------
    BsnnError
        They are not; names the first point and column that differ.
    """
    left, right = _rows(one), _rows(other)
    if left.keys() != right.keys():
        raise BsnnError(f"points: must be the same in both stores, {len(left.keys() ^ right)} "
                        "are in one of them only")
    for key, row in left.items():
        for column, value in row.items():
            if value != right[key][column]:
                raise BsnnError(f"point {key[:12]}: {column} must be {value!r} in both stores, "
                                f"not {right[key][column]!r} in the other")
    return len(left)


def _child(module: str, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=cwd,
                            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            encoding="utf-8")


def _explore(study: Path, out: str) -> subprocess.Popen[str]:
    return _child("bsnn_hw.explore", study.name, "--out", out, "--workers", "2", "-q",
                  cwd=study.parent)


def _end(process: subprocess.Popen[str], code: int) -> None:
    printed, _ = process.communicate(timeout=PATIENCE)
    if process.returncode != code:
        lines = printed.strip().splitlines() or ["no message"]
        raise BsnnError(f"explore: must end with code {code}, not {process.returncode}: "
                        f"{lines[-1]}")


def _until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not holds():
        if process.poll() is not None:
            _end(process, -1)
        time.sleep(0.1)


def _query(folder: Path, words: str) -> list[sqlite3.Row]:
    path = folder / "study.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        try:
            return database.execute(words).fetchall()
        except sqlite3.OperationalError:  # its tables are not made yet
            return []


def _count(folder: Path) -> int:
    return len(_query(folder, "SELECT key FROM points"))


def _rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["key"]: dict(row) for row in _query(folder, "SELECT * FROM points ORDER BY key")}


def _workers(folder: Path) -> list[int]:
    """Process numbers of the workers, the one that ended a step last at the end."""
    rows = _query(folder, "SELECT worker FROM steps GROUP BY worker ORDER BY max(rowid)")
    return [int(row["worker"].rpartition(":")[2]) for row in rows if row["worker"]]


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        return state.split()[0] != "Z"
    except OSError:
        return False


def _overhead(folder: Path) -> tuple[float, float]:
    """Seconds that a step costs which is done already: one after the other, and many at once."""
    from bsnn_hw.cluster import dask_workers, outcome
    from bsnn_hw.exploration.steps import Step, code_version, perform

    step = Step("probe", {}, {}, code_version())
    cache = (folder / "cache").resolve()
    step.folder(cache).mkdir(parents=True, exist_ok=True)
    (step.folder(cache) / "facts.json").write_text('{"facts": {}, "seconds": 0}', encoding="utf-8")
    with dask_workers(2) as workers:
        submit = workers.executor.submit
        for _ in range(10):  # both workers have imported what they need
            outcome(submit(perform, step, cache))
        started = time.perf_counter()
        for _ in range(PROBES):
            outcome(submit(perform, step, cache))
        alone = (time.perf_counter() - started) / PROBES
        started = time.perf_counter()
        for future in [submit(perform, step, cache) for _ in range(PROBES)]:
            outcome(future)
        return alone, (time.perf_counter() - started) / PROBES


def _scaling(ended: Ended, overhead: float) -> str:
    """A table of what the study would take with other numbers of workers."""
    from bsnn_hw.exploration.scaling import critical_path, makespan, tasks_of
    from bsnn_hw.exploration.store import open_store
    from bsnn_hw.text import percent, table

    with open_store(ended.folder) as store:
        tasks = tasks_of(store, sorted(_rows(ended.folder)))
    work = sum(task.seconds for task in tasks)
    rows = [["workers", "seconds", "speed-up", "busy"]]
    for workers in WORKERS:
        taken = makespan(tasks, workers, overhead)
        rows.append([f"{workers}", f"{taken:,.1f}", f"{work / taken:.1f}",
                     percent(work / taken / workers)])
    return (f"steps     {len(tasks)}, {work:,.1f} s of work; two workers took "
            f"{ended.seconds:,.1f} s with their start; the longest chain is "
            f"{critical_path(tasks):,.1f} s\n\n{table(rows)}")


def _act(options: argparse.Namespace) -> None:
    with scratch_folder() as scratch:
        study = prepare(options.keep or scratch)
        calm = undisturbed(study)
        print(f"calm      {_count(calm.folder)} points in {calm.seconds:,.0f} s", flush=True)
        rough = disturbed(study, _count(calm.folder))
        print("\n".join(f"rough     {words}" for words in rough.words))
        points = same(calm.folder, rough.folder)
        if points < POINTS:
            raise ToolError(f"study: must have {POINTS} points, not {points}")
        print(f"equal     {points} rows in both stores, in every column")
        alone, many = _overhead(calm.folder)
        print(f"overhead  {1e3 * alone:.1f} ms for a step that is alone, {1e3 * many:.1f} ms each "
              f"when many are sent at once")
        print(_scaling(calm, many))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.study",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="FOLDER",
                        help="an empty folder for both studies, kept (default: a scratch folder)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
