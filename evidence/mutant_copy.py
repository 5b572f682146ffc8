"""A copy of the checkout into which mutants are put, and the process that tests it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bsnn_hw.child import environment
from evidence.mutant_sample import ROOT, Mutant

__all__ = ["PATIENCE", "SLOWER", "Copy", "copied", "variables"]

COPIED = ("bsnn_hw", "evidence", "examples", "hdl", "sim", "templates", "tests", "docs",
          "pyproject.toml", "README.md", "CONTRIBUTING.md")
SERVER = ROOT / "evidence" / "mutant_server.py"
# What tests import of others, once for all mutants.
IMPORTED = ("numpy", "torch", "safetensors.torch", "amaranth.sim", "amaranth.back.rtlil",
            "amaranth.lib.wiring", "jinja2", "pyosys.libyosys", "sklearn.datasets", "pytest",
            "xdist.plugin")
PATIENCE = 120  # seconds for tests that take next to none
SLOWER = 10  # times that tests may take of what they took, on a busy machine


class Copy:
    """A folder with at most one mutant; ``cpu`` sums up what its processes took, in seconds."""

    def __init__(self, folder: Path, patience: float = PATIENCE):
        self._folder, self._patience, self._number, self.cpu = copied(folder), patience, 0, 0.0
        self._server = subprocess.Popen(
            [sys.executable, SERVER, *IMPORTED], cwd=folder, encoding="utf-8",
            env=variables(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def put(self, mutant: Mutant) -> None:
        """From now on the copy has this fault."""
        path = self._folder / mutant.path
        path.write_text(mutant.text(), encoding="utf-8")
        # Python knows bytecode by a file's seconds and size alone.
        self._number += 1
        os.utime(path, (self._number, self._number))

    def restore(self, mutant: Mutant) -> None:
        """It has none any more."""
        shutil.copy2(ROOT / mutant.path, self._folder / mutant.path)

    def failed(self, tests: Sequence[str], seconds: float) -> tuple[str, list[str]] | None:
        """What failed of tests that took so long, in words, and which tests that says something
        about; None where all pass."""
        arguments = ["-x", "-q", "--no-header", "--tb=no", "-m", "not slow",
                     "-p", "no:cacheprovider", "-n", "0", *tests]
        limit = self._patience + SLOWER * seconds
        code, lines = self._run("pytest", arguments, limit)
        if code == 0:
            return None
        lines = [line for line in lines if line.startswith(("FAILED ", "ERROR"))]
        for line in lines:
            name = line.partition(" ")[2].partition(" - ")[0]
            if name.startswith("tests/"):
                return line, [name]
        words = f"no end after {limit:.0f} s" if code is None else f"pytest ends with {code}"
        return " ".join([words, *lines[:1]]), list(tests)

    def disproven(self, path: str) -> str | None:
        """What a proof of this component says against it; None where all hold, or there is none."""
        if not path.startswith("hdl/"):
            return None
        code, lines = self._run("evidence.proofs.__main__", ["--jobs", "1", "--of",
                                Path(path).stem], SLOWER * self._patience)
        said = [line for line in lines if line.startswith("python -m")] or lines[-1:] or ["ended"]
        return f"PROOF {said[0]}" if code else None

    def _run(self, module: str, arguments: Sequence[str],
             limit: float) -> tuple[int | None, list[str]]:
        """The exit code of a module's `main` in the copy, None where it had no end, and what it
        printed last."""
        assert self._server.stdin is not None and self._server.stdout is not None
        print(json.dumps({"module": module, "arguments": list(arguments), "limit": limit}),
              file=self._server.stdin, flush=True)
        answer = json.loads(self._server.stdout.readline())
        self.cpu += answer["cpu"]
        return answer["code"], answer["lines"]

    def close(self) -> None:
        """No more tests."""
        self._server.communicate()


def copied(folder: Path) -> Path:
    """``folder``, which is made, with what tests need."""
    hidden = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=hidden)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def variables(folder: Path) -> dict[str, str]:
    """Of processes in a copy, which import what it has."""
    return {**environment(), "PYTHONPATH": str(folder)}
