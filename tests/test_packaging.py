"""The package as pip installs it: from a wheel and from an sdist, run far from the checkout."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNPACKED = shutil.ignore_patterns(".venv", ".git", "build", "dist", "*.egg-info", "__pycache__")


def run(*command, cwd, **variables):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run([sys.executable, *map(str, command)], cwd=cwd, text=True,
                            capture_output=True, env={**environment, **variables})
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(kind, source, out):
    """Have setuptools make a ``wheel`` or an ``sdist`` of ``source`` and return its path."""
    code = f"import sys, setuptools.build_meta as b; print(b.build_{kind}(sys.argv[1]))"
    return out / run("-c", code, out, cwd=source).splitlines()[-1]


def modules(folder):
    return {path.relative_to(folder).as_posix() for path in folder.glob("**/*.py")}


def test_every_module_has_a_package_that_is_installed():
    import tomllib

    facts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {name: facts["package-dir"].get(name, name.replace(".", "/"))
               for name in facts["packages"]}
    found = {path.parent.relative_to(ROOT).as_posix()
             for top in ("bsnn_hw", "hdl", "sim") for path in (ROOT / top).glob("**/*.py")}
    assert found <= set(folders.values())


def test_no_links_in_the_tree():
    """A checkout on Windows turns them into text files."""
    for top in ("bsnn_hw", "docs", "examples", "hdl", "sim", "templates", "tests"):
        links = [path for path in (ROOT / top).glob("**/*") if path.is_symlink()]
        assert not links


def test_folders_at_the_top_level_are_parts_of_the_package():
    import bsnn_hw.hdl.neuron

    assert Path(bsnn_hw.hdl.neuron.__file__) == ROOT / "hdl" / "neuron.py"
    # What installs an editable package may ask importlib and not Python's own search.
    assert importlib.util.find_spec("bsnn_hw.templates") is not None


@pytest.mark.slow
def test_wheel_and_sdist_work_from_an_empty_folder(tmp_path):
    checkout = shutil.copytree(ROOT, tmp_path / "checkout", ignore=UNPACKED)
    out = tmp_path / "dist"
    out.mkdir()
    run("-m", "tarfile", "-e", build("sdist", checkout, out), tmp_path, cwd=out)
    unpacked = next(tmp_path.glob("bsnn_hw-*"))
    wheels = {}
    for source in (checkout, unpacked):
        folder = out / source.name
        folder.mkdir()
        wheels[source] = build("wheel", source, folder)
    names = {source: set(zipfile.ZipFile(wheel).namelist()) for source, wheel in wheels.items()}
    assert names[checkout] == names[unpacked]
    assert {"bsnn_hw/py.typed", "bsnn_hw/examples/digits_fc.pt", "bsnn_hw/sim/bench.py",
            "bsnn_hw/templates/bundle_makefile.j2"} <= names[checkout]
    assert {name.removeprefix("bsnn_hw/") for name in names[checkout] if name.endswith(".py")} == {
        "examples/litex_core.py",
        *modules(ROOT / "bsnn_hw"), *(f"hdl/{name}" for name in modules(ROOT / "hdl")),
        *(f"sim/{name}" for name in modules(ROOT / "sim"))}

    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site,
        wheels[unpacked], cwd=empty)
    where = run("-c", "import bsnn_hw.hdl; print(bsnn_hw.hdl.__file__)", cwd=empty,
                PYTHONPATH=str(site)).strip()
    assert Path(where) == site / "bsnn_hw" / "hdl" / "__init__.py"
    model = site / "bsnn_hw" / "examples" / "digits_fc.pt"
    run("-m", "bsnn_hw.generate", model, "--out", "digits", "--vectors", "2", "--verify",
        cwd=empty, PYTHONPATH=str(site))
