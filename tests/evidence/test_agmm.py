"""The experiment runs, resumes and refuses; its tables say what its log holds."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from bsnn_hw.errors import InputError
from evidence.agmm import LOG, finished, main
from evidence.agmm_grid import OPTIONS, Run, Size, grid
from evidence.agmm_plot import curves_svg
from evidence.agmm_report import CLAIMS, claim_table, failures, options_table, paired, read
from evidence.agmm_report import main as report
from evidence.agmm_runs import build
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program

ROOT = Path(__file__).parents[2]
OPTIONS_LOG = LOG.with_name("agmm_options.jsonl")


def test_the_grid_is_the_experiment_and_its_controls():
    runs = grid(3)
    assert len(set(runs)) == len(runs)
    counts = Counter((run.network, run.depth, run.variant) for run in runs)
    assert all(counts["bireal", depth, variant] == 6 for depth in (3, 7, 11, 19) for variant in
               ("none", "agmm", "scale-half", "constant", "rate-half"))


@for_each("variant", ["agmm", "scale-half", "constant", "rate-half", *OPTIONS])
def test_variants_start_from_the_weights_of_none(variant):
    bare, other = (build(Run("bireal", 7, "sgd", each, 3)) for each in ("none", variant))
    for name, weight in bare.latent_weights().items():
        assert torch.equal(weight, other.latent_weights()[name]), name


def test_what_the_half_variants_halve():
    images = torch.rand(4, 1, 16, 16)
    currents = [build(Run("bireal", 3, "sgd", variant, 0)).hidden["conv1"].drive(images[None])[0]
                for variant in ("none", "scale-half", "constant")]
    assert torch.allclose(currents[1], currents[0] / 2, atol=1e-6)
    assert torch.allclose(currents[2], currents[0] / 2, atol=1e-6)


def made_data(folder):
    generator = np.random.default_rng(0)
    for part, count in (("train", 16), ("t10k", 8)):
        for name, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            values = generator.integers(0, 10, shape, dtype=np.uint8)
            head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
            (folder / f"{part}-{name}-ubyte").write_bytes(head + values.tobytes())


def test_runs_are_made_once_and_kept(tmp_path, capsys):
    made_data(tmp_path)
    log = tmp_path / "log.jsonl"
    options = ["--data-dir", str(tmp_path), "--log", str(log), "--seeds", "1", "--epochs", "1",
               "--batch", "8", "--only", "bireal-3", "agmm"]
    assert main(options) == 0
    assert capsys.readouterr().out == "2 runs made, 0 were there, 0 are left\n"
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    assert {line["optimizer"] for line in lines} == {"sgd", "adam"}
    assert all(len(line[key]) == 1 for line in lines for key in ("test", "flips", "rate"))
    assert main(options) == 0
    assert capsys.readouterr().out == "0 runs made, 2 were there, 0 are left\n"
    assert main([*options[:-3], "--images", "8", *options[-3:]]) == 1
    assert "line 1: must be of the size" in capsys.readouterr().err


def test_a_log_of_something_else_is_refused(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"test": 1}\n')
    with pytest.raises(InputError, match=r"line 1: must be a run of evidence\.agmm"):
        finished(log, Size())
    with pytest.raises(InputError, match=r"must be a log of evidence\.agmm"):
        read(log)


def test_a_paired_difference_by_hand():
    found = paired([3.0, 5.0, 7.0], [2.0, 3.0, 4.0], relative=False)
    assert (found.mean, found.pairs, found.sign) == (2.0, 3, 0)
    assert found.high - found.mean == pytest.approx(4.303 / math.sqrt(3))
    share = paired([1.0, 2.0], [2.0, 4.0], relative=True)
    assert (share.mean, share.low, share.sign) == (pytest.approx(-50), pytest.approx(-50), -1)
    assert paired([1.0, 2.0], [2.0, 3.0], relative=False, grain=1.0).sign == 0


def test_the_page_holds_what_the_logs_say(capsys):
    page, log = (ROOT / "docs" / "agmm.md").read_text(), read(ROOT / LOG)
    assert sum(map(len, log.values())) >= 60
    for claim in CLAIMS:
        assert f"### {claim.title}\n\n{claim_table(log, claim)}" in page, claim.title
    assert options_table(read(ROOT / OPTIONS_LOG)) in page
    assert report(["--log", str(ROOT / LOG)]) == 0
    head, verdicts, *_ = capsys.readouterr().out.split("\n\n")
    assert head in page and verdicts in page
    assert all(run in page for run in failures(log))


def test_curves_of_equal_steps_are_lines():
    text = curves_svg({"one": {"up": [0.0, 0.5, 1.0]}, "two": {"up": [1.0, 1.0, 1.0]}})
    (first, middle, last), flat = (
        [tuple(map(float, pair.split(","))) for pair in part.split('"')[0].split()]
        for part in text.split('points="')[1:])
    assert middle[1] == pytest.approx((first[1] + last[1]) / 2) and first[1] > last[1]
    assert len({y for _, y in flat}) == 1
