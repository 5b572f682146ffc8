"""What the tutorial has its reader do; `python -m evidence.tutorial` does it."""

import json
import os
import subprocess
import sys

import pytest

from bsnn_hw.errors import MismatchError
from bsnn_hw.reference.network import run
from evidence.tutorial import DIGITS, PAGE, REFERENCE, ROOT, Reader, Step, path_of, steps
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program


def test_the_page():
    found = list(steps(PAGE))
    assert [step.command for step in found[:3]] == [
        "make install", ". .venv/bin/activate", "mkdir ~/digits; cd ~/digits"]
    assert all(step.inside for step in found[:3]) and not any(step.inside for step in found[3:])
    assert [step.command.split()[2].split(".")[-1] for step in found[3:-1]] == [
        "train", "check", "generate", "generate", "verify", "verify", "report"]
    assert all(step.prints for step in found[3:])
    name, code = found[-1].file
    assert found[-1].command == f"python {name}" and "import bsnn_hw\n" in code
    assert found[-1].prints.startswith("a 3, in ")


def test_a_console_of_two_commands(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("`mkdir x; cd x`\n\n```sh\nmake a\n```\n\n"
                    "```console\n$ one\n1\n2\n$ two\n```\n")
    assert list(steps(page)) == [
        Step("make a", inside=True), Step("mkdir x; cd x", inside=True),
        Step("one", prints="1\n2\n"), Step("two", prints="")]


def test_a_page_without_a_folder(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\nmake a\n```\n")
    with pytest.raises(MismatchError, match="must have `mkdir"):
        list(steps(page))


@pytest.fixture
def reader(tmp_path, monkeypatch):
    monkeypatch.setattr(Reader, "_git", lambda self: self.clone.mkdir())
    monkeypatch.setenv("PIP_NO_INPUT", "1")
    monkeypatch.setenv("LEFT_OUT", "1")
    return Reader(tmp_path)


def test_what_the_reference_says_of_drawings(direct_bundle, tmp_path):
    (tmp_path / "digits_hw").symlink_to(direct_bundle.folder)
    samples = direct_bundle.inputs[:3]
    found = subprocess.run([sys.executable, "-c", REFERENCE], cwd=tmp_path, check=True, text=True,
                           input=json.dumps(samples.tolist()), capture_output=True,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert json.loads(found.stdout) == run(direct_bundle.network, samples).scores.tolist()


def test_an_emptied_environment(reader):
    names = {line.split("=")[0] for line in reader.shell("env").splitlines()}
    assert {"HOME", "PATH", "PIP_NO_INPUT"} <= names and not names & {"LEFT_OUT", "PYTHONPATH"}


def test_a_folder_of_ones_own(reader):
    reader.do(Step("mkdir ~/own; cd ~/own", inside=True))
    reader.do(Step("pwd; cat x", file=("x", "text\n"), prints="…/home/own\ntext\n"))
    assert (reader.home / "own" / "x").read_text() == "text\n"


@for_each("step, words", [
    (Step("echo a", prints="b\n"), "echo a must print\nb\nbut printed\na"),
    (Step("echo why >&2; exit 3"), "must succeed, but ended with 3:\nwhy")])
def test_what_differs_is_named(step, words, reader):
    with pytest.raises(MismatchError, match=words):
        reader.do(step)


def test_strokes():
    """The mouse goes from corner to corner in small steps, inside of the paper."""
    assert path_of([(0, 0), (8, 4)])[:2] == [(0, 0), (1, 0.5)]
    for corners in DIGITS.values():
        path = path_of(corners)
        assert (path[0], path[-1]) == (corners[0], corners[-1])
        assert all(0 < x < 8 and 0 < y < 8 for x, y in path)
