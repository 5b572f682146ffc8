"""Real sequences as samples, from files of the form that aeon's are, and the table of runs."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bsnn_hw.errors import ToolError
from bsnn_hw.nn.own import load_own
from evidence import sequences
from evidence.sequence_data import write_samples

pytestmark = pytest.mark.wide  # an experiment, no part of the program

EXAMPLES = Path(__file__).parents[2] / "examples"


def place(folder, name, **parts):
    """Files of a set in an installed package aeon; a part is rows of values and their label."""
    target = folder / "aeon" / "datasets" / "data" / name
    target.mkdir(parents=True)
    for part, rows in parts.items():
        lines = [":".join([*(",".join(map(str, side)) for side in np.transpose(values)), label])
                 for values, label in rows]
        text = "\n".join(["#a comment", f"@problemName {name}", "@data", *lines, ""])
        (target / f"{name}_{part}.ts").write_text(text, encoding="utf-8")


@pytest.fixture
def aeon(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(
        submodule_search_locations=[str(tmp_path / name)]))
    return tmp_path


def test_vowels(aeon):
    ramp = np.linspace(-1, 1, 24).reshape(12, 2)
    place(aeon, "JapaneseVowels", TRAIN=[(ramp, "2"), (ramp[:7], "1")],
          TEST=[(2 * ramp[:9], "2")])
    write_samples("vowels", aeon / "vowels.npz")
    found = load_own(aeon / "vowels.npz")
    assert (found.timesteps, found.shape, found.bits) == (29, (2,), 4)
    assert found.classes == ("1", "2") and found.test_y.tolist() == [1]
    whole, = found.train_x[found.train_y == 1]
    assert (np.diff(whole[:12].astype(int), axis=0) >= 0).all() and whole[:12].max() == 15
    assert not whole[12:].any(), "silence behind the last frame"
    assert found.test_x[0, 0].tolist() == [0, 0], "what is beyond the training set's values"


def test_power(aeon):
    days = [(np.arange(24.0).reshape(-1, 1) / 23, "1"), (np.ones((24, 1)), "2")]
    place(aeon, "ItalyPowerDemand", TRAIN=days, TEST=days)
    write_samples("power", aeon / "power.npz")
    found = load_own(aeon / "power.npz")
    assert (found.timesteps, found.shape, found.bits) == (24, (16,), 1)
    assert (found.test_x.sum(2) == 1).all(), "a spike an hour"
    levels = found.test_x.argmax(2)
    assert levels[0, 0] == 0 and levels[0, 23] == 15 and (np.diff(levels[0].astype(int)) >= 0).all()
    assert set(levels[1]) == {15}


def test_the_package_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="pip install --no-deps aeon"):
        write_samples("power", tmp_path / "power.npz")


def test_the_table(tmp_path):
    for name in sequences.SEQUENCES:
        for network in sequences.NETWORKS:
            for kind in sequences.KINDS:
                for seed in (0, 1):
                    test = {"accuracy": 0.5 + 0.25 * seed, "spikes_per_inference": {"fc1": 7.0}}
                    log = tmp_path / f"{name}-{network}-{kind.replace(' ', '-')}-{seed}.jsonl"
                    log.write_text(json.dumps({"recipe": {}}) + "\n" + json.dumps({"test": test}),
                                   encoding="utf-8")
    lines = sequences.table(tmp_path, (0, 1)).splitlines()
    assert lines[2] == "| vowels | recurrent | signs | 50.00 % | 75.00 % | 62.50 % | 7 |"
    assert len(lines) == 2 + 2 * 2 * 3


def test_the_examples_are_recurrent():
    from bsnn_hw.model.format import load

    for name, bits, steps, accuracy in (("power_recurrent", 1, 24, 0.83),
                                        ("vowels_recurrent_4bit", 4, 29, 0.95)):
        model = load(EXAMPLES / f"{name}.pt")
        assert model.timesteps == steps and model.input.bits == bits
        assert model.layers[0].shortcuts[0].synapse.weight.shape == (48, 48)
        test = json.loads((EXAMPLES / f"{name}.jsonl").read_text("utf-8").splitlines()[-1])["test"]
        assert test["accuracy"] > accuracy
