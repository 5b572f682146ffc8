"""Curves of a log, and none of what is something else."""

import json
import math

from bsnn_hw.reporting.training import read_log
from tests.for_each import for_each

EPOCH = {"train_accuracy": 0.5, "validation_accuracy": None, "rates": {"fc1": 0.1},
         "flip_ratios": {"fc1": 0.01, "readout": 0.02}}


def log(tmp_path, lines):
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line)
                              for line in lines))
    return path


def test_what_is_there_is_drawn(tmp_path):
    found = read_log(log(tmp_path, [{"recipe": {}}, EPOCH | {"epoch": 1}, EPOCH | {"epoch": 2}]))
    assert [(each.title, [line.name for line in each.plot.lines]) for each in found] == [
        ("Accuracy", ["train accuracy"]), ("Firing rate", ["fc1"]),
        ("Weights whose sign changes", ["fc1", "readout"])]


@for_each("lines", [
    ["{"], ["[" * 99999], ["7"], [EPOCH | {"epoch": 1}],
    [EPOCH | {"epoch": n, "rates": {"fc1": "<b>"}, "train_accuracy": -1, "flip_ratios": 3}
     for n in range(3)],
    [EPOCH | {"epoch": n, "rates": {"fc1": 10**400}, "train_accuracy": math.nan, "flip_ratios": {}}
     for n in range(3)]])
def test_anything_else_is_nothing(tmp_path, lines):
    assert read_log(log(tmp_path, lines)) == ()


def test_no_log(tmp_path):
    assert read_log(None) == read_log(tmp_path / "none.jsonl") == ()
