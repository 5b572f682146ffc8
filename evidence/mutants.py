"""``python -m evidence.mutants``: small faults in the source, each to be found by a test.

Mutants are drawn with a seed from hdl/, lowering/, planning/, layout/, engines/, ports/ and
exploration/, and each meets the quick tests that import its module or have its name, and then what
evidence.proofs has of a component.  The hashes of emitted Verilog are none of them: they would show
any change, and not that it is wrong.  What survives is printed, and must be explained in
evidence/explained_mutants.py.
"""

from __future__ import annotations

import argparse
import ast
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from queue import SimpleQueue

from bsnn_hw.child import environment
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError
from evidence.explained_mutants import EXPLAINED
from evidence.mutant_sample import FOLDERS, ROOT, Mutant, sample

__all__ = ["Verdict", "judge", "main", "nearest"]

COPIED = ("bsnn_hw", "evidence", "examples", "hdl", "sim", "templates", "tests", "docs",
          "pyproject.toml", "README.md", "CONTRIBUTING.md")
PATIENCE = 900  # seconds for the tests of a mutant, which may never end
AIM = 0.95  # of the mutants that are not explained
MOST_TESTS = 6  # files, the nearest first
# Whole layers, networks and plans, beside the nearest.
_CIRCUITS = ("tests/hdl/test_layer.py", "tests/hdl/test_maps.py", "tests/hdl/test_network.py")
_PLANS = ("tests/planning/test_forecast.py", "tests/planning/test_search.py",
          "tests/planning/test_throughput.py", "tests/planning/test_map_cycles.py")
WIDER = {"hdl": _CIRCUITS, "layout": (*_CIRCUITS, *_PLANS), "engines": (*_CIRCUITS, *_PLANS),
         "ports": _CIRCUITS, "planning": _PLANS}


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``"killed"``, ``"explained"`` or ``"survived"``, and by what."""

    mutant: Mutant
    kind: str
    words: str


def nearest(path: str) -> list[str]:
    """Files of quick tests for a source file: those of its name, then those that import it, the
    ones of its own wing first, then `WIDER`."""
    name, wing = Path(path).stem, path.removeprefix("bsnn_hw/").split("/")[0]
    module = ("bsnn_hw." if path.startswith("hdl/") else "") + path[:-3].replace("/", ".")
    found = []
    for test, imported in _imports().items():
        inside = Path(test).parts[1] == wing
        same = inside and f"{Path(test).stem}_".startswith(f"test_{name}_")
        if same or module in imported:
            found.append((not same, not inside, test))
    if not found:
        found = [(True, True, test) for test in _imports() if Path(test).parts[1] == wing]
    chosen = [test for *_, test in sorted(found)][:MOST_TESTS]
    return list(dict.fromkeys([*chosen, *WIDER.get(wing, ())]))


@lru_cache(maxsize=1)
def _imports() -> dict[str, set[str]]:
    """The modules that each file of tests imports."""
    found = {}
    for path in sorted((ROOT / "tests").glob("**/test_*.py")):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        # Of whole programs, hashes, other frameworks: none is near to anything.
        if path.parent.name not in ("tests", "emission", "convert", "evidence"):
            found[path.relative_to(ROOT).as_posix()] = names
    return found


def judge(mutant: Mutant, folders: SimpleQueue[Path], patience: float = PATIENCE) -> Verdict:
    """Put the mutant into one of the copies, run its tests, and take it out again."""
    if (reason := EXPLAINED.get((mutant.path, *mutant.lines()))) is not None:
        return Verdict(mutant, "explained", reason)
    folder = folders.get()
    try:
        (folder / mutant.path).write_text(mutant.text(), encoding="utf-8")
        failed = (_failed(folder, nearest(mutant.path), patience)
                  or _disproven(folder, mutant.path, patience))
        return Verdict(mutant, "survived" if failed is None else "killed", failed or "")
    finally:
        shutil.copyfile(ROOT / mutant.path, folder / mutant.path)
        folders.put(folder)


def _in_time(mutant: Mutant, *, folders: SimpleQueue[Path], ends: float,
             patience: float = PATIENCE) -> Verdict | None:
    return judge(mutant, folders, patience) if time.monotonic() < ends else None


def _failed(folder: Path, tests: Sequence[str], patience: float) -> str | None:
    """The first test that fails, in words; None where all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-m",
               "not slow", "-p", "no:cacheprovider", "-n", "0", *tests]
    result = _run(folder, command, patience)
    if result is None:
        return f"no end after {patience:g} s"
    if result.returncode == 0:
        return None
    lines = [line for line in result.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return (lines or [f"pytest ends with {result.returncode}"])[0]


def _disproven(folder: Path, path: str, patience: float) -> str | None:
    """What a proof of this component says against it; None where all hold, or there is none."""
    if not path.startswith("hdl/"):
        return None
    result = _run(folder, [sys.executable, "-m", "evidence.proofs", "--jobs", "1", "--of",
                           Path(path).stem], patience)
    if result is None or result.returncode == 0:
        return None
    return "PROOF " + (result.stderr.strip().splitlines() or ["ended"])[0]


def _run(folder: Path, command: Sequence[str],
         patience: float) -> subprocess.CompletedProcess[str] | None:
    """A command in one of the copies; None where it had no end."""
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", timeout=patience,
            env={**environment(), "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})
    except subprocess.TimeoutExpired:
        return None


def _copy(folder: Path) -> Path:
    hidden = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=hidden)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def _line(verdict: Verdict) -> str:
    mutant, (old, new) = verdict.mutant, verdict.mutant.lines()
    head = f"{verdict.kind:9} {mutant.path}:{mutant.line} {mutant.operator}: {verdict.words}"
    return head.rstrip(": ") + (f"\n          - {old}\n          + {new}"
                                if verdict.kind == "survived" else "")


def _act(options: argparse.Namespace) -> None:
    unknown = [folder for folder in options.folders if not (ROOT / folder).is_dir()]
    if unknown:
        raise InputError(f"--folders: must be folders of the checkout, {unknown[0]} is not")
    chosen = sample(options.count, options.seed, options.folders)[options.skip:]
    folders: SimpleQueue[Path] = SimpleQueue()
    counts = {"killed": 0, "explained": 0, "survived": 0}
    ends = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="bsnn_hw_") as scratch:
        for number in range(options.jobs):
            folders.put(_copy(Path(scratch) / f"copy{number}"))
        killers: set[str] = set()
        with ThreadPoolExecutor(options.jobs) as pool:
            judged_in_time = partial(_in_time, folders=folders, ends=ends,
                                     patience=options.patience)
            for verdict in pool.map(judged_in_time, chosen):
                if verdict is None:
                    continue
                counts[verdict.kind] += 1
                killers |= _killers(verdict)
                print(_line(verdict), flush=True)
        _check_tests(folders, sorted(killers), options.patience)
    judged = counts["killed"] + counts["survived"]
    share = counts["killed"] / max(1, judged)
    print(f"score     {counts['killed']} of {judged} killed, {100 * share:.1f} %; "
          f"{counts['explained']} more are explained; seed {options.seed}, "
          f"{sum(counts.values())} from number {options.skip} on")
    if share < AIM:
        raise BsnnError(f"mutants: {100 * AIM:g} % must be killed, {counts['survived']} survived; "
                        "write a test for each, or explain it in evidence/explained_mutants.py")


def _killers(verdict: Verdict) -> set[str]:
    """The test that killed, by its file and name, or a file that could not be read; all that ran
    where pytest names none, as when they had no end; none where it was a proof."""
    if verdict.kind != "killed" or verdict.words.startswith("PROOF "):
        return set()
    kind, _, rest = verdict.words.partition(" ")
    if kind in ("FAILED", "ERROR"):
        return {rest.partition(" - ")[0]}
    return set(nearest(verdict.mutant.path))


def _check_tests(folders: SimpleQueue[Path], tests: Sequence[str], patience: float) -> None:
    """Without a mutant the tests that killed must pass, or the verdicts would be wrong."""
    folder = folders.get()
    if tests and (failed := _failed(folder, tests, patience)) is not None:
        raise BsnnError(f"mutants: tests must pass without any, {failed}")
    folders.put(folder)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.mutants",
                                     description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--count", type=int, default=400, help="mutants (default: 400)")
    add("--seed", type=int, default=0, help="of the draw (default: 0)")
    add("--skip", type=int, default=0, metavar="N",
        help="leave out the first N, which were judged before (default: 0)")
    add("--minutes", type=float, default=math.inf, metavar="M",
        help="begin none after so many, and give the score of those before (default: no end)")
    add("--patience", type=float, default=PATIENCE, metavar="S",
        help="seconds for the tests of one, behind which it counts as killed "
             f"(default: {PATIENCE}; a busy machine needs more)")
    add("--jobs", type=int, default=2, help="at the same time (default: 2)")
    add("--folders", nargs="+", default=list(FOLDERS), metavar="FOLDER",
        help="to draw from (default: all of the above)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
