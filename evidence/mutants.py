"""``python -m evidence.mutants``: small faults in the source, each to be found by a test.

Mutants are drawn with a seed from hdl/, lowering/, planning/, layout/, engines/, ports/ and
exploration/, and each meets quick tests that execute its line (evidence/mutant_tests.py), and then
what evidence.proofs has of a component.  The hashes of emitted Verilog are none of them: they would
show any change, and not that it is wrong.  What survives is printed, and must be explained in
evidence/explained_mutants.py.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError
from bsnn_hw.scratch import scratch_folder
from evidence.explained_mutants import EXPLAINED
from evidence.mutant_copy import PATIENCE, SLOWER, Copy, copied, variables
from evidence.mutant_lines import FOUND
from evidence.mutant_sample import FOLDERS, ROOT, Mutant, sample
from evidence.mutant_tests import LEFT_OUT, Record, digest

__all__ = ["Memory", "Verdict", "judge", "main"]

RECORD = ROOT / "build" / "mutant_tests.json"
BUDGETS = (5.0, 60.0, 300.0)  # seconds of tests, the last of which come behind the proofs
AIM = 0.95  # of the mutants that are not explained


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``"killed"``, ``"explained"`` or ``"survived"``, and by what.

    tests : those that must pass without the mutant, or the verdict says nothing
    cpu : seconds of processor time that it took
    """

    mutant: Mutant
    kind: str
    words: str = ""
    tests: list[str] = field(default_factory=list)
    cpu: float = 0.0


def judge(mutant: Mutant, copy: Copy, record: Record,
          budgets: Sequence[float] = BUDGETS) -> Verdict:
    """Put the mutant into the copy, run its tests until one fails, and take it out again."""
    if (reason := EXPLAINED.get((mutant.path, *mutant.lines()))) is not None:
        return Verdict(mutant, "explained", reason)
    copy.cpu = 0.0
    copy.put(mutant)
    try:
        for words, tests in _looks(mutant, copy, record, budgets):
            return Verdict(mutant, "killed", words, tests, round(copy.cpu, 1))
        return Verdict(mutant, "survived", cpu=round(copy.cpu, 1))
    finally:
        copy.restore(mutant)


def _looks(mutant: Mutant, copy: Copy, record: Record,
           budgets: Sequence[float]) -> Iterator[tuple[str, list[str]]]:
    """All that speaks against a mutant, the cheapest first."""
    batches = list(record.batches(mutant.path, mutant.line, budgets))
    for number, tests in enumerate(batches):
        if number == len(batches) - 1 and (words := copy.disproven(mutant.path)):
            yield words, []
        if tests and (failed := copy.failed(tests, record.price(tests))):
            yield failed


class Memory:
    """A file of verdicts, a line each; in none, nothing is remembered."""

    def __init__(self, path: Path | None, record: Record, budgets: Sequence[float] = BUDGETS):
        self._path, self._record, self._known = path, record, {}
        self._tests = f"{record.state()} {sum(budgets):g}"
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                each = json.loads(line)
                verdict = Verdict(**{**each["verdict"],
                                     "mutant": Mutant(**each["verdict"]["mutant"])})
                self._known[verdict.mutant] = each["state"], verdict

    def of(self, mutant: Mutant) -> Verdict | None:
        """What was found of the very source, where the test that killed is still there, or of one
        that survived, all tests are the same."""
        state, verdict = self._known.get(mutant, ([], None))
        if verdict is None or state[0] != digest(ROOT / mutant.path):
            return None
        if verdict.kind == "survived":
            return verdict if state[1] == self._tests else None
        there = all(test in self._record.tests or (ROOT / test).exists() for test in verdict.tests)
        return verdict if there else None

    def keep(self, verdict: Verdict) -> None:
        """Remember it."""
        if self._path is not None and verdict.kind != "explained":
            state = digest(ROOT / verdict.mutant.path), self._tests
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"state": state, "verdict": asdict(verdict)}) + "\n")


def _record(path: Path, jobs: int) -> Record:
    """What tests execute, with those recorded that are new or have changed."""
    record = Record(path)
    if not (stale := record.stale()):
        return record
    print(f"recording what {len(stale)} files of tests execute", file=sys.stderr, flush=True)
    left_out = [word for each in LEFT_OUT for word in ("--deselect", each)]
    with scratch_folder() as scratch:
        folder = copied(scratch / "copy")
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "evidence.mutant_lines", "-p",
             "no:cacheprovider", "-n", str(jobs), "--dist", "loadfile", "-m", "not slow",
             *left_out, *stale], cwd=folder, stdout=sys.stderr, env=variables(folder))
        found = [json.loads(each.read_text(encoding="utf-8"))
                 for each in sorted((folder / FOUND).glob("*.json"))]
    if result.returncode not in (0, 1, 5):
        raise BsnnError(f"mutants: tests must run to be recorded, pytest ends with "
                        f"{result.returncode}")
    record.take(stale, found)
    return record


def _in_time(mutant: Mutant, *, copies: SimpleQueue[Copy], ends: float, record: Record,
             memory: Memory, budgets: Sequence[float]) -> Verdict | None:
    if (known := memory.of(mutant)) is not None or time.monotonic() >= ends:
        return known
    copy = copies.get()
    try:
        verdict = judge(mutant, copy, record, budgets)
        memory.keep(verdict)
        return verdict
    finally:
        copies.put(copy)


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
    record = _record(RECORD, options.jobs)
    memory = Memory(options.keep, record, options.budgets)
    found: list[Verdict] = []
    ends = time.monotonic() + 60 * options.minutes
    with scratch_folder() as scratch:
        every = [Copy(scratch / f"copy{number}", options.patience)
                 for number in range(options.jobs)]
        copies: SimpleQueue[Copy] = SimpleQueue()
        for copy in every:
            copies.put(copy)
        with ThreadPoolExecutor(options.jobs) as pool:
            for verdict in pool.map(partial(_in_time, copies=copies, ends=ends, record=record,
                                            memory=memory, budgets=options.budgets), chosen):
                if verdict is not None:
                    found.append(verdict)
                    print(_line(verdict), flush=True)
        _check_tests(every[0], found, record)
        for copy in every:
            copy.close()
    _score(found, options)


def _check_tests(copy: Copy, found: Sequence[Verdict], record: Record) -> None:
    """Without a mutant the tests that killed must pass, or the verdicts would be wrong."""
    tests = sorted({test for verdict in found for test in verdict.tests})
    seconds = record.price(test for test in tests if test in record.tests)
    if tests and (failed := copy.failed(tests, seconds)) is not None:
        raise BsnnError(f"mutants: tests must pass without any, {failed[0]}")


def _score(found: Sequence[Verdict], options: argparse.Namespace) -> None:
    counts = {kind: sum(verdict.kind == kind for verdict in found)
              for kind in ("killed", "explained", "survived")}
    judged = counts["killed"] + counts["survived"]
    share = counts["killed"] / max(1, judged)
    cpu = sum(verdict.cpu for verdict in found) / max(1, judged)
    print(f"score     {counts['killed']} of {judged} killed, {100 * share:.1f} %; "
          f"{counts['explained']} more are explained; seed {options.seed}, {len(found)} from "
          f"number {options.skip} on; {cpu:.1f} s of processor time each")
    if share < AIM:
        raise BsnnError(f"mutants: {100 * AIM:g} % must be killed, {counts['survived']} survived; "
                        "write a test for each, or explain it in evidence/explained_mutants.py")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.mutants",
                                     description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--count", type=int, default=400, help="mutants (default: 400)")
    add("--seed", type=int, default=0, help="of the draw (default: 0)")
    add("--skip", type=int, default=0, metavar="N",
        help="leave out the first N, which were judged before (default: 0)")
    add("--keep", type=Path, metavar="FILE",
        help="lines of verdicts, read and added to: a run goes on where another was cut off; of a "
             "source that has changed all are judged again, of tests that have, what survived")
    add("--budgets", type=float, nargs="+", default=list(BUDGETS), metavar="S",
        help="seconds of tests: of the nearest, of all that execute the line, and so on; proofs "
             "come before the last (default: "
             f"{' '.join(f'{each:g}' for each in BUDGETS)})")
    add("--minutes", type=float, default=math.inf, metavar="M",
        help="begin none after so many, and give the score of those before (default: no end)")
    add("--patience", type=float, default=PATIENCE, metavar="S",
        help=f"seconds for tests beyond {SLOWER} times what they took, behind which a mutant "
             f"counts as killed (default: {PATIENCE}; a busy machine needs more)")
    add("--jobs", type=int, default=2, help="at the same time (default: 2)")
    add("--folders", nargs="+", default=list(FOLDERS), metavar="FOLDER",
        help="to draw from (default: all of the above)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
