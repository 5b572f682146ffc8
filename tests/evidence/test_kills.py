"""Some of the kills of `evidence.kills`, and that it sees what is left behind."""

import os
import signal
import subprocess
import sys

import pytest

from bsnn_hw.errors import BsnnError
from evidence.kills import VERBS, Place, Verb, kill, prepare
from tests.for_each import for_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("kills"))


@pytest.mark.slow
@for_each("verb, number, after", [
    (VERBS[1], signal.SIGKILL, 3.0), (VERBS[0], signal.SIGTERM, 2.5),
    (VERBS[2], signal.SIGINT, 1.8), (VERBS[4], signal.SIGKILL, 2.5)])
def test_nothing_is_left(place, verb, number, after):
    assert number.name in kill(verb, number, after, place)


@pytest.mark.wide
def test_what_is_left_is_seen(tmp_path, monkeypatch):
    (tmp_path / "cwd").mkdir()
    (tmp_path / "tmp").mkdir()
    code = "import subprocess, time\nopen('litter', 'w')\n{}time.sleep(60)\n"
    module = tmp_path / "cwd" / "litterer.py"
    monkeypatch.setattr("evidence.kills._start",
                        lambda verb, place, mark: subprocess.Popen(
                            [sys.executable, str(module)], cwd=place.cwd,
                            env={**os.environ, "BSNN_HW_KILLS": mark}))
    place = Place(tmp_path / "cwd", tmp_path / "tmp")
    module.write_text(code.format(""), encoding="utf-8")
    with pytest.raises(BsnnError, match="nothing must be left, but litter"):
        kill(Verb("x", (), 1), signal.SIGKILL, 0.5, place)
    module.write_text(code.format("subprocess.Popen(['sleep', '2'])\n"), encoding="utf-8")
    with pytest.raises(BsnnError, match=r"no process must be left, but .* sleep 2"):
        kill(Verb("x", (), 1), signal.SIGKILL, 0.5, place)
