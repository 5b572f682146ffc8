"""Code blocks run, in a folder that has what the pages speak of; what does not run has a reason."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evidence.site.blocks import printed_as
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, commands

# Pages whose Python runs in a test of its own, which also looks at what it leaves.
TESTED = {"binarize": "nn/test_binarize_docs.py", "training": "nn/test_docs.py",
          "model": "model/test_docs.py", "ir": "ir/test_docs.py",
          **dict.fromkeys(("snntorch", "spikingjelly", "sinabs", "norse", "brevitas"),
                          "convert/test_docs.py")}
# What a reader runs, and these tests do not.
NOT_RUN = {
    r"pip install|python -m pip|apt install|\. |make ": "makes the environment; .ci/ runs it",
    r"python -m evidence\.": "a measurement of minutes; `make check` runs it",
    r"python -m bsnn_hw\.synth|.*--simulate|.*--bridge": "minutes of place and route",
    r".*--scheduler": "a cluster of the reader's own",
    r"python -m bsnn_hw\.train (fashion-mnist|runs/|digits --out examples)": "minutes of training",
    r"python -m bsnn_hw\.generate .*(int8_ends|patches)": "minutes of calibration and of the bench",
    r"python -m bsnn_hw\.(nn\.table|show --log) runs/": "logs of the reader's own",
    r"python -m bsnn_hw\.events|.*(--events|nmnist)": "recordings, see tests/events",
    r"python -m bsnn_hw\.board .*--flash": "a board, see tests/boards",
    r"python -m bsnn_hw\.explore": "a study of the reader's own",
    r"python -m bsnn_hw\.virtual": "runs until it is ended, see tests/boards",
    r".*(NAME|MODEL|LOG|model\.nir|digits_32|d32|tang|nexus|million|fashion\b)": "others' files",
}
SAMPLES = """
import numpy as np, bsnn_hw.pipeline
s = bsnn_hw.pipeline.samples_of(bsnn_hw.load("model.pt"))
np.savez("samples.npz", train_x=s.calibration, test_x=s.test, test_y=s.labels)
"""


def run(words, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run([sys.executable if word == "python" else word for word in words],
                          cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=600)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """model.pt, the digits example, its bundle and plan, samples, and the examples."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "examples" / "digits_fc.pt", folder / "model.pt")
    shutil.copy(ROOT / "examples" / "digits_fc.jsonl", folder / "model.jsonl")
    (folder / "examples").symlink_to(ROOT / "examples")
    made = run(["python", "-m", "bsnn_hw.generate", "model.pt", "--target", "ecp5-25k"], folder)
    assert made.returncode == 0, made.stdout
    shutil.copy(folder / "model_hw" / "plan.toml", folder / "plan.toml")
    assert run(["python", "-c", SAMPLES], folder).returncode == 0
    return folder


@pytest.fixture
def folder(prepared, tmp_path):
    return Path(shutil.copytree(prepared, tmp_path / "work", symlinks=True))


def python_pages():
    return [page for page in PAGES if page.stem not in TESTED
            and any(block.language == "python" for block in blocks(page))]


def test_pages_with_a_test_of_their_own_have_it():
    for page, test in TESTED.items():
        text = (ROOT / "tests" / test).read_text(encoding="utf-8")
        assert page in text and "blocks" in text, page


@pytest.mark.slow
@pytest.mark.parametrize("page", python_pages(), ids=lambda page: page.stem)
def test_python_runs(page, folder, monkeypatch, capsys):
    """All blocks of a page, one after the other; a block of output behind one is what it prints."""
    if page.stem == "tutorial":
        (folder / "model_hw").rename(folder / "digits_hw")
    monkeypatch.chdir(folder)
    names = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python" and block.mark != "not run":
            exec(compile(block.code, page.name, "exec"), names)
            printed = capsys.readouterr().out
        elif block.mark == "output":
            assert_output(printed, block.code)


def assert_output(printed, wanted):
    assert printed_as(printed, wanted), f"{printed}\nis not\n{wanted}"


def test_output_with_gaps():
    assert_output("a 12 s\nx\ny\nend\n", "a … s\n…\nend\n")
    with pytest.raises(AssertionError):
        assert_output("a 12 s\nend\nmore\n", "a … s\nend\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tutorial", "errors"])
def test_consoles_show_what_is_printed(name, folder):
    """Word for word: each command with its output and its exit code."""
    if name == "tutorial":
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for block in blocks(DOCS / f"{name}.md"):
        if block.language == "console":
            wanted = re.split(r"(?m)^\$ .*\n", block.code)[1:]
            for command, output in zip(commands(block), wanted, strict=True):
                result = run(shlex.split(command), folder)
                code = int(block.mark.removeprefix("exit ") or 0)
                assert result.returncode == code, f"{command}\n{result.stdout}"
                assert_output(result.stdout, output)


def reason(command):
    """Why a command does not run here, None where it does."""
    return next((words for pattern, words in NOT_RUN.items() if re.match(pattern, command)), None)


def shell_commands():
    return {page.stem: found for page in PAGES
            if (found := [command for block in blocks(page) if block.language == "sh"
                          for command in commands(block) if not reason(command)])}


def test_no_reason_is_left_over():
    every = [command for page in PAGES for block in blocks(page) if block.language == "sh"
             for command in commands(block)]
    for pattern in NOT_RUN:
        assert any(re.match(pattern, command) for command in every), pattern


@pytest.mark.slow
@pytest.mark.parametrize("page", shell_commands())
def test_commands_run(page, folder):
    for command in shell_commands()[page]:
        words = shlex.split(command.replace("*", "digits_fc"))
        if words[2] in ("bsnn_hw.generate", "bsnn_hw.board"):  # ways of doing the same
            usual = "model_hw" if words[2] == "bsnn_hw.generate" else f"{words[3]}_board"
            out = words[words.index("--out") + 1] if "--out" in words else usual
            shutil.rmtree(folder / out, ignore_errors=True)
        result = run(words, folder)
        assert result.returncode == 0, f"{command}\n{result.stdout}"
