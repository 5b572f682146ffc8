"""A child's answer comes in a file, whatever it and its tools print."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bsnn_hw.child import ask, environment
from bsnn_hw.errors import ToolError
from bsnn_hw.model.format import save
from evidence.random_models import random_document

CHILD = """
import os, sys
from bsnn_hw.child import serve
def act(request):
    {act}
if __name__ == "__main__":
    serve(act)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    def make(act):
        (tmp_path / "noisy_child.py").write_text(CHILD.format(act=act))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "noisy_child"
    return make


def test_prints_around_the_answer(child):
    module = child("os.write(1, b'{\"not\": \"the answer\"}'); print(end='no newline'); "
                   "return {'sum': sum(request)}")
    assert ask(module, [1, 2, 3], "sum") == {"sum": 6}


def test_failure_is_the_tools_own_line(child):
    module = child("print('step 1'); print('ERROR: no such cell'); print('end'); sys.exit(7)")
    with pytest.raises(ToolError, match=r"^yosys: x failed with code 7: ERROR: no such cell$"):
        ask(module, None, "yosys: x")


def test_no_answer(child):
    module = child("print('gone'); sys.stdout.flush(); os._exit(0)")
    with pytest.raises(ToolError, match=r"^x must leave an answer, and left none: gone$"):
        ask(module, None, "x")


@pytest.mark.wide
def test_generate_in_an_emptied_environment(tmp_path):
    """Where PYTHONUNBUFFERED is not set, as on users' machines, Yosys's stdout mixes with ours."""
    save(tmp_path / "m.pt", random_document(34))
    kept = {key: value for key, value in environment().items() if key in ("PATH", "HOME")}
    root = Path(__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-m", "bsnn_hw.generate", str(tmp_path / "m.pt"), "--vectors", "2",
         "--out", str(tmp_path / "out folder")], cwd=root, env=kept, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "out folder" / "manifest.json").read_text())["top"]
