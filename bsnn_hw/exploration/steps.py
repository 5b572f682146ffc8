"""Steps of a study, and the cache of what they gave: a folder for each, whole or not there at all.

A step's key is the hash of all that its result depends on, so that a step which several points
share is done once, and one that was done before is not done again.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bsnn_hw import __version__
from bsnn_hw.devices.targets import find_target
from bsnn_hw.errors import ToolError
from bsnn_hw.exploration.points import digest
from bsnn_hw.scratch import removed_after

__all__ = ["Done", "Step", "code_version", "known", "perform", "router_version"]

PACKAGES = ("torch", "numpy", "amaranth", "pyosys")  # whose version can change a result
SOURCES = ("", "hdl", "sim", "templates")


@dataclass(frozen=True)
class Step:
    """One piece of work.

    kind : name of its function in `work`
    options : what JSON can hold; with the code's version all that the result depends on
    reads : where its inputs are; what they are stands in ``options`` as hashes
    """

    kind: str
    options: Mapping[str, Any]
    reads: Mapping[str, Any]
    code: str

    @property
    def key(self) -> str:
        """Its hash."""
        return digest([self.kind, self.options, self.code])

    def folder(self, cache: Path) -> Path:
        """Where its result lies."""
        return cache / self.kind / self.key


@dataclass(frozen=True)
class Done:
    """What a step gave.

    facts : what JSON can hold; files lie in the step's folder
    seconds : of its work
    worker : machine and process that did it, ``"host:4711"``; "" of what was there before
    """

    facts: dict[str, Any]
    seconds: float
    worker: str = ""


@functools.lru_cache(maxsize=1)
def code_version() -> str:
    """Hash of this program's text, and of the versions of what it computes with."""
    texts = {f"{folder}/{path}": text for folder in SOURCES for path, text in _texts(folder)}
    return digest([__version__, texts, [importlib.metadata.version(name) for name in PACKAGES]])


def router_version(part: str) -> str | None:
    """Of the nextpnr that places for a part, None where it is not installed."""
    try:
        return importlib.metadata.version(find_target(part).router.package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _texts(folder: str):
    """Name and sha256 of every file of a part of the package."""
    waiting = [("", files(f"bsnn_hw.{folder}" if folder else "bsnn_hw"))]
    while waiting:
        name, place = waiting.pop()
        if place.is_dir():
            waiting += [(f"{name}/{each.name}", each) for each in place.iterdir()
                        if each.name != "__pycache__" and not (folder == name == "" and
                                                               each.name in SOURCES)]
        else:
            yield name, hashlib.sha256(place.read_bytes()).hexdigest()


def known(step: Step, cache: Path) -> Done | None:
    """The step's result if it is in the cache, else None."""
    return _kept(step.folder(cache))


def _kept(folder: Path) -> Done | None:
    try:
        kept = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        return Done(dict(kept["facts"]), float(kept["seconds"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def perform(step: Step, cache: Path) -> Done:
    """Do the step, on a worker; its folder appears at the end.

    Raises
    ------
    BsnnError
        What the step refuses, or a tool that failed.
    ToolError
        The worker has another version of this program, or does not see the folder.
    """
    from bsnn_hw.exploration.work import WORK

    if step.code != code_version():
        raise ToolError("worker: must run the bsnn_hw that the study was started with, and runs "
                        "another; install it there")
    if found := known(step, cache):
        return found
    if not cache.is_dir():
        raise ToolError(f"worker: must see the study's folder {cache}, and does not; give `out` "
                        "on a file system that all workers share")
    started = time.perf_counter()
    folder = step.folder(cache)
    folder.parent.mkdir(exist_ok=True)
    with removed_after(folder.with_name(f".{secrets.token_hex(8)}")) as draft:
        draft.mkdir()
        facts = WORK[step.kind](step.options, step.reads, draft)
        seconds = time.perf_counter() - started
        (draft / "facts.json").write_text(json.dumps({"facts": facts, "seconds": seconds}),
                                          encoding="utf-8")
        _put(draft, folder)
    return Done(facts, seconds, f"{socket.gethostname()}:{os.getpid()}")


def _put(draft: Path, folder: Path) -> None:
    """Give the draft its name, where no other worker was faster; what is damaged there goes."""
    if folder.exists() and _kept(folder) is None:
        shutil.rmtree(folder)
    try:
        draft.rename(folder)
    except OSError:
        if _kept(folder) is None:
            raise
