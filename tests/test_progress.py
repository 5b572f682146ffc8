"""Lines about long steps: when they come, and when they do not."""

import argparse
import time

import pytest

from bsnn_hw import progress
from bsnn_hw.command import run_verb
from bsnn_hw.progress import Talk, announced, counted, set_talk, step
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def talk(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    set_talk(Talk.LONG_STEPS)
    yield
    set_talk(Talk.NOTHING)


def test_a_long_step_begins_and_ends(capsys):
    with step("plan made"):
        time.sleep(0.2)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "plan made ..."
    assert last.startswith("plan made: 0.") and last.endswith(" s")


def test_a_short_step_is_silent(capsys):
    progress.PATIENCE = 60
    with step("plan made"):
        pass
    assert capsys.readouterr().err == ""


def test_all_steps(capsys):
    set_talk(Talk.ALL_STEPS)
    progress.PATIENCE = 60
    with step("plan made"):
        time.sleep(0.1)
    assert capsys.readouterr().err.count("plan made") == 2


def test_nothing(capsys):
    set_talk(Talk.NOTHING)
    with step("plan made"):
        time.sleep(0.1)
    counted(5, "inferences")(3)
    assert capsys.readouterr().err == ""


def test_a_step_that_fails_has_no_end(capsys):
    def fail():
        with step("plan made"):
            time.sleep(0.2)
            raise ValueError("no plan")

    with pytest.raises(ValueError, match="no plan"):
        fail()
    assert capsys.readouterr().err == "plan made ...\n"
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_only_the_beginning(capsys):
    with announced("placed"):
        time.sleep(0.2)
    assert capsys.readouterr().err == "placed ...\n"


def test_counts_come_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "AGAIN", 0)
    done = counted(2000, "inferences")
    for count in (1000, 2000):
        done(count)
    assert capsys.readouterr().err == "1,000 of 2,000 inferences ...\n"
    monkeypatch.setattr(progress, "AGAIN", 60)
    done(1500)
    assert capsys.readouterr().err == ""


def test_counts_of_nobody_knows_how_many(capsys, monkeypatch):
    monkeypatch.setattr(progress, "AGAIN", 0)
    counted(None, "inferences")(1000)
    assert capsys.readouterr().err == "1,000 inferences ...\n"


@for_each("flags, talk", [
    ([], Talk.LONG_STEPS), (["-v"], Talk.ALL_STEPS), (["--quiet"], Talk.NOTHING)])
def test_flags_of_every_verb(flags, talk):
    seen = []
    assert run_verb(argparse.ArgumentParser(), lambda _: seen.append(progress._talk), flags) == 0
    assert seen == [talk]


def test_not_both(capsys):
    with pytest.raises(SystemExit) as end:
        run_verb(argparse.ArgumentParser(), lambda _: None, ["-v", "-q"])
    assert end.value.code == 2
