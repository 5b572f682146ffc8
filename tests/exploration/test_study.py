"""study.toml: what it says, and what it must not."""

from pathlib import Path

import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.exploration.axes import label
from bsnn_hw.exploration.choosing import Grid
from bsnn_hw.exploration.points import grid, picked
from bsnn_hw.exploration.study import read_study
from tests.for_each import for_each


def test_every_choice_is_a_point(study_files):
    study = read_study(study_files)
    points = list(grid(study))
    assert len(points) == Grid(study).total == 2 * 3 * 2
    assert {point.seed for point in points} == {None}  # nothing is drawn with one
    assert [point.part for point in points[:3]] == ["ecp5-25k", "ice40-up5k", "ecp5-25k"]
    assert [point.plan for point in points[:6:2]] == [
        {"lanes": [3, 4], "parallel": [5, 2]}, {"lanes": [1, 1], "parallel": [5, 2]},
        {"goal": "smallest"}]
    assert label(points[0].plan) == "lanes=[3,4] parallel=[5,2]" and label({}) == "default"


def test_seeds_count_where_something_is_drawn(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('seeds = [3, 4]\n[[network]]\nmodel = "a.pt"\n'
                    '[[network]]\ndataset = "digits"\nhidden = [[8], [16, 8]]\n')
    points = list(grid(read_study(path)))
    assert [point.seed for point in points] == [None, 3, 4, 3, 4]
    assert points[1].words["network"] == 'dataset=digits hidden=[8]'
    path.write_text(path.read_text() + "[measure]\nsynth = true\n")
    assert [point.seed for point in grid(read_study(path))] == [3, 4] * 3


def test_picked_asks_where_there_is_a_choice(study_files):
    asked = {}

    def last(question, count):
        asked[question] = count
        return count - 1

    point = picked(read_study(study_files), last)
    assert point.plan == {"goal": "smallest"} and point.part == "ice40-up5k"
    assert asked == {"precision 1 fraction_bits": 2, "plan": 2, "part": 2}


NETWORK = '[[network]]\nmodel = "a.pt"\n'


@for_each("text, words", [
    ("", r"must have a table \[\[network\]\] at least"),
    ("x = ", "must be TOML"),
    (NETWORK + "[extra]\n", r"must have network, .* and nothing else, not 'extra'"),
    ("[network]\nmodel = 'a'\n", r"network must be tables \[\[network\]\]"),
    ("[[network]]\nname = 'a'\n", r"\[\[network\]\] 1: must have model, a model file, or dataset"),
    ("[[network]]\nmodel = 3\n", r"\[\[network\]\] 1: model must be a string, .* not 3"),
    ("[[network]]\ndataset = 'cifar'\n", "dataset must be one of digits, .*, not 'cifar'"),
    ("[[network]]\ndataset = 'digits'\ntimesteps = 0\n", "timesteps: must be 1 or more, not 0"),
    ("[[network]]\ndataset = 'digits'\nweights = 'real'\n", "weights must be one of binary"),
    (NETWORK + "[[precision]]\nfraction_bits = 13\n",
     r"\[\[precision\]\] 1: fraction_bits must be a whole number, 0..12.* not 13"),
    (NETWORK + "[[precision]]\nbits = 3\n", "must have fraction_bits, .* not 'bits'"),
    (NETWORK + "[[plan]]\n[[plan]]\ngoal = ['smallest', 'best']\n",
     r"\[\[plan\]\] 2: goal must be smallest, fastest or fps=N.* not 'best'"),
    (NETWORK + "[[plan]]\nlanes = [[1, 'x']]\n", "lanes must be a list of whole numbers"),
    (NETWORK + "[[plan]]\nlanes = [[0, 1]]\n", "lanes must be a list of whole numbers of 1"),
    (NETWORK + "[[plan]]\nclock = -1\n", "clock must be MHz above 0"),
    (NETWORK + "[[plan]]\nengine = 'event'\n", "engine must be events, words, unrolled or auto"),
    ("parts = ['xc7a35t']\n" + NETWORK, "parts must each be one of ecp5-25k, .*'xc7a35t'"),
    ("parts = 'ecp5-25k'\n" + NETWORK, "parts must be a list"),
    ("port = 'wide'\n" + NETWORK, "port must be events or bytes, not 'wide'"),
    ("seeds = [-1]\n" + NETWORK, "seeds must each be a whole number"),
    ("objectives = ['beauty']\n" + NETWORK, "objectives must each be one of accuracy"),
    (NETWORK + "[measure]\nsamples = [1, 2]\n", r"\[measure\]: samples must be .* and one, not 2"),
    (NETWORK + "[optuna]\nseed = 1\n", r"\[optuna\]: trials must be given"),
    (NETWORK + "[optuna]\ntrials = 0\n", r"\[optuna\]: trials must be a whole number, 1 or more"),
])
def test_what_is_wrong_is_named_in_one_line(tmp_path_factory, text, words):
    path = tmp_path_factory.mktemp("wrong") / "study.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_study(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="must be a study in TOML, No such file"):
        read_study(tmp_path / "none.toml")


def test_the_example_of_the_docs(tmp_path):
    """docs/explore.md shows a study that can be read."""
    text = (Path(__file__).parents[2] / "docs/explore.md").read_text(encoding="utf-8")
    start = text.index("    # study.toml\n")
    lines = text[start:].split("\n\nA value")[0].splitlines()
    path = tmp_path / "study.toml"
    path.write_text("\n".join(line[4:] for line in lines))
    study = read_study(path)
    assert len(study.networks) == len(study.plans) == 2
    assert Grid(study).total == 234  # as the page says
