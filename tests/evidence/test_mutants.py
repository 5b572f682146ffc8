"""Mutants: drawn with a seed, Python that can be read, and the tests that are near to them."""

import ast
import json
import math
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from bsnn_hw.child import environment
from bsnn_hw.errors import BsnnError
from evidence import mutant_tests
from evidence.mutant_copy import SERVER, Copy
from evidence.mutant_lines import FOUND, telling
from evidence.mutant_sample import Mutant
from evidence.mutant_tests import Record, nearest, parts
from evidence.mutants import Memory, Verdict, _check_tests, _in_time, judge
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program

NOWHERE = Path("nowhere")
JOIN = Mutant("hdl/join.py", "AddNot", 0, 1)
SOURCE = "bsnn_hw/ports/a.py"
TEXT = """\
SIZE = 4

class Port:
    lanes: int = 2

    @property
    def width(self):
        if (self.lanes >
                1):
            return SIZE
        return 1

def unused():
    return 0
"""


def test_the_nearest_tests_are_those_of_the_name_and_the_wing():
    assert nearest("hdl/collector.py")[0] == "tests/hdl/test_collector.py"
    assert nearest("bsnn_hw/lowering/join.py")[0].startswith("tests/lowering/")
    assert nearest("bsnn_hw/layout/build.py")
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


def test_whatever_killed_is_run_again_without_a_mutant():
    class Tests:
        fails = None

        def failed(self, tests, seconds):
            self.ran = tests, seconds
            return self.fails

    record, tests = Record(NOWHERE), Tests()
    found = [Verdict(JOIN, "killed", "no end", ["tests/b.py::b", "tests/a.py"]),
             Verdict(JOIN, "killed", "PROOF no"), Verdict(JOIN, "survived"),
             Verdict(JOIN, "killed", "FAILED", ["tests/b.py::b"])]
    record.tests = {"tests/b.py::b": (2.0, {})}
    _check_tests(tests, found, record)
    assert tests.ran == (["tests/a.py", "tests/b.py::b"], 2.0)
    tests.fails = "FAILED tests/a.py", []
    with pytest.raises(BsnnError, match="pass without any, FAILED tests/a"):
        _check_tests(tests, found, record)


def test_none_begins_after_its_time(monkeypatch):
    monkeypatch.setattr("evidence.mutants.judge", lambda *_: Verdict(JOIN, "survived"))
    copies, record = SimpleQueue(), Record(NOWHERE)
    copies.put("a copy")
    facts = {"copies": copies, "record": record, "memory": Memory(None, record), "budgets": [1.0]}
    assert _in_time(JOIN, ends=math.inf, **facts) == Verdict(JOIN, "survived")
    assert _in_time(JOIN, ends=0.0, **facts) is None
    assert copies.get() == "a copy"


@for_each("line, ranges", [
    (1, [(1, 2), (1, 2)]),  # a constant
    (4, [(4, 5), (4, 5), (3, 12)]),
    (6, [(6, 7), (6, 8), (6, 12), (3, 12)]),  # a decorator is of what it decorates
    (9, [(9, 10), (8, 10), (6, 12), (3, 12)]),  # a condition, without what it guards
    (10, [(10, 11), (10, 11), (6, 12), (3, 12)]),
])
def test_what_is_around_a_line(line, ranges):
    assert list(parts(TEXT, line)) == [range(*each) for each in (*ranges, (1, 15))]


def test_statements_of_functions_say_that_they_are_executed():
    hits = []
    space = {"_mutants_hit": hits.append}
    exec(compile(telling(TEXT, "a.py"), "a.py", "exec"), space)
    assert hits == []
    assert space["Port"]().width == 4
    assert hits == [("a.py", 8), ("a.py", 10)]
    text = 'def f(a):\n    "Words."\n    for b in a:\n        pass\n    else:\n        return b\n'
    exec(compile(telling(text, "b.py"), "b.py", "exec"), space)
    assert space["f"].__doc__ == "Words." and space["f"]([2]) == 2
    assert hits[2:] == [("b.py", 3), ("b.py", 4), ("b.py", 6)]


@contextmanager
def tree(monkeypatch, folder):
    """A checkout with one source and two files of tests, and a record of its tests."""
    for name, text in ((SOURCE, TEXT), ("tests/ports/test_a.py", "import bsnn_hw.ports.a"),
                       ("tests/hdl/test_b.py", "")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for module in ("mutant_copy", "mutant_tests", "mutants"):
        monkeypatch.setattr(f"evidence.{module}.ROOT", folder)
    mutant_tests._imports.cache_clear()
    record = Record(folder / "record.json")
    a, b = "tests/ports/test_a.py", "tests/hdl/test_b.py"
    record.take([a, b], [
        {"tests": {f"{a}::slow": (3.0, {}), f"{a}::fast": (0.5, {"x|made": 1.0}),
                   f"{a}::also": (0.6, {"x|made": 1.0})},
         "lines": {SOURCE: {"8": [f"{a}::slow", f"{a}::fast", f"{a}::also"]}}},
        {"tests": {f"{b}::other": (0.1, {})},
         "lines": {SOURCE: {"8": [f"{b}::other"], "10": [f"{b}::other"]}}}])
    yield record
    mutant_tests._imports.cache_clear()


def names(tests):
    return [test.partition("::")[2] for test in tests]


def test_tests_that_execute_a_line(monkeypatch, tmp_path):
    with tree(monkeypatch, tmp_path) as record:
        assert names(record.covering(SOURCE, 10)) == ["other"]
        # None executes it: those of what is around, and the nearest.
        assert set(names(record.covering(SOURCE, 11))) == {"slow", "fast", "also", "other"}
        assert record.covering(SOURCE, 1) == record.covering(SOURCE, 14) == set(record.tests)
        # Of another source, lines are not known.
        (tmp_path / SOURCE).write_text(f"{TEXT}\n")
        assert record.covering(SOURCE, 10) == set(record.tests)


def test_batches_begin_near_and_go_through_all_files(monkeypatch, tmp_path):
    with tree(monkeypatch, tmp_path) as record:
        found = record.batches(SOURCE, 8, (2.1, 2.0, 9.0))
        # What two tests share is made once.
        assert list(map(names, found)) == [["fast", "also"], ["other"], ["slow"]]
        assert record.price(["tests/ports/test_a.py::fast", "tests/ports/test_a.py::also"]) == 2.1
        assert names(next(record.batches(SOURCE, 8, (1.7,)))) == ["fast"]


def test_only_tests_that_changed_are_recorded_again(monkeypatch, tmp_path):
    with tree(monkeypatch, tmp_path) as record:
        assert record.stale() == []
        state = record.state()
        (tmp_path / "tests/hdl/test_b.py").write_text("pass")
        (tmp_path / "tests/hdl/test_c.py").write_text("")
        assert Record(tmp_path / "record.json").stale() == ["tests/hdl/test_b.py",
                                                            "tests/hdl/test_c.py"]
        record.take(record.stale(), [{"tests": {"tests/hdl/test_c.py::new": (1, {})},
                                      "lines": {SOURCE: {"11": ["tests/hdl/test_c.py::new"]}}}])
        assert Record(tmp_path / "record.json").stale() == [] and record.state() != state
        assert names(record.covering(SOURCE, 11)) == ["new"]
        assert set(names(Record(tmp_path / "record.json").covering(SOURCE, 8))) == {
            "slow", "fast", "also"}


def test_verdicts_are_remembered(monkeypatch, tmp_path):
    with tree(monkeypatch, tmp_path) as record:
        killed = Verdict(Mutant(SOURCE, "AddNot", 0, 1), "killed", "FAILED",
                         ["tests/ports/test_a.py::fast"], 2.5)
        survived = Verdict(Mutant(SOURCE, "AddNot", 1, 1), "survived")
        keep = tmp_path / "verdicts"
        for verdict in (killed, survived, Verdict(JOIN, "explained", "it is the same")):
            Memory(keep, record).keep(verdict)
        memory = Memory(keep, record)
        assert [memory.of(each.mutant) for each in (killed, survived)] == [killed, survived]
        assert memory.of(JOIN) is None and Memory(None, record).of(killed.mutant) is None
        # With other tests, or more of them, what survived may be found.
        assert Memory(keep, record, [900.0]).of(survived.mutant) is None
        del record.tests["tests/hdl/test_b.py::other"]
        record.files["tests/hdl/test_b.py"] = "other"
        assert Memory(keep, record).of(survived.mutant) is None
        assert Memory(keep, record).of(killed.mutant) == killed
        # Its test is gone.
        del record.tests["tests/ports/test_a.py::fast"]
        assert Memory(keep, record).of(killed.mutant) is None
        (tmp_path / SOURCE).write_text("")
        assert Memory(keep, record).of(survived.mutant) is None


@for_each("module, argument, limit, code, words", [
    ("pytest", "test_it.py::test_wrong", 60, 1, "FAILED test_it.py::test_wrong - assert 0"),
    ("pytest", "test_it.py::test_well", 60, 0, "1 passed"),
    ("pytest", "test_it.py::test_absent", 60, 4, "ERROR: not found"),
    ("endless", "", 1, None, ""),
])
def test_a_process_is_forked_for_each_run(server, module, argument, limit, code, words):
    folder, process = server
    arguments = ["-q", "--tb=no", "-p", "no:cacheprovider", "-n", "0", argument]
    print(json.dumps({"module": module, "arguments": arguments, "limit": limit}),
          file=process.stdin, flush=True)
    answer = json.loads(process.stdout.readline())
    assert answer["code"] == code and answer["cpu"] > 0
    assert any(line.startswith(words) for line in answer["lines"]) or not words
    if module == "endless":  # what it started has ended with it
        state = Path("/proc", (folder / "child").read_text(), "stat")
        assert not state.exists() or " Z " in state.read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A process in a folder of tests, as mutants have one."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "test_it.py").write_text(
        "def test_well(): assert 1\ndef test_wrong(): assert 0\n")
    (folder / "endless.py").write_text(
        "import subprocess, pathlib, time\n"
        "def main(arguments):\n"
        "    pathlib.Path('child').write_text(str(subprocess.Popen(['sleep', '99']).pid))\n"
        "    time.sleep(99)\n")
    with subprocess.Popen([sys.executable, SERVER, "pytest"], cwd=folder, encoding="utf-8",
                          env=environment(), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        yield folder, process
        process.communicate()


class Answers(Copy):
    """A copy whose processes give these answers."""

    def __init__(self, folder, answers):
        self._folder, self._patience, self._number, self.cpu = folder, 1, 0, 0.0
        self.answers, self.asked = list(answers), []

    def _run(self, module, arguments, limit):
        self.asked.append(module)
        self.cpu += 1
        return self.answers.pop(0)


A, PASSED = ["tests/a.py::a", "tests/b.py::b"], (0, [])


@for_each("answer, failed", [
    (PASSED, None),
    ((1, ["FAILED tests/a.py::a[two words] - assert 1 - 2"]),
     ("FAILED tests/a.py::a[two words] - assert 1 - 2", ["tests/a.py::a[two words]"])),
    ((2, ["ERROR tests/a.py - TypeError", "Interrupted"]),
     ("ERROR tests/a.py - TypeError", ["tests/a.py"])),
    # Without a mutant they may have no end either, or there may be none.
    ((None, []), ("no end after 31 s", A)),
    ((4, ["ERROR: not found: a"]), ("pytest ends with 4 ERROR: not found: a", A)),
])
def test_what_failed(tmp_path, answer, failed):
    assert Answers(tmp_path, [answer]).failed(A, 3.0) == failed


@for_each("answer, words", [
    (PASSED, None),
    ((None, []), None),
    ((4, ["python -m evidence.proofs: join: lane 0", "end"]),
     "PROOF python -m evidence.proofs: join: lane 0"),
    ((1, ["Traceback", "KeyError: 1"]), "PROOF KeyError: 1"),
])
def test_what_a_proof_says(tmp_path, answer, words):
    assert Answers(tmp_path, [answer]).disproven("hdl/join.py") == words
    assert Answers(tmp_path, []).disproven("bsnn_hw/ports/a.py") is None


@for_each("answers, kind, asked", [
    ([PASSED, (1, ["FAILED tests/hdl/test_b.py::other - no"])], "killed", ["pytest"] * 2),
    ([PASSED, PASSED, PASSED], "survived", ["pytest"] * 3),
])
def test_a_mutant_is_judged(monkeypatch, tmp_path, answers, kind, asked):
    monkeypatch.setattr(Mutant, "text", lambda self: TEXT.replace("4", "5"))
    monkeypatch.setattr(Mutant, "lines", lambda self: ("SIZE = 4", "SIZE = 5"))
    with tree(monkeypatch, tmp_path / "root") as record:
        copy = Answers(tmp_path / "copy", answers)
        (tmp_path / "copy" / SOURCE).parent.mkdir(parents=True)
        verdict = judge(Mutant(SOURCE, "NumberReplacer", 0, 8), copy, record, (2.1, 2.0, 9.0))
    assert verdict.kind == kind and copy.asked == asked and verdict.cpu == len(asked)
    assert (tmp_path / "copy" / SOURCE).read_text() == TEXT


def test_what_tests_execute_is_recorded(tmp_path):
    (tmp_path / "test_it.py").write_text("""\
import pytest
from bsnn_hw.exploration.scaling import critical_path, makespan

@pytest.fixture(scope="module")
def made():
    return makespan([], 1)

def test_shared(made):
    assert made == 0

def test_own():
    assert critical_path([]) == 0

def test_wrong(made):
    assert critical_path([]) == 1
""")
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "evidence.mutant_lines", "-p",
                    "no:cacheprovider", "test_it.py"], cwd=tmp_path, env=environment(), check=False)
    (path,) = (tmp_path / FOUND).glob("*.json")
    found = json.loads(path.read_text())
    assert set(found["tests"]) == {"test_it.py::test_shared", "test_it.py::test_own"}
    assert list(found["tests"]["test_it.py::test_shared"][1]) == ["test_it.py|made"]
    source = "bsnn_hw/exploration/scaling.py"
    text = (mutant_tests.ROOT / source).read_text().splitlines()
    executed = {text[int(line) - 1].strip(): names(tests)
                for line, tests in found["lines"][source].items()}
    assert executed["ready = [(task.rank, number) for number, task in enumerate(tasks) "
                    "if not task.after]"] == ["test_shared"]
    assert not [line for line in executed if line.startswith(("def", "heapq.heappush", '"""'))]
    assert ["test_own"] in executed.values()
