"""--force replaces what this program wrote, and nothing else goes."""

import json
import os
import shutil
from pathlib import Path

import pytest

from bsnn_hw.emission import bundle as bundles
from bsnn_hw.emission.bundle import check_target, write_bundle
from bsnn_hw.emission.inventory import digest
from bsnn_hw.emission.replaced import listed
from bsnn_hw.emission.results import write_results
from bsnn_hw.errors import InputError
from tests.emission.test_bundle import files_of, without_yosys
from tests.for_each import for_each


def copied(bundle, place):
    return Path(shutil.copytree(bundle.folder, place / "b"))


def writer(bundle, folder, monkeypatch):
    """Writes ``bundle`` to ``folder`` once more, without waiting for Yosys."""
    without_yosys(monkeypatch, bundle)
    return lambda: write_bundle(bundle.network, bundle.schedule, bundle.inputs, folder, force=True)


@pytest.fixture
def folder(direct_bundle, tmp_path):
    """A bundle that a test may change."""
    return copied(direct_bundle, tmp_path)


@pytest.fixture
def again(direct_bundle, folder, monkeypatch):
    return writer(direct_bundle, folder, monkeypatch)


def put(folder, name, text="mine"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_files_of_the_user_are_taken_over(direct_bundle, folder, again):
    users = {"board/top.lpf", "NOTES", "sim_build/deep/er/x", "synth/notes.txt"}
    for name in users:
        put(folder, name)
    (folder / "board" / "link").symlink_to("top.lpf")
    (folder / "empty" / "folder").mkdir(parents=True)
    again()
    new = files_of(folder)
    assert {name: new[name] for name in users} == dict.fromkeys(users, b"mine")
    assert (folder / "board" / "link").is_symlink()
    assert (folder / "empty" / "folder").is_dir()
    assert {name: new[name] for name in files_of(direct_bundle.folder)} == files_of(
        direct_bundle.folder)
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def test_results_of_the_old_circuit_go(folder, again):
    """But not one that was edited, nor one that we did not write."""
    for name in ("synth_a.txt", "synth_b.txt", "mine.txt"):
        put(folder, f"synth/{name}", "75 MHz")
    written = {name: digest(folder / "synth" / name) for name in ("synth_a.txt", "synth_b.txt")}
    put(folder, "synth/files.json", json.dumps(written))
    put(folder, "synth/synth_b.txt", "80 MHz")
    again()
    assert sorted(path.name for path in (folder / "synth").iterdir()) == [
        "mine.txt", "synth_b.txt"]


REFUSED = {
    "edited": (lambda b: put(b, "rtl/bsnn_random_24.v"), "rtl/bsnn_random_24.v was edited; move"),
    "missing": (lambda b: (b / "Makefile").unlink(), "Makefile is missing; move it away, or give"),
    "a link": (lambda b: (b / "Makefile").unlink() or (b / "Makefile").symlink_to("README.md"),
               "Makefile is missing"),
    "in rtl": (lambda b: put(b, "rtl/mine.v"), "but not rtl/mine.v; move them elsewhere"),
    "in rtl_mem": (lambda b: (b / "rtl_mem").mkdir() or put(b, "rtl_mem/mine.mem"),
                   "but not rtl_mem/mine.mem; move them elsewhere"),
    "a pipe": (lambda b: os.mkfifo(b / "pipe"), "but not pipe; move them elsewhere"),
    "version 1": (lambda b: change(b, version=1), "that list their files (version 2), this one"),
    "no list": (lambda b: change(b, files={}), "every file is missing"),
    "another list": (lambda b: change(b, files={"/etc/passwd": "0" * 64}), "that list their files"),
}


def change(folder, **facts):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


@for_each("kind", REFUSED)
def test_what_is_refused(direct_bundle, tmp_path, monkeypatch, kind):
    folder = copied(direct_bundle, tmp_path)
    again = writer(direct_bundle, folder, monkeypatch)
    spoil, message = REFUSED[kind]
    spoil(folder)
    before = sorted(folder.rglob("*"))
    for act in (again, lambda: check_target(folder, True)):
        with pytest.raises(InputError) as caught:
            act()
        assert message in str(caught.value)
    assert sorted(folder.rglob("*")) == before
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def test_a_folder_that_only_carries_a_manifest(folder, again, tmp_path):
    place = tmp_path / "thesis"
    put(place, "thesis.tex")
    shutil.copy(folder / "manifest.json", place)
    with pytest.raises(InputError, match=r"but Makefile is missing, .* and \d+ more; move it"):
        check_target(place, True)
    assert (place / "thesis.tex").exists()


@for_each("inside", ["", "rtl", "../b/synth"])
def test_the_current_folder(folder, monkeypatch, inside):
    (folder / "synth").mkdir(exist_ok=True)
    monkeypatch.chdir(folder / inside)
    for name in (folder, Path(os.path.relpath(folder))):
        with pytest.raises(InputError, match="must not be the current folder, nor one around it"):
            check_target(name, True)


def test_a_file_of_the_user_where_the_new_bundle_has_one(folder, again, monkeypatch):
    put(folder, "plan2.toml")
    bench = bundles._write_bench
    monkeypatch.setattr(bundles, "_write_bench", lambda facts, draft: (
        bench(facts, draft), put(draft, "plan2.toml", "ours")))
    with pytest.raises(InputError, match=r"but the new bundle has its own plan2.toml; move them"):
        again()
    assert (folder / "plan2.toml").read_text() == "mine"


def test_a_kill_between_the_renames_loses_nothing(folder, again, monkeypatch):
    """What a SIGKILL would leave: the old bundle and the new one, under names that begin with .b"""
    put(folder, "NOTES")
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    rename, calls = Path.rename, []

    def killed(self, target):
        calls.append(self)
        if len(calls) > 1:
            raise SystemExit
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(SystemExit):
        again()
    places = [path for path in folder.parent.iterdir() if (path / "NOTES").exists()]
    assert len(places) == 2


def test_another_run_is_faster(direct_bundle, folder, again, monkeypatch):
    """It puts its bundle there between our two renames, without the user's file."""
    put(folder, "NOTES")
    rename = Path.rename

    def overtaken(self, target):
        rename(self, target)
        if self == folder:
            shutil.copytree(direct_bundle.folder, folder)

    monkeypatch.setattr(Path, "rename", overtaken)
    with pytest.raises(InputError, match=r"what others had put there, NOTES, is in ") as caught:
        again()
    kept = Path(str(caught.value).partition("NOTES, is in ")[2])
    assert (kept / "NOTES").read_text() == "mine"
    assert (folder / "bench.py").exists()


@for_each("names, text", [
    (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"),
    (list("abcdefg"), "a, b, c, d, e and 2 more")])
def test_listed(names, text):
    assert listed(names) == text


def test_the_verdict_and_the_page_of_the_old_circuit_go(folder, again):
    write_results(folder / "report", {"verdict.json": b"{}", "report.html": b"<html>"})
    put(folder, "report/notes.txt")
    again()
    assert [path.name for path in (folder / "report").iterdir()] == ["notes.txt"]
