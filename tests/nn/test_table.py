"""The table of logs."""

import json

from bsnn_hw.nn.table import main
from tests.for_each import for_each

LINES = [{"recipe": {"gate": "agmm", "seed": 3, "timesteps": 4, "hidden": [10, 5]}},
         {"epoch": 1, "flip_ratio": 0.003, "validation_accuracy": 0.5},
         {"epoch": 2, "flip_ratio": 0.001, "validation_accuracy": None},
         {"test": {"accuracy": 0.875, "spikes_per_inference": {"fc1": 8.0, "fc2": 3.0}}}]


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_a_row_per_log(tmp_path, capsys):
    assert main([write(tmp_path / "a.jsonl", LINES), write(tmp_path / "b.jsonl", LINES)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 4
    assert rows[2] == ("| a | binary | agmm | 3 | 2 | none | 87.50% | 2.00e-03 |  | 0.200, 0.150 | "
                       "8.0, 3.0 |")


def test_a_network_of_maps_and_its_flips_per_epoch(tmp_path, capsys):
    recipe, *epochs, last = LINES
    recipe = {"recipe": recipe["recipe"] | {"network": "conv", "weights": "real"}}
    epochs = [line | {"epoch_flip_ratio": ratio}
              for line, ratio in zip([*epochs, epochs[-1]], (0.4, 0.1, 0.05), strict=True)]
    last = {"test": last["test"] | {"rates": {"fc1": 0.01, "fc2": 0.02}}}
    assert main([write(tmp_path / "a.jsonl", [recipe, *epochs, last])]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert row == ("| a | real | agmm | 3 | 3 | none | 87.50% | 1.67e-03 | 0.075 | 0.010, 0.020 | "
                   "8.0, 3.0 |")


@for_each("lines", [[], LINES[:-1], LINES[1:], ["text"]])
def test_other_files_are_refused(tmp_path, capsys, lines):
    assert main([write(tmp_path / "a.jsonl", lines)]) == 1
    assert "a.jsonl: must be the log (.jsonl) of a finished run" in capsys.readouterr().err


def test_usage(capsys):
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "usage: python -m bsnn_hw.nn.table" in capsys.readouterr().out
