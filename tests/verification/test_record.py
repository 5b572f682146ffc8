"""The record of a verdict: what it keeps, and when it speaks of nothing."""

import json
import shutil
from pathlib import Path

import pytest

from bsnn_hw.errors import MismatchError
from bsnn_hw.verification.record import Check, Real, mismatch_recorded, read_checks, record
from tests.for_each import for_each

BENCH = Check("bench", "python -m bsnn_hw.verify b", 24, "the bundle's vectors")
DATA = Check("data", "python -m bsnn_hw.verify b --all", 512, "sample.npz", accuracy=0.875,
             cycles=432.5, latency=511.0, real=Real(512, 0.88, 0.875, 0.01, {"fc1": 0.02}))


def copied(bundle, place):
    return Path(shutil.copytree(bundle.folder, place / "b"))


@pytest.fixture
def folder(direct_bundle, tmp_path):
    return copied(direct_bundle, tmp_path)


def test_both_kinds_are_kept_and_the_last_of_each_counts(folder):
    assert read_checks(folder) == ()
    for check in (DATA, BENCH, DATA):
        record(folder, check)
    assert read_checks(folder) == (BENCH, DATA)


def test_the_same_checks_give_the_same_bytes(folder):
    record(folder, BENCH)
    first = (folder / "report" / "verdict.json").read_bytes()
    record(folder, BENCH)
    assert (folder / "report" / "verdict.json").read_bytes() == first


@for_each("name", ["manifest.json", "network.json", "rtl/bsnn_random_24.v", "vectors/inputs.npy"])
def test_a_changed_file_ends_a_verdict(direct_bundle, tmp_path, name):
    folder = copied(direct_bundle, tmp_path)
    record(folder, BENCH)
    assert read_checks(folder)
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert read_checks(folder) == ()


def test_a_readme_does_not(folder):
    record(folder, BENCH)
    (folder / "README.md").write_text("mine")
    assert read_checks(folder) == (BENCH,)


def test_a_missing_file_ends_it(folder):
    record(folder, BENCH)
    (folder / "rtl" / "bsnn_random_24.v").unlink()
    assert read_checks(folder) == ()


def test_a_mismatch_is_kept_and_passes(folder):
    with pytest.raises(MismatchError), mismatch_recorded(folder, BENCH):
        raise MismatchError("first difference: layer fc1")
    (kept,) = read_checks(folder)
    assert kept.difference == "first difference: layer fc1"


DAMAGE = {
    "no JSON": lambda facts: "{",
    "deep JSON": lambda facts: "[" * 99999,
    "a list": lambda facts: "[]",
    "another version": lambda facts: json.dumps(facts | {"version": 2}),
    "checks": lambda facts: json.dumps(facts | {"checks": [7]}),
    "a name of ours": lambda facts: json.dumps(facts | {"checks": [
        facts["checks"][0] | {"more": 1}]}),
    "a type": lambda facts: json.dumps(facts | {"checks": [
        facts["checks"][0] | {"inferences": "<b>"}]}),
    "a share": lambda facts: json.dumps(facts | {"checks": [
        facts["checks"][0] | {"real": facts["checks"][0]["real"] | {"spikes": {"fc1": "x"}}}]}),
}


@for_each("kind", DAMAGE)
def test_a_damaged_record_says_nothing(folder, kind):
    record(folder, DATA)
    assert read_checks(folder)
    path = folder / "report" / "verdict.json"
    path.write_text(DAMAGE[kind](json.loads(path.read_text())))
    assert read_checks(folder) == ()


def test_a_folder_that_cannot_be_written_is_a_note(folder, capsys):
    (folder / "report").symlink_to(folder.parent)
    record(folder, BENCH)
    assert "the verdict is not kept: " in capsys.readouterr().out
    assert not (folder.parent / "verdict.json").exists()
