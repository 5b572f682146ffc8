"""What `verify` found, kept in the bundle as report/verdict.json for those who come later.

A record speaks of the files that were verified, by their hash; when one of them changes it speaks
of nothing. It is a note, not a proof: whoever can write the folder can write the note
(docs/trust.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bsnn_hw import __version__
from bsnn_hw.emission.inventory import digest, read_inventory
from bsnn_hw.emission.opened import read_manifest, verified
from bsnn_hw.emission.results import write_results
from bsnn_hw.errors import InputError, MismatchError

__all__ = ["Check", "Real", "mismatch_recorded", "read_checks", "record"]

FORMAT, VERSION = "bsnn-hw/verdict", 1
FOLDER, NAME = "report", "verdict.json"


@dataclass(frozen=True)
class Real:
    """How the real-valued network compares: accuracies as shares of 1, or None without labels;
    shares of classes and, per spiking layer, of spikes that differ."""

    samples: int
    real: float | None
    integer: float | None
    classes: float
    spikes: dict[str, float]


@dataclass(frozen=True)
class Check:
    """One of the two checks, the last time it ran.

    kind : "bench" or "data"
    command : for people, without paths
    inferences : int; source : where they are from
    difference : the first one, None where everything was equal
    edits : what was edited in the bundle before, None if nothing was
    accuracy : share of 1, None without labels
    cycles, latency : per inference back to back, and for a single image; None from the bench
    """

    kind: str
    command: str
    inferences: int
    source: str
    difference: str | None = None
    edits: str | None = None
    accuracy: float | None = None
    cycles: float | None = None
    latency: float | None = None
    real: Real | None = None


def record(folder: Path, check: Check) -> None:
    """Keep ``check`` in the bundle, beside one of the other kind; a folder that cannot be written
    gets a printed note instead."""
    others = [each for each in read_checks(folder) if each.kind != check.kind]
    checks = sorted([*others, check], key=lambda each: each.kind)
    facts = {"format": FORMAT, "version": VERSION, "generator": f"bsnn-hw {__version__}",
             "verified_sha256": _fingerprint(folder), "checks": [asdict(each) for each in checks]}
    try:
        write_results(folder / FOLDER, {NAME: json.dumps(facts, indent=2).encode() + b"\n"})
    except InputError as error:
        print(f"note      the verdict is not kept: {error}", flush=True)


@contextmanager
def mismatch_recorded(folder: Path, check: Check) -> Iterator[None]:
    """Record ``check`` with the difference where one is found, and let the error pass."""
    try:
        yield
    except MismatchError as error:
        record(folder, replace(check, difference=str(error)))
        raise


def read_checks(folder: Path) -> tuple[Check, ...]:
    """What is known of the bundle as it lies there; nothing where the record is damaged or speaks
    of other files."""
    try:
        facts = json.loads((folder / FOLDER / NAME).read_text(encoding="utf-8"))
        if (facts["format"], facts["version"]) != (FORMAT, VERSION):
            return ()
        if facts["verified_sha256"] != _fingerprint(folder):
            return ()
        return tuple(_check(each) for each in facts["checks"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ()


def _check(facts: dict[str, Any]) -> Check:
    """Raises ValueError, TypeError or KeyError where ``facts`` are not a check's."""
    real = facts["real"] and Real(**facts["real"])
    check = Check(**{**facts, "real": real})
    _require(check, kind=str, command=str, inferences=int, source=str, difference=str | None,
             edits=str | None, accuracy=float | None, cycles=float | None, latency=float | None)
    if real:
        _require(real, samples=int, real=float | None, integer=float | None, classes=float,
                 spikes=dict)
        if not all(isinstance(share, float) for share in real.spikes.values()):
            raise ValueError
    return check


def _require(found: Any, **types: Any) -> None:
    if not all(isinstance(getattr(found, name), kind) for name, kind in types.items()):
        raise ValueError


def _fingerprint(folder: Path) -> str:
    """sha256 over all files that a verdict speaks of, as they are now."""
    names = sorted({"manifest.json", *verified(read_inventory(read_manifest(folder)["files"]))})
    lines = [f"{name} {digest(folder / name)}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
