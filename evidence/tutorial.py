"""``python -m evidence.tutorial``: docs/tutorial.md, followed word for word in a fresh clone.

The last commit is cloned into a new folder, with a new home and an environment that holds nothing
but HOME, PATH and what pip needs.  Every command of the page runs there in its order, what it
prints must be what the page shows, and digits are drawn into the page of the result with the mouse
of a headless Chromium.  Each must be told for what it is, with the scores of the reference.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import MismatchError, ToolError

if TYPE_CHECKING:
    from evidence.browser import Browser

__all__ = ["DIGITS", "Step", "follow", "main", "path_of", "steps"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tutorial.md"
REPORT = "digits_hw/report/report.html"
KEPT = r"PIP_|UV_|SSL_CERT_|REQUESTS_CA_BUNDLE$|.*_(proxy|PROXY)$"  # what package clients need
POINTS = 8  # where the mouse is between two corners of a stroke
# Strokes of one line, corners as (x, y) of 8 x 8 pixels: large and in the middle, as the page says.
DIGITS = {
    "0": ((4, 1), (2.5, 2), (2.2, 4), (2.5, 6), (4, 7), (5.5, 6), (5.8, 4), (5.5, 2), (4, 1)),
    "1": ((3, 2), (4, 1), (4, 4), (4, 7.5)),
    "2": ((2.5, 2), (4, 0.8), (5.2, 2), (4, 4.5), (2.5, 7), (6, 7)),
    "3": ((2.5, 1), (4.5, 0.7), (5.5, 2), (4, 3.7), (5.7, 5), (5, 7), (2.5, 7)),
    "7": ((2.5, 1), (6, 1), (4.5, 4), (3.5, 7.5)),
}
# What the reference says of what was drawn: samples on stdin, scores on stdout.
REFERENCE = """
import json, pathlib, sys, numpy as np
from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.reference.network import run
samples = np.array(json.load(sys.stdin), np.uint8)
network = open_bundle(pathlib.Path("digits_hw")).network
print(json.dumps(run(network, samples).scores.tolist()))
"""


@dataclass(frozen=True)
class Step:
    """A command of the page.

    inside : bool, in the checkout; else in the reader's own folder
    file : name and text of what the reader writes before, or None
    prints : what the page shows, ``…`` for anything; None where it shows nothing
    """

    command: str
    inside: bool = False
    file: tuple[str, str] | None = None
    prints: str | None = None


def steps(page: Path) -> Iterator[Step]:
    """Everything that the page has the reader do, in order: the first block in the checkout, then
    the reader's own folder, consoles, and Python as the file that the page names."""
    from evidence.site.blocks import blocks

    text = page.read_text(encoding="utf-8")
    script: tuple[str, str] | None = None
    for block in blocks(page):
        if block.language == "sh":
            yield from (Step(line, inside=True) for line in block.code.splitlines())
            yield Step(_inline(text, r"mkdir [^`]+"), inside=True)
        elif block.language == "console":
            for command, shown in re.findall(r"(?m)^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.code):
                yield Step(command, prints=shown)
        elif block.language == "python":
            script = _inline(text, r"\w+\.py"), block.code
        elif block.mark == "output" and script:
            yield Step(f"python {script[0]}", file=script, prints=block.code)


def _inline(text: str, pattern: str) -> str:
    """The first code of that form within a sentence."""
    found = re.search(f"`({pattern})`", text)
    if found is None:
        raise MismatchError(f"tutorial: must have `{pattern}` in a sentence, and has not")
    return found[1]


def path_of(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where the mouse goes along a stroke."""
    found = [corners[0]]
    for (left, top), (right, bottom) in pairwise(corners):
        found += [(left + (right - left) * part / POINTS, top + (bottom - top) * part / POINTS)
                  for part in range(1, POINTS + 1)]
    return found


class Reader:
    """Somebody with a fresh checkout and an empty home, both in ``folder``."""

    def __init__(self, folder: Path):
        self.clone, self.home = folder / "bsnn-hw", folder / "home"
        self.home.mkdir()
        inherited = {name: value for name, value in os.environ.items() if re.match(KEPT, name)}
        self._environment = {**inherited, "HOME": str(self.home), "PATH": _path()}
        self._before: list[str] = []  # what a new shell is told first
        self.own = self.clone
        self._git()

    def _git(self) -> None:
        from bsnn_hw.processes import run

        result = run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, self.clone], cwd=ROOT)
        if result.returncode:
            raise ToolError(f"git: must clone {ROOT.name}, but failed: {result.stderr.strip()}")

    def shell(self, command: str, given: str | None = None) -> str:
        """What ``command`` prints in a new shell; ``given``, a file for its stdin."""
        from bsnn_hw.processes import run

        lines = "\n".join([f"cd '{self.clone}'", *self._before, f"cd '{self.own}'",
                           command if given is None else f"{command} < {given}"])
        result = run(["/bin/sh", "-ec", lines], cwd=self.clone, env=self._environment)
        if result.returncode:
            raise MismatchError(f"tutorial: {command} must succeed, but ended with "
                                f"{result.returncode}:\n{result.stdout}{result.stderr}")
        return result.stdout

    def do(self, step: Step) -> None:
        """One step, whose output must be what the page shows."""
        from evidence.site.blocks import printed_as

        if step.file:
            (self.own / step.file[0]).write_text(step.file[1], encoding="utf-8")
        printed = self.shell(step.command)
        if step.inside and step.command.startswith(". "):
            self._before.append(step.command)
        if step.inside and step.command.startswith("mkdir "):
            self.own = Path(self.shell(f"{step.command.split(';')[1]}; pwd").strip())
        if step.prints is not None and not printed_as(printed, step.prints):
            raise MismatchError(f"tutorial: {step.command} must print\n{step.prints}"
                                f"but printed\n{printed}")

    def reference(self, samples: list[list[int]]) -> list[list[int]]:
        """The reference's scores of drawings."""
        (self.own / "reference.py").write_text(REFERENCE, encoding="utf-8")
        (self.own / "drawn.json").write_text(json.dumps(samples), encoding="utf-8")
        found: list[list[int]] = json.loads(self.shell("python reference.py", "drawn.json"))
        return found


def _path() -> str:
    """PATH, without a virtual environment's programs."""
    here = str(Path(sys.executable).parent) if sys.prefix != sys.base_prefix else None
    return os.pathsep.join(each for each in os.environ.get("PATH", os.defpath).split(os.pathsep)
                           if each != here)


def draw(chromium: Browser, page: Path) -> dict[str, tuple[str, list[int], list[int]]]:
    """For each of `DIGITS` drawn with the mouse: the page's answer, the sample, and its scores."""
    chromium.open(page)
    chromium.wait("document.documentElement.dataset.circuit === 'ready'")
    box = chromium.value("(() => {const paper = document.getElementById('paper');"
                         "paper.scrollIntoView(); const box = paper.getBoundingClientRect();"
                         "return [box.left, box.top, box.width / 8, box.height / 8]})()")
    return {digit: _drawn(chromium, box, path_of(corners)) for digit, corners in DIGITS.items()}


def _drawn(chromium: Browser, box: Sequence[float],
           path: Sequence[tuple[float, float]]) -> tuple[str, list[int], list[int]]:
    left, top, wide, high = box
    chromium.value("document.getElementById('clear').click()")
    for number, (x, y) in enumerate(path):
        chromium.call("Input.dispatchMouseEvent", x=left + x * wide, y=top + y * high,
                      type="mouseMoved" if number else "mousePressed", button="left", buttons=1,
                      clickCount=1)
    chromium.call("Input.dispatchMouseEvent", type="mouseReleased", x=left + x * wide,
                  y=top + y * high, button="left", clickCount=1)
    status = chromium.wait("document.getElementById('status').textContent.match("
                           "/answer: (.*)/)?.[1]")
    sample, scores = chromium.value("[[...page.current], [...page.circuit.scores]]")
    return status, sample, scores


def follow(folder: Path, say=print) -> None:
    """Follow the page in ``folder``.

    Raises
    ------
    MismatchError
        A command fails or prints something else, or a drawing is taken for another digit or has
        other scores than the reference's.
    """
    from evidence.browser import browser

    started, reader = time.monotonic(), Reader(folder)
    for step in steps(PAGE):
        before = time.monotonic()
        reader.do(step)
        say(f"{time.monotonic() - before:7.1f} s  {step.command}", flush=True)
    with browser() as chromium:
        drawn = draw(chromium, reader.own / REPORT)
        if chromium.errors:
            raise MismatchError(f"tutorial: the page complains: {chromium.errors[0]}")
    wanted = reader.reference([sample for _, sample, _ in drawn.values()])
    for (digit, (answer, _, scores)), reference in zip(drawn.items(), wanted, strict=True):
        if answer != digit or scores != reference:
            raise MismatchError(f"tutorial: a drawn {digit} must be told, with the reference's "
                                f"scores {reference}, and the page says {answer}, {scores}")
    say(f"verdict   docs/tutorial.md does what it says: every command in "
        f"{(time.monotonic() - started) / 60:.0f} minutes, and the drawings "
        f"{' '.join(drawn)} told by the circuit in the page with the reference's scores")


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder
    from evidence.browser import CHROMIUM

    if CHROMIUM is None:
        raise ToolError("tutorial: Chromium must be there to draw in, and is not; install chromium")
    with scratch_folder() as folder:
        follow(folder)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.tutorial",
                                     description=(__doc__ or "").split("\n")[0])
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
