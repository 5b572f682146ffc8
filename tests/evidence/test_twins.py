"""A binary network beside its twin: runs that are finished stay, and the verdict is in points."""

import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout

import pytest

from bsnn_hw import train
from bsnn_hw.errors import ToolError
from evidence import twins

pytestmark = pytest.mark.wide  # an experiment, no part of the program

RECIPE = ["digits", "--hidden", "6", "--epochs", "1"]


def log(path, accuracy, weights):
    recipe = {"gate": "agmm", "seed": 4, "weights": weights, "timesteps": 2, "hidden": [3]}
    epoch = {"validation_accuracy": None, "flip_ratio": 0.1, "epoch_flip_ratio": 0.1}
    test = {"accuracy": accuracy, "rates": {"fc1": 0.1}, "spikes_per_inference": {"fc1": 0.6}}
    lines = [{"recipe": recipe}, epoch, {"test": test}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_the_verdict_counts_points(tmp_path):
    log(tmp_path / "real-4.jsonl", 0.925, "real")
    log(tmp_path / "binary-4.jsonl", 0.92, "binary")
    said = twins.verdict(tmp_path, [4])
    assert "seed 4: binary 92.00%, 0.50 points below its twin's 92.50%" in said
    assert "| real-4 | real | agmm | 4 | 1 | none | 92.50% |" in said


def trained_here(command, *, stdout, **_):
    """`subprocess.run` of the verb, in this process, which has torch."""
    with redirect_stdout(stdout), redirect_stderr(stdout):
        return subprocess.CompletedProcess(command, train.main(command[3:]))


def test_a_pair_is_trained_once(tmp_path, monkeypatch):
    monkeypatch.setattr(twins.subprocess, "run", trained_here)
    twins.pair(tmp_path, 2, 0.5, RECIPE)
    recipe = json.loads((tmp_path / "binary-2.jsonl").read_text().splitlines()[0])["recipe"]
    assert (recipe["distillation"], recipe["seed"]) == (0.5, 2)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {"binary-2.pt", "real-2.checkpoint"} <= before.keys()
    twins.pair(tmp_path, 2, 0.5, RECIPE)
    assert before == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


def test_a_run_that_fails_is_named(tmp_path):
    with pytest.raises(ToolError, match=r"real-0\.pt: its training must end with code 0, not 1; "
                                        r"see .*real-0\.log"):
        twins.pair(tmp_path, 0, 0.5, [*RECIPE, "--leak", "2"])
