"""Mutants: drawn with a seed, Python that can be read, and the tests that are near to them."""

import ast
import math
from queue import SimpleQueue

import pytest

from evidence.mutant_sample import Mutant
from evidence.mutants import Verdict, _in_time, _killers, nearest
from tests.for_each import for_each


def test_the_nearest_tests_are_those_of_the_name_and_the_wing():
    assert nearest("hdl/collector.py")[0] == "tests/hdl/test_collector.py"
    assert nearest("bsnn_hw/lowering/join.py")[0].startswith("tests/lowering/")
    assert "tests/hdl/test_network.py" in nearest("bsnn_hw/layout/build.py")
    assert not [test for test in nearest("bsnn_hw/layout/build.py") if "emission" in test]


def test_mutants_of_a_file():
    pytest.importorskip("cosmic_ray")
    from evidence.mutant_sample import mutants_of, sample

    mutants = list(mutants_of("bsnn_hw/exploration/scaling.py"))
    assert len(mutants) > 20
    old, new = mutants[0].lines()
    assert old != new
    chosen = sample(3, 1, ["bsnn_hw/ports"])
    assert chosen == sample(3, 1, ["bsnn_hw/ports"]) != sample(3, 2, ["bsnn_hw/ports"])
    for mutant in chosen:
        ast.parse(mutant.text())
    # Nothing in an annotation, where `int | None` is never computed.
    text = "bsnn_hw/exploration/points.py"
    assert not [mutant for mutant in mutants_of(text) if "seed: int" in mutant.lines()[0]]


@for_each("kind, words, killers", [
    ("killed", "FAILED tests/hdl/test_join.py::test_a[two words] - assert 1 - 2",
     {"tests/hdl/test_join.py::test_a[two words]"}),
    ("killed", "ERROR tests/hdl/test_join.py::test_a - TypeError: no",
     {"tests/hdl/test_join.py::test_a"}),
    ("killed", "ERROR tests/hdl/test_join.py", {"tests/hdl/test_join.py"}),
    # All that ran: without a mutant they may have no end either, or there may be none.
    ("killed", "no end after 900 s", None),
    ("killed", "pytest ends with 5", None),
    ("killed", "PROOF join: lane 0: its row is the event's, and it does not", set()),
    ("survived", "", set()),
    ("explained", "it only costs time", set()),
])
def test_whatever_killed_is_run_again_without_a_mutant(kind, words, killers):
    if killers is None:
        killers = set(nearest("hdl/join.py"))
    assert _killers(Verdict(Mutant("hdl/join.py", "AddNot", 0, 1), kind, words)) == killers


def test_none_begins_after_its_time(monkeypatch):
    mutant = Mutant("hdl/join.py", "AddNot", 0, 1)
    monkeypatch.setattr("evidence.mutants.judge", lambda *_: "judged")
    assert _in_time(mutant, folders=SimpleQueue(), ends=math.inf) == "judged"
    assert _in_time(mutant, folders=SimpleQueue(), ends=0.0) is None
