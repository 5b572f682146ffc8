"""What grows is what the command says; points that are kept are not measured again."""

import json
from itertools import pairwise

import pytest

from bsnn_hw.model.check import describe
from evidence import synthesis_growth
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program

FOUND = {"cells": 3000, "rams": 6, "cycles": 500.0, "megahertz": 100.0, "generation": 2.0,
         "mapping": 9.0, "placing": 30.0, "path": "a → b"}


@for_each("hidden", [64, 100])
def test_the_documents_are_models(hidden):
    model = describe(synthesis_growth.document(hidden), "grown")
    assert [layer.synapse.weight.shape for layer in model.layers] == [(hidden, 784), (10, hidden)]


def test_every_series_doubles_between_the_ends_it_should_have():
    for (first, last), points in zip([(64, 2048), (1, 16)], synthesis_growth.SERIES.values(),
                                     strict=True):
        sizes = [at for at, _ in points]
        assert (sizes[0], sizes[-1]) == (first, last)
        assert {after / before for before, after in pairwise(sizes)} == {2}


def test_kept_points_are_shown_and_not_measured_again(tmp_path, capsys, monkeypatch):
    measured = []

    def measure(hidden, lanes, part, folder):
        measured.append((hidden, lanes, part))
        return dict(FOUND, cells=hidden * 10)

    monkeypatch.setattr(synthesis_growth, "measure", measure)
    monkeypatch.setattr(synthesis_growth, "_versions", lambda target: {"pyosys": "0.70"})
    options = ["--keep", str(tmp_path / "k.json"), "--plot", str(tmp_path / "g.svg"),
               "--largest", "256"]
    assert synthesis_growth.main(options) == 0
    assert len(measured) == 7, "256 neurons with 4 lanes are in both series"
    shown = capsys.readouterr().out
    assert "hidden neurons   64    640           6          500  100.0       200,000" in shown
    assert "<svg" in (tmp_path / "g.svg").read_text()
    assert synthesis_growth.main(options) == 0
    assert len(measured) == 7
    assert capsys.readouterr().out == shown

    kept = json.loads((tmp_path / "k.json").read_text())
    kept["made_with"]["pyosys"] = "0.1"
    (tmp_path / "k.json").write_text(json.dumps(kept))
    assert synthesis_growth.main(options) == 0
    assert len(measured) == 14, "another version's figures are not shown"
