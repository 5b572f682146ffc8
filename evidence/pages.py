"""``python -m evidence.pages``: pages of the examples, built, and opened in a headless Chromium.

Of each example how long its page takes to build and to build again, what it weighs, when its first
result is there, and inferences a second of the circuit in it.  Ends with an error where a stored
sample's scores, spikes or membranes are not the reference's, a stroke changes no score, something
is loaded, the console complains, axe finds something serious, or a number is beyond its limit.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, ToolError

if TYPE_CHECKING:
    from evidence.browser import Browser

__all__ = ["EXAMPLES", "LEAST_RATE", "Built", "Seen", "build", "look", "main", "problems", "slow"]

ROOT = Path(__file__).parents[1]
EXAMPLES = ("fashion_mnist_fc", "fashion_mnist_conv")
SAMPLES = 64
MOST_BYTES = 3_000_000
MOST_BUILD = 180.0  # s of processor time
MOST_FIRST = 2.0  # s from opening a page to its first result
OPENED = 3  # times, as other work on the machine slows a browser; the fastest counts
LEAST_RATE = {"fashion_mnist_fc": 5.0}  # inferences a second
SIZES = {"desktop": 1280, "phone": 390}
READY = "document.documentElement.dataset.circuit === 'ready'"
# When the first result stands in the page, in s from its opening.
TIMER = """window.firstResult = new Promise((resolve) => {
  const look = () => document.getElementById("status")?.textContent.includes("answer: ")
    ? resolve(performance.now() / 1000) : requestAnimationFrame(look);
  look();
})"""
# A stroke from corner to corner, as a mouse makes it; whether the scores are others then.
STROKE = """(async () => {
  const paper = document.getElementById("paper"), box = paper.getBoundingClientRect();
  page.clear();
  const silent = JSON.stringify(page.classify(page.current).scores);
  for (let step = 0; step <= 20; step++) {
    paper.dispatchEvent(new PointerEvent(step ? "pointermove" : "pointerdown", {
      buttons: 1, clientX: box.left + box.width * step / 20,
      clientY: box.top + box.height * step / 20}));
  }
  paper.dispatchEvent(new PointerEvent("pointerup"));
  return silent !== JSON.stringify(page.classify(page.current).scores);
})()"""


@dataclass(frozen=True)
class Built:
    """A page, and s of processor time that it took with nothing kept and a second time."""

    page: Path
    seconds: float
    again: float


@dataclass(frozen=True)
class Seen:
    """What Chromium saw of a page.

    first : s until the first result; rate : inferences a second
    equal, count : stored samples that are the reference's in everything, and all of them
    stroke : bool, whether one changes the scores
    complaints : of the console, of axe, and what was loaded beside the page
    """

    first: float
    rate: float
    equal: int
    count: int
    stroke: bool
    complaints: tuple[str, ...]


def build(example: str, folder: Path) -> Built:
    """The page of an example, made twice with an empty cache in ``folder``."""
    import bsnn_hw

    bsnn_hw.generate(ROOT / f"examples/{example}.pt", folder / "bundle")
    return Built(folder / "bundle/report/report.html", _reported(example, folder),
                 _reported(example, folder))


def _reported(example: str, folder: Path) -> float:
    from bsnn_hw.processes import run

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run([sys.executable, "-m", "bsnn_hw.report", folder / "bundle",
                  "--model", ROOT / f"examples/{example}.pt", "--samples", str(SAMPLES),
                  "--data", ROOT / "examples/fashion_mnist_sample.npz"], cwd=ROOT,
                 env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")})
    if result.returncode:
        raise ToolError(f"report: must make a page of {example}, but failed: {result.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def look(chromium: Browser, page: Path, pictures: Path | None = None) -> Seen:
    """Open ``page`` and have it do all that it does.

    pictures : folder for pictures of it, wide and narrow, by day and by night
    """
    from evidence.browser import AXE

    chromium.errors.clear()
    chromium.requests.clear()
    chromium.before(TIMER)
    firsts = [_first_result(chromium, page) for _ in range(OPENED)]
    found = chromium.value("page.compareAll()", 300)
    stroke = chromium.value(STROKE)
    loaded = [f"loaded {url}" for url in chromium.requests if url != page.resolve().as_uri()]
    complaints = [*chromium.errors, *loaded]
    if AXE:
        complaints += [finding for width in SIZES.values()
                       for finding in _findings(chromium, page, width)]
    if pictures:
        _shoot(chromium, page, pictures)
    return Seen(min(firsts), found["rate"], found["equal"], found["count"], stroke,
                tuple(complaints))


def _first_result(chromium: Browser, page: Path, width: int = 1280, dark: bool = False) -> float:
    chromium.open(page, width, dark=dark)
    chromium.wait(READY)
    first: float = chromium.value("firstResult")
    return first


def _findings(chromium: Browser, page: Path, width: int) -> list[str]:
    _first_result(chromium, page, width)
    return chromium.findings()


def _shoot(chromium: Browser, page: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for size, width in SIZES.items():
        for dark in (False, True):
            _first_result(chromium, page, width, dark)
            chromium.shoot(folder / f"{size}_{'dark' if dark else 'light'}.png")


def problems(example: str, page: Path, seen: Seen) -> Iterator[str]:
    """What must not be in a page."""
    size, rate = page.stat().st_size, LEAST_RATE.get(example, 0.0)
    limits = ((size >= MOST_BYTES, f"must have fewer than {MOST_BYTES:,} bytes, not {size:,}"),
              (seen.first >= MOST_FIRST, f"must have a result after {MOST_FIRST} s, not "
                                         f"{seen.first:.2f}"),
              (seen.rate < rate, f"must do {rate} inferences a second, not {seen.rate:.1f}"),
              (seen.count != SAMPLES or seen.equal != seen.count,
               f"must equal the reference in {SAMPLES} samples, not in {seen.equal} of "
               f"{seen.count}"),
              (not seen.stroke, "must give other scores after a stroke"))
    yield from (f"{example}: {words}" for wrong, words in limits if wrong)
    yield from (f"{example}: {words}" for words in seen.complaints)


def slow(example: str, built: Built) -> Iterator[str]:
    """What must not be in the building of a page."""
    if built.seconds >= MOST_BUILD:
        yield f"{example}: must be built in {MOST_BUILD} s, not {built.seconds:.1f}"
    if built.again >= built.seconds:
        yield (f"{example}: must be built faster again, not in {built.again:.1f} s after "
               f"{built.seconds:.1f}")


def _row(example: str, built: Built, seen: Seen) -> list[str]:
    return [example, f"{built.seconds:.1f}", f"{built.again:.1f}",
            f"{built.page.stat().st_size / 1e6:.2f}", f"{seen.first:.2f}",
            f"{seen.equal} of {seen.count}", f"{seen.rate:.1f}"]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder
    from bsnn_hw.text import table
    from evidence.browser import AXE, CHROMIUM, browser

    if CHROMIUM is None or AXE is None:
        raise ToolError("pages: Chromium and axe-core-python must be there, and are not; install "
                        "chromium and bsnn-hw[dev]")
    rows = [["page", "built s (CPU)", "again s", "MB", "first result s", "equal", "inferences/s"]]
    wrong: list[str] = []
    with browser() as chromium:
        for example in options.examples or EXAMPLES:
            with scratch_folder() as folder:
                built = build(example, folder)
                seen = look(chromium, built.page, options.pictures and options.pictures / example)
                rows.append(_row(example, built, seen))
                wrong += [*slow(example, built), *problems(example, built.page, seen)]
    print(table(rows))
    if wrong:
        raise BsnnError("\n".join(wrong))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.pages",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("examples", nargs="*", metavar="EXAMPLE",
                        help=f"of examples/ (default: {' '.join(EXAMPLES)})")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER",
                        help="write pictures of the pages, wide and narrow, by day and by night")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
