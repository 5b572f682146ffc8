"""``python -m evidence.edits``: 32 edits of an emitted circuit, each with a verdict.

Each edit goes into the Verilog of a bundle, and ``python -m bsnn_hw.verify --all --edited`` looks
at it, as a user would.  It must be caught, with a message that names the first difference or what
went wrong, or Yosys must prove that the edited module is the same circuit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bsnn_hw.child import environment
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, MismatchError, ToolError
from bsnn_hw.scratch import scratch_folder
from evidence.edit_kinds import EDITS, Edit, circuit
from evidence.equivalence import equivalent

__all__ = ["judge", "main"]

PATIENCE = 60  # seconds for an edit; without a fault it takes a tenth


def judge(edit: Edit, bundle: Path, scratch: Path) -> str:
    """The verdict on ``edit`` of a copy of ``bundle`` that is made in the folder ``scratch``.

    Raises
    ------
    BsnnError
        There is none: the check passes, and nothing shows that it may.
    """
    copy = Path(shutil.copytree(bundle, scratch / "bundle"))
    path = edit.apply(copy / "rtl")
    code, line = _verify(copy, scratch)
    if code in (MismatchError.exit_code, ToolError.exit_code):
        return f"caught: {line}"
    if code is None:
        return f"caught: no end after {PATIENCE} s"
    if code == 0 and equivalent(bundle / "rtl" / path.name, path):
        return "equivalent: proven by Yosys"
    raise BsnnError(f"edit '{edit.name}': must have a verdict, but verify ends with {code}: {line}")


def _verify(folder: Path, scratch: Path) -> tuple[int | None, str]:
    """Exit code, None after too long a time, and the last line of the check."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bsnn_hw.verify", str(folder), "--all", "--edited"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", cwd=scratch,
        env={**environment(), "TMPDIR": str(scratch)}, start_new_session=True)
    try:
        shown, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""
    line = (shown.strip().splitlines() or ["no message"])[-1]
    return process.returncode, line.removeprefix("python -m bsnn_hw.verify: ")


def _judged(edit, bundle):
    with scratch_folder() as scratch:
        try:
            return judge(edit, bundle, scratch), True
        except BsnnError as error:
            return str(error), False


def _act(options: argparse.Namespace) -> None:
    with scratch_folder() as scratch:
        bundle = scratch / "bundle"
        circuit(bundle)
        lost = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = pool.map(partial(_judged, bundle=bundle), EDITS)
            for edit, (verdict, good) in zip(EDITS, verdicts, strict=True):
                print(f"{edit.name:34} {verdict}", flush=True)
                lost += not good
    if lost:
        raise BsnnError(f"edits: each must have a verdict, {lost} of {len(EDITS)} have none")
    print(f"verdict   {len(EDITS)} edits, each caught or proven equivalent")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.edits",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="edits at a time (default: 2)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
