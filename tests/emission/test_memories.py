"""Words in files of their own: the same words, and the same answers where a tool runs beside."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from bsnn_hw.emission.memories import MEM_FOLDER, Memories
from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.sim.memory_files import in_files
from bsnn_hw.verification.native import build_model, verify_native
from tests.bundles import make_bundle


@pytest.fixture
def mem_bundle(tmp_path, monkeypatch):
    """As small as its memories are, each of 4 rows or more is in a file."""
    monkeypatch.setattr("bsnn_hw.sim.memory_files.FEWEST_ROWS", 4)
    return make_bundle(32, tmp_path / "bundle", memories=Memories.MEM)


@pytest.mark.wide
def test_the_same_words(mem_bundle):
    folder, found = mem_bundle.folder / MEM_FOLDER, {}
    for path in mem_bundle.design.verilog.paths:
        text, files = in_files(path.read_text(), path.stem, "mem")
        assert (folder / path.name).read_text() == text
        found |= files
    assert found and {path.name for path in folder.glob("*.mem")} == set(found)
    for name, words in found.items():
        assert (folder / name).read_text().split() == words


@pytest.mark.wide
def test_the_simulation_beside_the_files_is_exact(mem_bundle, tmp_path):
    """Verilator's program runs in its build folder, where the words are put."""
    design, folder = mem_bundle.design, mem_bundle.folder / MEM_FOLDER
    assert any("$readmemh" in path.read_text() for path in folder.glob("*.v"))
    sources = tuple(folder / path.name for path in design.verilog.paths)
    moved = replace(design, verilog=replace(design.verilog, paths=sources))
    model = build_model(moved, tmp_path / "build", optimize="-O0")
    for path in folder.glob("*.mem"):
        shutil.copy(path, tmp_path / "build")
    assert verify_native(moved, model, mem_bundle.inputs).inferences == len(mem_bundle.inputs)


@pytest.mark.wide
def test_yosys_finds_them_beside_the_verilog(mem_bundle):
    """From the bundle's folder; without them it stops."""
    code = ("import sys; from pyosys import libyosys as ys; design = ys.Design()\n"
            "for path in sys.argv[1:]: ys.run_pass(f'read_verilog {path}', design)\n")
    names = [f"{MEM_FOLDER}/{path.name}" for path in mem_bundle.design.verilog.paths]
    command = [sys.executable, "-c", code, *names]
    assert subprocess.run(command, cwd=mem_bundle.folder, capture_output=True).returncode == 0
    next((mem_bundle.folder / MEM_FOLDER).glob("*.mem")).unlink()
    assert subprocess.run(command, cwd=mem_bundle.folder, capture_output=True).returncode != 0


@pytest.mark.wide
def test_our_own_commands_read_the_verified_verilog(mem_bundle):
    (next((mem_bundle.folder / MEM_FOLDER).glob("*.mem"))).write_text("0\n")
    assert check_edits(mem_bundle.folder, False) is None
    assert open_bundle(mem_bundle.folder).verilog.paths[0].parent.name == "rtl"


def test_the_default_is_without(events_bundle):
    assert not (events_bundle.folder / MEM_FOLDER).exists()
