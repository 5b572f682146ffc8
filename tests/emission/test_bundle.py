"""The folder: complete or absent, the same bytes, on its own legs."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bsnn_hw.emission import bundle as bundles
from bsnn_hw.emission.bundle import check_target, write_bundle
from bsnn_hw.errors import InputError, MismatchError
from bsnn_hw.sim.cocotb_run import run_cocotb
from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.write import yosys_reads
from tests.bundles import make_bundle
from tests.for_each import for_each, for_each_in, quick

ROOT = Path(__file__).parents[2]


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


@for_each_in("bundles", "bundle")
def test_what_is_in_it(bundle):
    files = files_of(bundle.folder)
    facts = json.loads(files["manifest.json"])
    vectors = {"inputs", "stimulus", "last", "mark", "scores", "classes"} | {
        f"{kind}_{layer['name']}" for layer in facts["layers"][:-1]
        for kind in ("charged", "fired")}
    assert set(files) == {"Makefile", "README.md", "bench.py", "layout.json", "manifest.json",
                          "network.json", "plan.toml", "files.f", "bsnn.core", "component.xml",
                          *facts["sources"], *(f"vectors/{name}.npy" for name in vectors)}
    assert f"rtl/{facts['top']}.v" in files
    assert np.load(bundle.folder / "vectors/scores.npy").shape == (
        facts["vectors"]["inferences"], facts["m_axis"]["beats"])


@pytest.mark.wide
@for_each_in("bundles", "bundle")
def test_every_file_is_free_of_warnings(bundle):
    assert lint(bundle.design.verilog.paths, bundle.design.verilog.top) == []
    assert yosys_reads(bundle.design.verilog.paths, bundle.design.verilog.top) == []


@pytest.mark.wide
def test_the_same_bytes_elsewhere(direct_bundle, tmp_path):
    code = ("from pathlib import Path; from tests.bundles import make_bundle; "
            "make_bundle(24, Path('another name/b'))")
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert files_of(tmp_path / "another name" / "b") == files_of(direct_bundle.folder)


@for_each_in("bundles", "bundle")
def test_nothing_in_it_names_this_machine(bundle):
    for name, content in files_of(bundle.folder).items():
        for word in (str(ROOT), str(bundle.folder), "/tmp/", "/home/"):
            assert word.encode() not in content, name


def without_yosys(monkeypatch, bundle):
    """Have ``write_bundle`` copy the Verilog of ``bundle``, as it would be written."""

    def copy(_network, _schedule, rtl, *_):
        for path in bundle.design.verilog.paths:
            shutil.copy(path, rtl)
        return bundle.design

    monkeypatch.setattr(bundles, "emit_verilog", copy)


class GoneError(Exception):
    """Something unforeseen."""


@quick(14)
@for_each("force", [False, True])
@for_each("step", ["emit_verilog", "write_vectors", "manifest", "_write_bench",
                                  "_put_in_place"])
@for_each("fault", [GoneError("x"), KeyboardInterrupt(),
                                   OSError(28, "No space left on device")])
def test_a_failure_leaves_nothing(direct_bundle, tmp_path, monkeypatch, step, fault, force):
    folder = tmp_path / "deep" / "er" / "b"
    before = {}
    if force:
        shutil.copytree(direct_bundle.folder, folder)
        before = files_of(tmp_path)

    def fail(*_arguments, **_options):
        raise fault

    if step != "emit_verilog":  # the others need not wait for Yosys
        without_yosys(monkeypatch, direct_bundle)
    monkeypatch.setattr(bundles, step, fail)
    expected = InputError if isinstance(fault, OSError) else type(fault)
    with pytest.raises(expected) as caught:
        write_bundle(direct_bundle.network, direct_bundle.schedule, direct_bundle.inputs, folder,
                     force=force)
    assert files_of(tmp_path) == before
    assert force or not list(tmp_path.iterdir())
    if expected is InputError:
        assert str(caught.value) == (f"{folder}: must be writable, No space left on device; "
                                     "give another `out` or free some space")


def test_the_old_bundle_comes_back(direct_bundle, tmp_path, monkeypatch):
    """Ctrl-C between the two renames."""
    folder = tmp_path / "b"
    shutil.copytree(direct_bundle.folder, folder)
    rename, calls = Path.rename, []

    def interrupted(self, target):
        calls.append(self.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    without_yosys(monkeypatch, direct_bundle)
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(direct_bundle.network, direct_bundle.schedule, direct_bundle.inputs, folder,
                     force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert files_of(folder) == files_of(direct_bundle.folder)


def test_another_run_is_faster(direct_bundle, tmp_path, monkeypatch):
    """Both may replace, and the other one puts its bundle there between our two renames."""
    folder = tmp_path / "b"
    shutil.copytree(direct_bundle.folder, folder)
    rename = Path.rename

    def overtaken(self, target):
        rename(self, target)
        if self == folder:
            make_other_bundle(folder)

    without_yosys(monkeypatch, direct_bundle)
    monkeypatch.setattr(Path, "rename", overtaken)
    with pytest.raises(InputError, match="not empty"):
        write_bundle(direct_bundle.network, direct_bundle.schedule, direct_bundle.inputs, folder,
                     force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]


def test_force_replaces_a_bundle(direct_bundle, tmp_path, monkeypatch):
    folder, link = tmp_path / "b", tmp_path / "link"
    shutil.copytree(direct_bundle.folder, folder)
    old = folder.stat().st_ino
    link.symlink_to(folder)
    without_yosys(monkeypatch, direct_bundle)
    write_bundle(direct_bundle.network, direct_bundle.schedule, direct_bundle.inputs, link,
                 force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "link"]
    assert link.is_symlink()
    assert folder.stat().st_ino != old
    assert filecmp.cmp(folder / "manifest.json", direct_bundle.folder / "manifest.json", False)
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


def other_folder(place):
    place.mkdir()
    (place / "thesis.tex").write_text("")


def other_manifest(place):
    """A web page's."""
    place.mkdir()
    (place / "manifest.json").write_text('{"name": "app"}')


def make_other_bundle(place):
    place.mkdir()
    (place / "manifest.json").write_text('{"format": "bsnn-hw/bundle", "version": 0}')


@for_each("make", [other_folder, other_manifest, make_other_bundle, Path.touch])
def test_force_spares_everything_else(tmp_path, make):
    place = tmp_path / "b"
    make(place)
    with pytest.raises(InputError, match=r"b: must not exist; give `force` to replace it, or"):
        check_target(place, False)
    with pytest.raises(InputError, match=r"b: `force` replaces bundles "):
        check_target(place, True)


@for_each("force", [False, True])
@for_each("make", [other_folder, make_other_bundle, "ours"])
def test_what_came_meanwhile_stays(direct_bundle, tmp_path, monkeypatch, make, force):
    """Two runs into one folder, or a person's own folder made while ours is still at work."""
    folder = tmp_path / "b"

    without_yosys(monkeypatch, direct_bundle)
    quick = bundles.emit_verilog

    def slow(*arguments):
        shutil.copytree(direct_bundle.folder, folder) if make == "ours" else make(folder)
        return quick(*arguments)

    monkeypatch.setattr(bundles, "emit_verilog", slow)
    arguments = (direct_bundle.network, direct_bundle.schedule, direct_bundle.inputs, folder)
    if force and make == "ours":
        write_bundle(*arguments, force=True)
        assert files_of(folder) == files_of(direct_bundle.folder)
        return
    with pytest.raises(InputError, match="`force`"):
        write_bundle(*arguments, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert len(list(folder.iterdir())) == (12 if make == "ours" else 1)


def test_an_empty_folder_is_replaced(tmp_path):
    with pytest.raises(InputError, match="must not exist"):
        check_target(tmp_path, False)
    check_target(tmp_path, True)


@for_each("name", ["/dev/null/b", "file/b", "file/deep/b"])
def test_a_place_that_cannot_be(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(InputError, match="must be a folder that can be written; give another"):
        check_target(Path(name), False)


def test_a_place_that_may_not_be(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="must be a folder that can be written; give another"):
        check_target(tmp_path / "b", False)


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(InputError, match=r"must be a folder that can be written, File name too"):
        check_target(tmp_path / ("b" * 300), False)


def test_long_names_work(direct_bundle, tmp_path, monkeypatch):
    without_yosys(monkeypatch, direct_bundle)
    write_bundle(direct_bundle.network, direct_bundle.schedule, direct_bundle.inputs,
                 tmp_path / ("b" * 240))


@pytest.fixture(scope="module")
def cocotb_environment(object_cache):
    """For `make` in a bundle: this interpreter, and no variables of a make around us."""
    outside = {key: value for key, value in os.environ.items()
               if key not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTEST_CURRENT_TEST"}}
    return {**outside, "PYTHON": sys.executable, "OBJCACHE": object_cache}


@pytest.mark.wide
@pytest.mark.makefile
def test_make_in_the_folder_runs_the_bench(direct_bundle, tmp_path, cocotb_environment):
    """On its own: our package cannot be imported there."""
    folder = tmp_path / "elsewhere"
    shutil.copytree(direct_bundle.folder, folder)
    (folder / "bsnn_hw.py").write_text("raise ImportError('the bench must stand alone')")
    result = subprocess.run(["make", "-C", str(folder)], env=cocotb_environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout[-2000:]
    assert "TESTS=4 PASS=4 FAIL=0" in result.stdout
    assert "Warning" not in result.stdout


@pytest.mark.slow
def test_the_bench_names_a_wrong_place(events_bundle, tmp_path):
    """A timestep of the expectation is off by one: the bench says which."""
    folder = tmp_path / "b"
    shutil.copytree(events_bundle.folder, folder)
    path = folder / "vectors" / "charged_fc1.npy"
    charged = np.load(path)
    charged[1, 5, 7] += 1
    np.save(path, charged)
    with pytest.raises(MismatchError, match=(
            r"bench matches_the_reference/pauses=\w+: .*first difference: inference 1, layer fc1, "
            rf"timestep 6, neuron 7: membrane potential: RTL {charged[1, 5, 7] - 1}, "
            rf"reference {charged[1, 5, 7]}")):
        run_cocotb(events_bundle.design.verilog.paths, events_bundle.design.verilog.top, "bench",
                   folder, tmp_path / "build")


@pytest.mark.wide
def test_layers_whose_names_resemble_modules(tmp_path):
    """fc1_neurons beside fc1's neurons: probes still find the right one."""
    from dataclasses import replace

    from bsnn_hw.emission.design import emit_verilog
    from bsnn_hw.planning.schedule import make_schedule
    from bsnn_hw.verification.native import build_model, verify_native
    from tests.bundles import make_network

    network, inputs = make_network(38)  # 10-18-12-7
    names = ("fc1", "fc1_neurons")
    network = replace(network, hidden=tuple(replace(layer, name=name) for layer, name
                                            in zip(network.hidden, names, strict=True)))
    schedule = make_schedule(network, (3, 2, 1), (5, 5, 3))
    (tmp_path / "rtl").mkdir()
    design = emit_verilog(network, schedule, tmp_path / "rtl")
    assert lint(design.verilog.paths, design.verilog.top) == []
    simulation = build_model(design, tmp_path / "build", optimize="-O0")
    assert verify_native(design, simulation, inputs).inferences == len(inputs)


@quick(1, wide=None)
@for_each("top", ["module", "bsnn", "layer_fc1"])
def test_awkward_names_of_the_top_level(tmp_path, top):
    made = make_bundle(34, tmp_path / "b", top=top)
    assert lint(made.design.verilog.paths, made.design.verilog.top) == []
